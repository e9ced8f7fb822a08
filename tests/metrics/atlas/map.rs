//! The map, and the rows nearest to each point.

use super::{Case, D, ROWS, close, read};
use crate::{
    common::noise,
    models::{by_hand, several},
    oracle::{dictionary, dot, norm, wide},
};
use archetypal::{Device, explore::atlas::About};

/// Mean and covariance of rows.
fn moments(rows: &[f32], d: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let rows: Vec<Vec<f64>> = rows.chunks(d).map(wide).collect();
    let count = rows.len() as f64;
    let mean: Vec<f64> =
        (0..d).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / count).collect();
    let product = |i: usize, j: usize| -> f64 {
        rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>() / count
    };
    let covariance = (0..d).map(|i| (0..d).map(|j| product(i, j)).collect()).collect();
    (mean, covariance)
}

#[test]
fn axes_are_the_principal_ones() {
    Case::each("axes_are_the_principal_ones", |case| {
        let (mean, covariance) = moments(&case.rows, D);
        let read = |name| wide(&case.files.f32("rows_xy.safetensors", name));
        let (axes, explained) = (read("axes"), read("explained"));
        assert!(read("mean").iter().zip(&mean).all(|(got, want)| (got - want).abs() < 1e-6));
        let total: f64 = (0..D).map(|i| covariance[i][i]).sum();
        let times = |v: &[f64]| covariance.iter().map(|row| dot(row, v)).collect::<Vec<f64>>();
        let [first, second] = [&axes[..D], &axes[D..]];
        assert!(dot(first, second).abs() < 1e-6 && (norm(first) - 1.0).abs() < 1e-6);
        for (axis, share) in [first, second].into_iter().zip(&explained) {
            let largest = axis.iter().fold(0.0_f64, |m, &x| if x.abs() > m.abs() { x } else { m });
            assert!(largest > 0.0);
            let apart = times(axis)
                .iter()
                .zip(axis)
                .map(|(c, x)| (c - share * total * x).abs())
                .fold(0.0, f64::max);
            assert!(apart < 1e-4 * total, "not an eigenvector: {apart}");
        }
        assert!(explained[0] >= explained[1]);
        // What is left varies less along any direction: power iteration beside the two axes finds the most.
        let mut rest = noise(D, 5).iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        for _ in 0..500 {
            let (a, b) = (dot(&rest, first), dot(&rest, second));
            rest.iter_mut()
                .zip(first.iter().zip(second))
                .for_each(|(x, (p, q))| *x -= a * p + b * q);
            let image = times(&rest);
            let length = norm(&image);
            rest = image.iter().map(|x| x / length).collect();
        }
        assert!(dot(&rest, &times(&rest)) <= (explained[1] + 1e-6) * total);
    });
}

#[test]
fn all_lies_on_the_same_axes() {
    Case::each("all_lies_on_the_same_axes", |case| {
        let read = |name| wide(&case.files.f32("rows_xy.safetensors", name));
        let (axes, mean) = (read("axes"), read("mean"));
        let check = |got: &[f32], rows: &[Vec<f64>]| {
            assert_eq!(got.len(), 2 * rows.len());
            for (got, row) in got.chunks(2).zip(rows) {
                let centred: Vec<f64> = row.iter().zip(&mean).map(|(x, mean)| x - mean).collect();
                assert!((f64::from(got[0]) - dot(&centred, &axes[..D])).abs() < 1e-5);
                assert!((f64::from(got[1]) - dot(&centred, &axes[D..])).abs() < 1e-5);
            }
        };
        check(&case.files.f32("concepts.safetensors", "xy"), &dictionary(&case.parts));
        let row = case.files.u32("rows_xy.safetensors", "row");
        assert_eq!(row, (0..ROWS as u32).collect::<Vec<_>>());
        let rows: Vec<_> = case.rows.chunks(D).map(wide).collect();
        check(&case.files.f32("rows_xy.safetensors", "xy"), &rows);
        if case.parts.archetypal().is_some() {
            let points: Vec<_> = case.parts.values("dictionary.C").chunks(D).map(wide).collect();
            check(&case.files.f32("points.safetensors", "xy"), &points);
        }
    });
}

#[test]
fn rows_nearest_to_points() {
    Case::each("rows_nearest_to_points", |case| {
        if case.parts.archetypal().is_none() {
            return;
        }
        let near = case.files.u32("points.safetensors", "near_rows");
        let distance = case.files.f32("points.safetensors", "near_distance");
        let points = case.parts.values("dictionary.C").chunks(D).map(wide);
        for ((near, distance), point) in near.chunks(6).zip(distance.chunks(6)).zip(points) {
            let away = |row: &[f32]| {
                norm(&wide(row).iter().zip(&point).map(|(x, y)| x - y).collect::<Vec<_>>())
            };
            // The nearest row of each picture.
            let all: Vec<f64> = case.rows.chunks(D).map(away).collect();
            let nearest = |rows: &[f64]| rows.iter().copied().fold(f64::INFINITY, f64::min);
            let mut want: Vec<f64> = all.chunks(case.cells).map(nearest).collect();
            want.sort_by(f64::total_cmp);
            for ((&row, &got), want) in near.iter().zip(distance).zip(want) {
                assert!(close(got, want) && close(got, all[row as usize]));
            }
        }
    });
}

#[test]
fn data_far_from_zero_has_the_same_axes() {
    let parts = several(9, 5, 4, 2).into_iter().next().unwrap();
    let near = noise(60 * 5, 3);
    let far: Vec<f32> = near.iter().map(|x| x + 1000.0).collect();
    let about = About::new("");
    let axes = |rows: &[f32]| {
        let files = read::make(&parts, &Device::cpu(), rows, &about);
        [files.f32("rows_xy.safetensors", "axes"), files.f32("rows_xy.safetensors", "explained")]
            .concat()
    };
    for (a, b) in axes(&near).iter().zip(axes(&far)) {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
}

#[test]
fn one_row_has_no_axes() {
    let about = About::new("one row");
    let files = read::make(&by_hand(), &Device::cpu(), &[0.0, 3.0], &about);
    let read = |name| files.f32("rows_xy.safetensors", name);
    assert!(read("explained").iter().all(|share| share.is_nan()));
    assert_eq!(
        (read("axes"), read("mean"), read("xy")),
        (vec![0.0; 4], vec![0.0, 3.0], vec![0.0; 2])
    );
    assert_eq!(files.f32("concepts.safetensors", "frequency"), [0.0, 1.0, 0.0]);
    let near = files.u32("points.safetensors", "near_rows");
    let distance = files.f32("points.safetensors", "near_distance");
    assert_eq!(read::present(&near[6..], &distance[6..]), [(0, 2.0)]);
    assert!(distance[7..].iter().all(|distance| distance.is_nan()));
    assert_eq!(files.manifest().figures.r2, None);
}
