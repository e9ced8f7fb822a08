//! The layers of an encoder: relu, the norms of rows and of columns, and their backward passes.

use crate::util::*;
use archetypal::{
    Device,
    device::{NORM_EPS, NORM_MOMENTUM},
};

const SHAPES: [(usize, usize); 8] =
    [(1, 1), (2, 33), (31, 7), (65, 129), (1, 1000), (1025, 3), (127, 257), (64, 128)];

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Noise around a mean that is about 100 times its standard deviation.
fn shifted(random: &mut Random, len: usize) -> Vec<f32> {
    random.floats(len).iter().map(|x| 57.0 + x).collect()
}

/// Row by row what was column by column, and the other way round.
fn transposed<T: Copy>(a: &[T], cols: usize) -> Vec<T> {
    (0..cols).flat_map(|col| a[col..].iter().copied().step_by(cols)).collect()
}

/// Mean and biased variance.
fn moments(a: &[f64]) -> (f64, f64) {
    let mean = a.iter().sum::<f64>() / a.len() as f64;
    (mean, a.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / a.len() as f64)
}

/// (a − mean) / √(variance + ε), and 1/√(variance + ε).
fn normalised(a: &[f64]) -> (Vec<f64>, f64) {
    let (mean, variance) = moments(a);
    let inv_std = 1.0 / (variance + f64::from(NORM_EPS)).sqrt();
    (a.iter().map(|x| (x - mean) * inv_std).collect(), inv_std)
}

/// What ∂loss/∂normed becomes when it is taken through [`normalised`].
fn backward(g: &[f64], normed: &[f64], inv_std: f64) -> Vec<f64> {
    let n = g.len() as f64;
    let mean = g.iter().sum::<f64>() / n;
    let along = g.iter().zip(normed).map(|(g, x)| g * x).sum::<f64>() / n;
    g.iter().zip(normed).map(|(g, x)| inv_std * (g - mean - x * along)).collect()
}

#[test]
fn relu_lets_through_what_is_positive() {
    let device = Device::cpu();
    let mut random = Random::new(60);
    for (rows, cols) in SHAPES {
        let (mut x, g) = (random.floats(rows * cols), random.floats(rows * cols));
        x[0] = -0.0;
        let mut out = poisoned(rows, cols);
        device.relu(&tensor(rows, cols, &x), &mut out);
        assert!(values(&out).iter().zip(&x).all(|(&out, &x)| out == x.max(0.0)));
        let mut grad = tensor(rows, cols, &g);
        device.relu_backward(&out, &mut grad);
        let want: Vec<f32> =
            g.iter().zip(&x).map(|(&g, &x)| if x > 0.0 { g } else { 0.0 }).collect();
        assert_eq!(values(&grad), want);
    }
    let mut out = poisoned(1, 3);
    device.relu(&tensor(1, 3, &[f32::NAN, f32::INFINITY, -f32::INFINITY]), &mut out);
    assert!(values(&out)[0].is_nan(), "a NaN must stay to be seen");
    assert_eq!(values(&out)[1..], [f32::INFINITY, 0.0]);
}

#[test]
fn layer_norm_of_rows() {
    let device = Device::cpu();
    let mut random = Random::new(61);
    for (rows, cols) in SHAPES {
        let (weight, bias) = (random.floats(cols), random.floats(cols));
        for x in [random.floats(rows * cols), shifted(&mut random, rows * cols)] {
            let (mut normed, mut inv_std) = (poisoned(rows, cols), poisoned(rows, 1));
            let mut out = poisoned(rows, cols);
            let (weight_t, bias_t) = (column(&weight), column(&bias));
            let x_t = tensor(rows, cols, &x);
            device.layer_norm(&x_t, &weight_t, &bias_t, &mut normed, &mut inv_std, &mut out);
            let wanted: Vec<_> = x.chunks(cols).map(|row| normalised(&doubles(row))).collect();
            let want = wanted.iter().flat_map(|(normed, _)| normed.clone()).collect::<Vec<_>>();
            close("normed", values(&normed), &want, 1e-6);
            let stds: Vec<f64> = wanted.iter().map(|(_, inv_std)| *inv_std).collect();
            close("inverse deviations", values(&inv_std), &stds, 1e-6);
            let affine =
                |(i, x): (usize, &f64)| x * f64::from(weight[i % cols]) + f64::from(bias[i % cols]);
            let outs: Vec<f64> = want.iter().enumerate().map(affine).collect();
            close("output", values(&out), &outs, 1e-6);

            let g = random.floats(rows * cols);
            let mut grad = tensor(rows, cols, &g);
            device.layer_norm_backward(&normed, &inv_std, &weight_t, &mut grad);
            let want = wanted.iter().zip(g.chunks(cols)).flat_map(|((normed, inv_std), g)| {
                let g = doubles(g).into_iter().zip(&weight).map(|(g, &w)| g * f64::from(w));
                backward(&g.collect::<Vec<_>>(), normed, *inv_std)
            });
            // 1/√ε where a row is one element: its gradient is 0 but for the rounding of what cancels.
            close("gradient", values(&grad), &want.collect::<Vec<_>>(), 2e-5);
        }
    }
}

#[test]
fn moments_and_dots_of_columns() {
    let device = Device::cpu();
    let mut random = Random::new(62);
    for (rows, cols) in SHAPES {
        let b = random.floats(rows * cols);
        for a in [random.floats(rows * cols), shifted(&mut random, rows * cols)] {
            let columns = transposed(&doubles(&a), cols);
            let (means, variances): (Vec<_>, Vec<_>) = columns.chunks(rows).map(moments).unzip();
            let (mut mean, mut variance) = (poisoned(cols, 1), poisoned(cols, 1));
            device.column_moments(&tensor(rows, cols, &a), &mut mean, &mut variance);
            close("means", values(&mean), &means, 1e-7);
            for (&got, want) in values(&variance).iter().zip(variances) {
                let off = (f64::from(got) - want).abs();
                assert!(off <= 1e-7 * want, "variance {got}, expected {want}");
            }
            let mut out = poisoned(cols, 1);
            device.column_dots(&tensor(rows, cols, &a), &tensor(rows, cols, &b), &mut out);
            let mut dots = vec![0.0; cols];
            for (i, (&a, &b)) in a.iter().zip(&b).enumerate() {
                dots[i % cols] += f64::from(a) * f64::from(b);
            }
            close("dots", values(&out), &dots, 1e-6);
        }
    }
}

#[test]
fn batch_norm_of_columns() {
    let device = Device::cpu();
    let mut random = Random::new(63);
    for (rows, cols) in SHAPES {
        let (weight, bias) = (random.floats(cols), random.floats(cols));
        let (mean, x) = (random.floats(cols), random.floats(rows * cols));
        let variance: Vec<f32> = (0..cols).map(|_| random.float().abs()).collect();
        let (mut normed, mut out) = (poisoned(rows, cols), poisoned(rows, cols));
        let (weight_t, variance_t) = (column(&weight), column(&variance));
        device.batch_norm(
            &tensor(rows, cols, &x),
            &column(&mean),
            &variance_t,
            &weight_t,
            &column(&bias),
            &mut normed,
            &mut out,
        );
        let inv_std = |j: usize| 1.0 / (f64::from(variance[j]) + f64::from(NORM_EPS)).sqrt();
        let norm =
            |(i, &x): (usize, &f32)| (f64::from(x) - f64::from(mean[i % cols])) * inv_std(i % cols);
        let want: Vec<f64> = x.iter().enumerate().map(norm).collect();
        close("normed", values(&normed), &want, 1e-6);
        let affine =
            |(i, x): (usize, &f64)| x * f64::from(weight[i % cols]) + f64::from(bias[i % cols]);
        let want: Vec<f64> = want.iter().enumerate().map(affine).collect();
        close("output", values(&out), &want, 1e-6);

        let g = random.floats(rows * cols);
        let mut grad = tensor(rows, cols, &g);
        device.batch_norm_backward(&normed, &variance_t, &weight_t, &mut grad);
        let columns = transposed(&doubles(&g), cols);
        let normed = transposed(&doubles(values(&normed)), cols);
        let columns = columns.chunks(rows).zip(normed.chunks(rows)).enumerate();
        let want: Vec<f64> = columns
            .flat_map(|(j, (g, normed))| {
                let g: Vec<f64> = g.iter().map(|g| g * f64::from(weight[j])).collect();
                backward(&g, normed, inv_std(j))
            })
            .collect();
        close("gradient", values(&grad), &transposed(&want, rows), 2e-6);
    }
}

#[test]
fn running_moments_move_a_tenth() {
    let mut random = Random::new(64);
    for (n, rows) in [(1, 2), (33, 3), (1000, 4096)] {
        let (mean, variance) = (random.floats(n), random.floats(n));
        let (old_mean, old_variance) = (random.floats(n), random.floats(n));
        let (mut running_mean, mut running_variance) = (column(&old_mean), column(&old_variance));
        Device::cpu().running_moments(
            &column(&mean),
            &column(&variance),
            rows,
            &mut running_mean,
            &mut running_variance,
        );
        let moved = |old: &[f32], new: &[f32], factor: f64| -> Vec<f64> {
            let moved =
                |(old, new): (f64, f64)| old + f64::from(NORM_MOMENTUM) * (factor * new - old);
            doubles(old).into_iter().zip(doubles(new)).map(moved).collect()
        };
        close("running mean", values(&running_mean), &moved(&old_mean, &mean, 1.0), 1e-6);
        let unbias = rows as f64 / (rows - 1) as f64;
        let want = moved(&old_variance, &variance, unbias);
        close("running variance", values(&running_variance), &want, 1e-6);
    }
}

/// The formula of [`backward`], which the other tests trust, against finite differences of [`normalised`].
#[test]
fn the_gradient_of_a_norm_is_that_of_its_formula() {
    let mut random = Random::new(65);
    let (x, c) = (doubles(&random.floats(9)), doubles(&random.floats(9)));
    let loss = |x: &[f64]| -> f64 { normalised(x).0.iter().zip(&c).map(|(x, c)| x * c).sum() };
    let (normed, inv_std) = normalised(&x);
    for (i, want) in backward(&c, &normed, inv_std).into_iter().enumerate() {
        let at = |step: f64| {
            let mut x = x.clone();
            x[i] += step;
            loss(&x)
        };
        let got = (at(1e-5) - at(-1e-5)) / 2e-5;
        assert!((got - want).abs() < 1e-8, "∂x[{i}] is {got}, not {want}");
    }
}

#[test]
fn layers_of_an_empty_batch_do_nothing() {
    let device = Device::cpu();
    let (x, mut normed, mut out) = (tensor(0, 3, &[]), tensor(0, 3, &[]), tensor(0, 3, &[]));
    let (ones, mut inv_std) = (column(&[1.0; 3]), tensor(0, 1, &[]));
    device.layer_norm(&x, &ones, &ones, &mut normed, &mut inv_std, &mut out);
    device.layer_norm_backward(&normed, &inv_std, &ones, &mut out);
    device.batch_norm(&x, &ones, &ones, &ones, &ones, &mut normed, &mut out);
    device.batch_norm_backward(&normed, &ones, &ones, &mut out);
    device.relu(&x, &mut out);
    let (mut mean, mut variance) = (column(&[2.0; 3]), column(&[3.0; 3]));
    device.column_moments(&x, &mut mean, &mut variance);
    device.column_dots(&x, &out, &mut mean);
    assert_eq!((values(&mean), values(&variance)), (&[2.0; 3][..], &[3.0; 3][..]));
}
