//! `explore`.

use crate::{
    common::{devices, noise},
    models::{by_hand, loader, several},
    oracle::{codes, cosine, norm, wide},
};
use archetypal::{
    Device, Error,
    explore::{
        ConceptRows, Distance, Firing, NearRow, PointWeight, TopRows, atom_points, nearest_rows,
        point_rows, top_rows,
    },
    sae::Sae,
};

fn top(sae: &Sae, rows: Vec<f32>, batch: usize, what: &TopRows) -> archetypal::Result<ConceptRows> {
    let width = sae.settings().input_shape;
    pollster::block_on(top_rows(sae, &loader(rows, width, batch), what, &mut |_| {}))
}

#[test]
fn top_rows_as_a_plain_sort_finds_them() {
    let (d, k, rows) = (13, 31, 90);
    let data = noise(rows * d, 7);
    for device in devices("top_rows_as_a_plain_sort_finds_them") {
        for parts in several(k, d, 10, 4) {
            let z = codes(&parts, &data);
            for cells in [1, 6] {
                let what = TopRows { rows_per_example: cells, ..TopRows::new(5) };
                let got = top(&parts.on(&device), data.clone(), 25, &what).unwrap();
                assert_eq!(got.rows, rows);
                for concept in 0..k {
                    let column: Vec<f64> = z.iter().map(|z| z[concept]).collect();
                    let energy: f64 = column.iter().map(|z| z * z).sum();
                    assert!((got.energy[concept] - energy).abs() <= 1e-5 * energy.max(1e-3));
                    let fired = column.iter().filter(|z| **z >= 1e-6).count();
                    assert_eq!(got.fired[concept], fired as u64);
                    let found: Vec<_> = got.top[concept].iter().map(|f| f.row).collect();
                    assert_eq!(found, largest(&column, cells, 5), "concept {concept}");
                    for firing in &got.top[concept] {
                        assert!((f64::from(firing.value) - column[firing.row]).abs() < 1e-5);
                    }
                }
            }
        }
    }
}

/// Rows of the largest codes, one for each run of `cells` rows.
fn largest(column: &[f64], cells: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<_> = (0..column.len()).filter(|&row| column[row] > 0.0).collect();
    order.sort_by(|&a, &b| column[b].total_cmp(&column[a]).then(a.cmp(&b)));
    let mut seen = Vec::new();
    order.retain(|row| {
        let new = !seen.contains(&(row / cells));
        seen.push(row / cells);
        new
    });
    order.truncate(count);
    order
}

#[test]
fn chosen_concepts_and_equal_codes() {
    let sae = by_hand().on(&Device::cpu());
    // Codes of the first concept: 2, none, 2, 3; of the second: none, 5, none, none.
    let rows = vec![2.0, 0.0, 0.0, 5.0, 2.0, 0.0, 3.0, 0.0];
    let what = TopRows { concepts: Some(vec![0]), ..TopRows::new(2) };
    let got = top(&sae, rows.clone(), 3, &what).unwrap();
    let firing = |row, value| Firing { row, value };
    assert_eq!(got.top, [vec![firing(3, 3.0), firing(0, 2.0)], vec![], vec![]]);
    assert_eq!(got.by_energy(), [1, 0]);
    assert_eq!((got.fired, got.energy), (vec![3, 1, 0], vec![17.0, 25.0, 0.0]));

    let missing = TopRows { concepts: Some(vec![3]), ..TopRows::new(2) };
    let error = top(&sae, rows.clone(), 3, &missing).unwrap_err();
    assert!(matches!(error, Error::Setting { setting: "concept", .. }), "{error}");
    let mut bad = rows;
    bad[5] = f32::INFINITY;
    let error = top(&sae, bad, 3, &what).unwrap_err();
    assert!(matches!(error, Error::NotFinite { row: 2, column: 1, .. }), "{error}");
}

#[test]
fn points_of_an_atom() {
    for device in devices("points_of_an_atom") {
        let sae = by_hand().on(&device);
        let got = pollster::block_on(atom_points(&sae, &[2, 1], 5)).unwrap();
        let share = |point, weight| PointWeight { point, weight };
        assert_eq!(got, [vec![share(0, 0.5), share(1, 0.5)], vec![share(1, 1.0)]]);
        let one = pollster::block_on(atom_points(&sae, &[2], 1)).unwrap();
        assert_eq!(one, [vec![share(0, 0.5)]]);
        assert!(pollster::block_on(atom_points(&sae, &[], 1)).unwrap().is_empty());
        assert!(matches!(
            pollster::block_on(atom_points(&sae, &[3], 1)),
            Err(Error::Setting { setting: "concept", .. })
        ));
        assert_eq!(
            pollster::block_on(point_rows(&sae, &[1, 1, 0])).unwrap(),
            [0.0, 1.0, 0.0, 1.0, 1.0, 0.0]
        );
        let free = several(3, 2, 2, 1)[3].on(&device);
        let error = pollster::block_on(atom_points(&free, &[0], 1)).unwrap_err();
        assert!(error.to_string().contains("archetypal"), "{error}");
    }
}

fn nearest(device: &Device, data: &[f32], targets: &[f32], how: Distance) -> Vec<Vec<NearRow>> {
    let loader = loader(data.to_vec(), 6, 32);
    pollster::block_on(nearest_rows(device, &loader, targets, 3, how, &mut |_| {})).unwrap()
}

#[test]
fn nearest_rows_as_a_plain_loop_finds_them() {
    let (d, data) = (6, noise(100 * 6, 3));
    // The last two targets are a row itself and nothing.
    let mut targets = noise(5 * d, 4);
    targets.extend_from_slice(&data[42 * d..43 * d]);
    targets.extend_from_slice(&[0.0; 6]);
    for device in devices("nearest_rows_as_a_plain_loop_finds_them") {
        for how in [Distance::Euclidean, Distance::Cosine] {
            let distance = |a: &[f64], b: &[f64]| match how {
                Distance::Euclidean => {
                    norm(&a.iter().zip(b).map(|(a, b)| a - b).collect::<Vec<_>>())
                }
                Distance::Cosine => 1.0 - cosine(a, b),
            };
            let got = nearest(&device, &data, &targets, how);
            for (target, got) in targets.chunks(d).zip(&got) {
                let mut all: Vec<(f64, usize)> = data
                    .chunks(d)
                    .enumerate()
                    .map(|(row, x)| (distance(&wide(x), &wide(target)), row))
                    .collect();
                all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
                for (got, want) in got.iter().zip(&all[..3]) {
                    assert_eq!(got.row, want.1);
                    assert!((got.distance - want.0).abs() < 1e-12);
                }
                assert_eq!(got.len(), 3);
            }
            assert!(got[5][0].row == 42 && got[5][0].distance < 1e-12);
        }
    }
}

#[test]
fn fewer_rows_than_asked_for_and_wrong_widths() {
    let device = Device::cpu();
    let data = loader(noise(2 * 6, 3), 6, 32);
    let find = |targets: &[f32]| {
        let how = Distance::Euclidean;
        pollster::block_on(nearest_rows(&device, &data, targets, 3, how, &mut |_| {}))
    };
    assert_eq!(find(&[0.0; 6]).unwrap()[0].len(), 2);
    assert!(find(&[]).unwrap().is_empty());
    assert!(matches!(find(&[0.0; 7]), Err(Error::Shape { .. })));
}
