//! Sums, counters and what k-means and the metrics ask for.

use crate::util::*;
use archetypal::{
    Device, Tensor,
    device::{ACTIVE_FROM, log},
};

const SHAPES: [(usize, usize); 7] =
    [(1, 1), (2, 33), (31, 7), (65, 129), (1, 1000), (1025, 3), (127, 257)];

#[test]
fn sums_of_columns_and_rows() {
    let device = Device::cpu();
    let mut random = Random::new(40);
    for (rows, cols) in SHAPES {
        let data = random.floats(rows * cols);
        let (mut columns, mut squares) = (vec![0.0; cols], vec![0.0; rows]);
        for (i, &x) in data.iter().enumerate() {
            columns[i % cols] += f64::from(x);
            squares[i / cols] += f64::from(x) * f64::from(x);
        }
        let a = tensor(rows, cols, &data);
        let mut out = poisoned(cols, 1);
        device.column_sums(&a, &mut out);
        close("column sums", values(&out), &columns, 1e-6);
        let mut out = poisoned(rows, 1);
        device.row_sumsq(&a, &mut out);
        close("row sums of squares", values(&out), &squares, 1e-6);
    }
}

#[test]
fn counters_count_active_codes() {
    let device = Device::cpu();
    let mut random = Random::new(41);
    for (batch, concepts) in SHAPES {
        let width = concepts.min(9);
        let mut codes = random_codes(&mut random, batch, width, concepts);
        // Below and at the limit of what counts.
        let small: Vec<f32> = values(&codes.values)
            .iter()
            .map(|&z| {
                if z > 0.6 {
                    0.5e-6
                } else if z > 0.3 {
                    -ACTIVE_FROM
                } else {
                    z
                }
            })
            .collect();
        codes.values.write(&small);
        let mut by_atom = poisoned_index(batch, width, concepts);
        device.by_atom(&codes, &mut by_atom);

        let mut want = vec![7_u32; concepts];
        let (mut active, mut per_row) = (0, vec![0_u32; batch]);
        for (_, row, concept, value) in entries(&codes) {
            if value.abs() >= ACTIVE_FROM {
                want[concept] += 1;
                per_row[row] += 1;
                active += 1;
            }
        }
        let start = vec![7_u32; concepts];
        let mut fired = Tensor::from_slice(&device, concepts, 1, &start).unwrap();
        let mut log = poisoned(3, log::WIDTH);
        device.count_active(&codes, &by_atom, &mut fired, &mut log, 2);
        let most = *integers(&codes.counts).iter().max().unwrap();
        assert_eq!(integers(&fired), want);
        let row = &values(&log)[2 * log::WIDTH..];
        assert_eq!(row[log::ACTIVE..=log::MOST], [active as f32, most as f32]);

        let mut dense = poisoned(batch, concepts);
        device.scatter(&codes, &mut dense);
        let mut fired = Tensor::from_slice(&device, concepts, 1, &start).unwrap();
        device.count_active_dense(&dense, &mut fired, &mut log, 1);
        let most = *per_row.iter().max().unwrap();
        assert_eq!(integers(&fired), want);
        let row = &values(&log)[log::WIDTH..2 * log::WIDTH];
        assert_eq!(row[log::ACTIVE..=log::MOST], [active as f32, most as f32]);
    }
}

#[test]
fn idle_rows_count_since_a_concept_fired() {
    let device = Device::cpu();
    let integers_of = |data: &[u32]| Tensor::from_slice(&device, data.len(), 1, data).unwrap();
    let fired = integers_of(&[3, 5, 0, u32::MAX, 7]);
    let mut seen = integers_of(&[3, 4, 0, 0, 7]);
    let mut idle = integers_of(&[10, 10, 0, 9, u32::MAX - 3]);
    device.count_idle(&fired, 64, &mut seen, &mut idle);
    assert_eq!(integers(&idle), [74, 0, 64, 0, u32::MAX]);
    assert_eq!(integers(&seen), integers(&fired));
    device.count_idle(&fired, 0, &mut seen, &mut idle);
    assert_eq!(integers(&idle), [74, 0, 64, 0, u32::MAX]);
}

#[test]
fn biases_rise_where_a_concept_is_idle() {
    let device = Device::cpu();
    let mut bias = column(&[-1.0, 0.5, 0.0, 2.0]);
    let idle = Tensor::from_slice(&device, 4, 1, &[0, 9, 10, u32::MAX]).unwrap();
    device.revive(&mut bias, &idle, 10, 0.25);
    assert_eq!(values(&bias), [-1.0, 0.5, 0.25, 2.25]);
    device.revive(&mut bias, &idle, 0, 1.0);
    assert_eq!(values(&bias), [0.0, 1.5, 1.25, 3.25]);
}

#[test]
fn nearest_centre_is_the_lowest_of_the_best() {
    let device = Device::cpu();
    let mut random = Random::new(42);
    for (rows, n) in SHAPES {
        // Few different values, so that ties are common.
        let mut coarse =
            |len: usize| (0..len).map(|_| random.below(5) as f32 * 0.5).collect::<Vec<_>>();
        let (products, c_sq, x_sq) = (coarse(rows * n), coarse(n), coarse(rows));
        let (mut assignment, mut distance) = (poisoned_u32(rows, 1), poisoned(rows, 1));
        device.nearest(
            &tensor(rows, n, &products),
            &column(&x_sq),
            &column(&c_sq),
            &mut assignment,
            &mut distance,
        );
        for row in 0..rows {
            let scores: Vec<f32> = (0..n).map(|j| c_sq[j] - 2.0 * products[row * n + j]).collect();
            let best = scores.iter().copied().fold(f32::INFINITY, f32::min);
            let first = scores.iter().position(|&score| score == best).unwrap();
            assert_eq!(integers(&assignment)[row] as usize, first);
            assert_eq!(values(&distance)[row], (x_sq[row] + best).max(0.0));
        }
    }
}

#[test]
fn closer_is_the_smaller_distance_with_each_candidate() {
    let mut random = Random::new(43);
    for ((rows, cols), candidates) in SHAPES.into_iter().zip([1, 2, 3, 8].into_iter().cycle()) {
        let (x, centres) = (random.floats(rows * cols), random.floats(candidates * cols));
        let before: Vec<f32> = (0..rows).map(|_| random.float().abs() * cols as f32).collect();
        let smaller = |row: usize, l: usize| {
            let pairs = x[row * cols..][..cols].iter().zip(&centres[l * cols..][..cols]);
            let new: f64 = pairs.map(|(&x, &c)| (f64::from(x) - f64::from(c)).powi(2)).sum();
            new.min(f64::from(before[row]))
        };
        let want: Vec<f64> =
            (0..rows * candidates).map(|i| smaller(i / candidates, i % candidates)).collect();
        let mut out = poisoned(rows, candidates);
        let centres = tensor(candidates, cols, &centres);
        Device::cpu().closer(&tensor(rows, cols, &x), &centres, &column(&before), &mut out);
        close("distance", values(&out), &want, 1e-6);
    }
}

#[test]
fn mean_rows_leaves_centres_without_entries() {
    let device = Device::cpu();
    let mut random = Random::new(44);
    for (concepts, n) in [(2, 1), (20, 33), (7, 65), (9, 5000)] {
        let (sums, before) = (random.floats(concepts * n), random.floats(concepts * n));
        // Every other one is empty, and perhaps more.
        let counts: Vec<u32> = (0..concepts).map(|i| (i % 2 * random.below(4)) as u32).collect();
        let want: Vec<f64> = (0..concepts * n)
            .map(|i| match counts[i / n] {
                0 => f64::from(before[i]),
                count => f64::from(sums[i]) / f64::from(count),
            })
            .collect();
        let mut centres = tensor(concepts, n, &before);
        let counts = Tensor::from_slice(&device, concepts, 1, &counts).unwrap();
        device.mean_rows(&tensor(concepts, n, &sums), &counts, &mut centres);
        close("centres", values(&centres), &want, 1e-6);
    }
}

#[test]
fn row_max_leaves_out_the_diagonal_it_is_told() {
    let mut random = Random::new(45);
    for (rows, n) in SHAPES {
        let data = random.floats(rows * n);
        let far = rows as i64 + n as i64;
        for skip in [None, Some(0), Some(5), Some(-3), Some(n as i64 - 1), Some(far), Some(-far)] {
            let before: Vec<f32> = (0..rows).map(|_| random.float() - 0.5).collect();
            let want: Vec<f32> = (0..rows)
                .map(|row| {
                    let taken = (0..n).filter(|&j| Some(j as i64 - row as i64) != skip);
                    taken.map(|j| data[row * n + j]).fold(before[row], f32::max)
                })
                .collect();
            let mut out = column(&before);
            Device::cpu().row_max(&tensor(rows, n, &data), skip, &mut out);
            assert_eq!(values(&out), want, "skip {skip:?}, {rows}×{n}");
        }
    }
}
