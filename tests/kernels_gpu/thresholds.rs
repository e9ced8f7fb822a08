//! The threshold of a whole batch, and its running value.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{bits, gpu, noise};
use archetypal::Device;

fn check(device: &Device, rows: usize, cols: usize, pre: &[f32], ranks: &[usize]) {
    let mut sorted: Vec<f32> = pre.iter().map(|&x| if x > 0.0 { x } else { 0.0 }).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let pre = tensor(device, rows, cols, pre);
    for &k in ranks.iter().filter(|k| (1..=rows * cols).contains(*k)) {
        let mut out = poisoned(device, 1, 1);
        device.kth_largest(&pre, k, &mut out);
        let got: Vec<f32> = read(&out);
        assert_eq!(got[0].to_bits(), sorted[k - 1].to_bits(), "{rows} × {cols}, k {k}");
    }
}

#[test]
fn the_kth_largest_of_a_batch_equals_a_sort() {
    for (rows, cols, max_binding) in [
        (1, 1, None),
        (3, 5, None),
        (1, 16_385, None),
        (257, 1021, None),
        (61, 67, Some(2048)),
        (2000, 129, Some(100_000)),
    ] {
        let Some(device) = gpu("kth_largest", max_binding) else { return };
        let len = rows * cols;
        let pre = noise(len, len as u64);
        let positive = pre.iter().filter(|&&x| x > 0.0).count();
        let ranks = [1, 2, 20, len / 3, positive, positive + 1, len - 1, len];
        check(&device, rows, cols, &pre, &ranks);
        let near: Vec<f32> =
            bits(len, 1).iter().map(|bits| f32::from_bits(0x3f7f_ff00 + bits % 512)).collect();
        check(&device, rows, cols, &near, &[1, 2, len / 2, len]);
        let coarse: Vec<f32> = bits(len, 2).iter().map(|bits| (bits % 3) as f32 - 1.0).collect();
        check(&device, rows, cols, &coarse, &[1, len / 4, len / 3, len / 2, len]);
    }
}

#[test]
fn the_kth_largest_of_extremes() {
    let Some(device) = gpu("the_kth_largest_of_extremes", None) else { return };
    let row = [
        f32::NAN,
        -f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::MAX,
        f32::MIN_POSITIVE,
        1e-45,
        -1e-45,
        0.0,
        -0.0,
        1e-20,
        1e-20,
        -3.0,
    ];
    check(&device, 1, 13, &row, &[1, 2, 3, 4, 5, 6, 7, 13]);
    check(&device, 13, 1, &[-1.0; 13], &[1, 13]);
    check(&device, 13, 1, &[f32::INFINITY; 13], &[1, 13]);
}

#[test]
fn the_running_threshold_starts_where_there_was_none() {
    let Some(device) = gpu("running_threshold", None) else { return };
    let current = tensor(&device, 1, 1, &[0.5]);
    for (running, want) in [(-1.0, 0.5), (0.0, 0.05), (2.0, 1.85)] {
        let mut out = tensor(&device, 1, 1, &[running]);
        device.running_threshold(&current, 0.9, &mut out);
        close("running threshold", &read(&out), &[want], 1e-7);
    }
}
