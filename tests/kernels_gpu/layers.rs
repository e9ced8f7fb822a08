//! The layers of an encoder on the GPU against the CPU, which is tested against plain loops in float64.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{gpu, noise};
use archetypal::{Device, Tensor};

/// Rows, columns, and the largest binding: alone, primes, one off a tile, and split, also in other places than the
/// values of the rows.
const SHAPES: [(usize, usize, Option<u64>); 9] = [
    (1, 1, None),
    (2, 4097, None),
    (131, 7, None),
    (65, 255, None),
    (1, 300, None),
    (64, 128, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
    (300, 5, Some(256)),
];

/// More rows than a device takes workgroups in one dimension.
const MANY: usize = 70_001;

fn shapes() -> impl Iterator<Item = (usize, usize, Option<u64>)> {
    SHAPES.into_iter().chain([(MANY, 3, None)])
}

/// Noise around a mean that is about 100 times its standard deviation.
fn shifted(len: usize, seed: u64) -> Vec<f32> {
    noise(len, seed).iter().map(|x| 57.0 + x).collect()
}

#[track_caller]
fn same(what: &str, got: &Tensor, cpu: &Tensor, tolerance: f64) {
    let want: Vec<f64> = read(cpu).into_iter().map(f64::from).collect();
    close(what, &read(got), &want, tolerance);
}

/// relu of `x`, and the gradient `g` taken through it.
fn relu(device: &Device, rows: usize, cols: usize, x: &[f32], g: &[f32]) -> [Vec<f32>; 2] {
    let mut out = poisoned(device, rows, cols);
    device.relu(&tensor(device, rows, cols, x), &mut out);
    let mut grad = tensor(device, rows, cols, g);
    device.relu_backward(&out, &mut grad);
    [read(&out), read(&grad)]
}

#[test]
fn relu_and_its_gradient() {
    // The last shape takes more than 65 535 workgroups.
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([(65_537, 256, None)]) {
        let Some(device) = gpu("relu", max_binding) else { return };
        let (mut x, g) = (noise(rows * cols, 1), noise(rows * cols, 2));
        x[0] = 0.0;
        let [got, want] = [&device, &Device::cpu()].map(|on| relu(on, rows, cols, &x, &g));
        assert!(got == want, "{rows} × {cols}");
    }
    let Some(device) = gpu("relu", None) else { return };
    let x = [f32::NAN, f32::INFINITY, -f32::INFINITY, -0.0];
    let [out, grad] = relu(&device, 1, 4, &x, &[1.0; 4]);
    assert!(out[0].is_nan() && out[1..] == [f32::INFINITY, 0.0, 0.0], "{out:?}");
    assert_eq!(grad[1..], [1.0, 0.0, 0.0]);
}

/// normed, inv_std, out, and the gradient.
fn layer_norm(device: &Device, rows: usize, cols: usize, x: &[f32]) -> [Tensor; 4] {
    let weight = tensor(device, cols, 1, &noise(cols, 2));
    let bias = tensor(device, cols, 1, &noise(cols, 3));
    let mut normed = poisoned(device, rows, cols);
    let mut inv_std = poisoned(device, rows, 1);
    let mut out = poisoned(device, rows, cols);
    let x = tensor(device, rows, cols, x);
    device.layer_norm(&x, &weight, &bias, &mut normed, &mut inv_std, &mut out);
    let mut grad = tensor(device, rows, cols, &noise(rows * cols, 4));
    device.layer_norm_backward(&normed, &inv_std, &weight, &mut grad);
    [normed, inv_std, out, grad]
}

#[test]
fn norms_of_rows_and_their_gradient() {
    for (rows, cols, max_binding) in shapes() {
        let Some(device) = gpu("norms_of_rows", max_binding) else { return };
        for x in [noise(rows * cols, 1), shifted(rows * cols, 1)] {
            let got = layer_norm(&device, rows, cols, &x);
            let want = layer_norm(&Device::cpu(), rows, cols, &x);
            // Few columns may lie close together: their small deviation magnifies what the mean was rounded by.
            let tolerances = [2e-5, 2e-6, 2e-5, 5e-5];
            let names = ["normed", "inverse deviations", "output", "gradient"];
            for (i, name) in names.into_iter().enumerate() {
                same(name, &got[i], &want[i], tolerances[i]);
            }
        }
    }
}

#[test]
fn moments_of_columns() {
    // The last shape takes more than 65 535 workgroups.
    for (rows, cols, max_binding) in shapes().chain([(2, 65_537 * 64, None)]) {
        let Some(device) = gpu("moments_of_columns", max_binding) else { return };
        for x in [noise(rows * cols, 1), shifted(rows * cols, 1)] {
            let moments = |device: &Device| {
                let (mut mean, mut variance) =
                    (poisoned(device, cols, 1), poisoned(device, cols, 1));
                device.column_moments(&tensor(device, rows, cols, &x), &mut mean, &mut variance);
                [mean, variance]
            };
            let [mean, variance] = moments(&device);
            let [want_mean, want_variance] = moments(&Device::cpu());
            same("mean", &mean, &want_mean, 2e-7);
            let got = read(&variance);
            for (got, want) in got.iter().zip(read(&want_variance)) {
                assert!((got - want).abs() <= 1e-6 * want, "{rows} × {cols}: {got}, not {want}");
            }
            assert!(got == read(&moments(&device)[1]), "the same bits again");
        }
    }
}

#[test]
fn a_nan_reaches_the_moments() {
    let Some(device) = gpu("a_nan_reaches_the_moments", None) else { return };
    for bad in [f32::NAN, f32::INFINITY] {
        let mut x = noise(500, 1);
        x[123] = bad;
        let (mut mean, mut variance) = (poisoned(&device, 5, 1), poisoned(&device, 5, 1));
        device.column_moments(&tensor(&device, 100, 5, &x), &mut mean, &mut variance);
        let finite = |values: Vec<f32>| values.iter().map(|x| x.is_finite()).collect::<Vec<_>>();
        assert_eq!(finite(read(&mean)), [true, true, true, false, true]);
        assert_eq!(finite(read(&variance)), [true, true, true, false, true]);
        let [normed, _, out, grad] = layer_norm(&device, 100, 5, &x);
        for made in [read(&normed), read(&out), read(&grad)] {
            assert!(made[120..125].iter().any(|x| x.is_nan()));
            assert!(made[..120].iter().all(|x| x.is_finite()));
        }
    }
}

/// normed, out, and the gradient.
fn batch_norm(device: &Device, rows: usize, cols: usize) -> [Tensor; 3] {
    let vector = |data: Vec<f32>| tensor(device, cols, 1, &data);
    // About those of the noise: what is much narrower would be magnified, and the sums' rounding with it.
    let mean = vector(noise(cols, 5).iter().map(|x| 0.1 * x).collect());
    let variance = vector(noise(cols, 6).iter().map(|x| 0.35 + 0.1 * x).collect());
    let (weight, bias) = (vector(noise(cols, 2)), vector(noise(cols, 3)));
    let x = tensor(device, rows, cols, &noise(rows * cols, 1));
    let (mut normed, mut out) = (poisoned(device, rows, cols), poisoned(device, rows, cols));
    device.batch_norm(&x, &mean, &variance, &weight, &bias, &mut normed, &mut out);
    let mut grad = tensor(device, rows, cols, &noise(rows * cols, 4));
    device.batch_norm_backward(&normed, &variance, &weight, &mut grad);
    [normed, out, grad]
}

#[test]
fn norms_of_columns_and_their_gradient() {
    // The last shape takes more than 65 535 workgroups.
    for (rows, cols, max_binding) in shapes().chain([(65_537, 256, None)]) {
        let Some(device) = gpu("norms_of_columns", max_binding) else { return };
        let got = batch_norm(&device, rows, cols);
        let want = batch_norm(&Device::cpu(), rows, cols);
        for (i, name) in ["normed", "output", "gradient"].into_iter().enumerate() {
            same(name, &got[i], &want[i], [1e-6, 1e-6, 5e-6][i]);
        }
    }
}

#[test]
fn running_moments() {
    let Some(device) = gpu("running_moments", None) else { return };
    for (cols, rows) in [(1, 2), (257, 3), (1000, 4096)] {
        let run = |device: &Device| {
            let vector = |seed| tensor(device, cols, 1, &noise(cols, seed));
            let (mut mean, mut variance) = (vector(1), vector(2));
            device.running_moments(&vector(3), &vector(4), rows, &mut mean, &mut variance);
            [mean, variance]
        };
        let (got, want) = (run(&device), run(&Device::cpu()));
        same("running mean", &got[0], &want[0], 1e-6);
        same("running variance", &got[1], &want[1], 1e-6);
    }
}

#[test]
fn dots_of_columns() {
    for (rows, cols, max_binding) in shapes() {
        let Some(device) = gpu("dots_of_columns", max_binding) else { return };
        let dots = |device: &Device| {
            let batch = |seed| tensor(device, rows, cols, &noise(rows * cols, seed));
            let mut out = poisoned(device, cols, 1);
            device.column_dots(&batch(1), &batch(2), &mut out);
            out
        };
        let tolerance = 1e-6 * (rows as f64).sqrt().max(10.0);
        same("dots", &dots(&device), &dots(&Device::cpu()), tolerance);
    }
}

#[test]
fn layers_of_a_shorter_batch_leave_the_rest_alone() {
    let Some(device) = gpu("layers_of_a_shorter_batch", None) else { return };
    let (capacity, rows, cols) = (9, 4, 6);
    // Rows that are not in use hold NaN: none may get into a column's sums.
    let mut x = vec![f32::NAN; capacity * cols];
    x[..rows * cols].copy_from_slice(&noise(rows * cols, 1));
    let ones = tensor(&device, cols, 1, &vec![1.0; cols]);
    for used in [rows, 0] {
        let mut input: Tensor = tensor(&device, capacity, cols, &x);
        let mut normed: Tensor = tensor(&device, capacity, cols, &vec![7.0; capacity * cols]);
        let mut out: Tensor = tensor(&device, capacity, cols, &vec![7.0; capacity * cols]);
        let mut inv_std: Tensor = tensor(&device, capacity, 1, &vec![7.0; capacity]);
        input.set_rows(used);
        normed.set_rows(used);
        out.set_rows(used);
        inv_std.set_rows(used);
        let (mut mean, mut variance) = (poisoned(&device, cols, 1), poisoned(&device, cols, 1));
        device.column_moments(&input, &mut mean, &mut variance);
        device.batch_norm(&input, &mean, &variance, &ones, &ones, &mut normed, &mut out);
        device.batch_norm_backward(&normed, &variance, &ones, &mut out);
        device.layer_norm(&input, &ones, &ones, &mut normed, &mut inv_std, &mut out);
        device.layer_norm_backward(&normed, &inv_std, &ones, &mut out);
        device.relu(&input, &mut out);
        device.relu_backward(&input, &mut normed);
        if used > 0 {
            assert!(read(&mean).iter().chain(&read(&variance)).all(|x| x.is_finite()));
        }
        for tensor in [&mut normed, &mut out, &mut inv_std] {
            tensor.set_rows(capacity);
            let values = read(tensor);
            let rest = used * tensor.cols();
            assert!(values[..rest].iter().all(|x| x.is_finite() && *x != 7.0));
            assert!(values[rest..].iter().all(|&x| x == 7.0), "{values:?}");
        }
    }
}
