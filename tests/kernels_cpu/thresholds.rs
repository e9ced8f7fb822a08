//! The threshold of a whole batch, and its running value.

use crate::util::*;
use archetypal::Device;

#[track_caller]
fn check(rows: usize, cols: usize, pre: &[f32], ranks: &[usize]) {
    let mut sorted: Vec<f32> = pre.iter().map(|&x| if x > 0.0 { x } else { 0.0 }).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let pre = tensor(rows, cols, pre);
    for &k in ranks.iter().filter(|k| (1..=rows * cols).contains(*k)) {
        let mut out = poisoned(1, 1);
        Device::cpu().kth_largest(&pre, k, &mut out);
        assert_eq!(values(&out)[0].to_bits(), sorted[k - 1].to_bits(), "{rows}×{cols}, k {k}");
    }
}

#[test]
fn the_kth_largest_of_a_batch_equals_a_sort() {
    let mut random = Random::new(70);
    for (rows, cols) in [(1, 1), (3, 5), (31, 33), (1, 16_385), (257, 1021)] {
        let len = rows * cols;
        let pre = random.floats(len);
        let positive = pre.iter().filter(|&&x| x > 0.0).count();
        check(rows, cols, &pre, &[1, 2, 20, len / 3, positive, positive + 1, len - 1, len]);
        let near: Vec<f32> =
            (0..len).map(|_| f32::from_bits(0x3f7f_ff00 + random.below(512) as u32)).collect();
        check(rows, cols, &near, &[1, 2, len / 2, len]);
        let coarse: Vec<f32> = (0..len).map(|_| random.below(3) as f32 - 1.0).collect();
        check(rows, cols, &coarse, &[1, len / 4, len / 3, len / 2, len]);
    }
}

#[test]
fn the_kth_largest_of_extremes() {
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
    check(1, 13, &row, &[1, 2, 3, 4, 5, 6, 7, 13]);
    check(13, 1, &[-1.0; 13], &[1, 13]);
    check(13, 1, &[f32::INFINITY; 13], &[1, 13]);
}

#[test]
fn the_running_threshold_starts_where_there_was_none() {
    for (running, want) in [(-1.0, 0.5), (0.0, 0.05), (2.0, 1.85)] {
        let mut out = scalar(running);
        Device::cpu().running_threshold(&scalar(0.5), 0.9, &mut out);
        close("running threshold", values(&out), &[want], 1e-7);
    }
}
