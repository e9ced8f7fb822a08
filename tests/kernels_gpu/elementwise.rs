//! Operations on each element for itself, against the CPU.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{gpu, noise};
use archetypal::{Device, Tensor};

/// Rows, columns, and the largest binding; the last shape takes more than 65 535 workgroups.
const SHAPES: [(usize, usize, Option<u64>); 7] = [
    (1, 1, None),
    (7, 13, None),
    (1, 257, None),
    (255, 1, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
    (65_537, 256, None),
];

/// What `op` makes of an output that holds `out`, on the GPU and on the CPU.
fn both(
    gpu: &Device,
    [rows, cols]: [usize; 2],
    out: &[f32],
    a: &[f32],
    op: impl Fn(&Device, &Tensor, &mut Tensor),
) -> [Vec<f32>; 2] {
    [gpu, &Device::cpu()].map(|device| {
        let mut out = tensor(device, rows, cols, out);
        op(device, &tensor(device, rows, cols, a), &mut out);
        read(&out)
    })
}

#[test]
fn fill_writes_every_row_in_use() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("fill", max_binding) else { return };
        let mut out = poisoned(&device, rows + 1, cols);
        out.set_rows(rows);
        device.fill(&mut out, -0.75);
        assert_eq!(read(&out), vec![-0.75; rows * cols]);
        out.set_rows(rows + 1);
        let all: Vec<f32> = read(&out);
        assert!(all[rows * cols..].iter().all(|x| x.is_nan()), "a row not in use");
    }
}

#[test]
fn logarithms() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("logarithms", max_binding) else { return };
        let mut a: Vec<f32> = noise(rows * cols, 1).iter().map(|x| (40.0 * x).exp()).collect();
        // Near 1 the result is as small as its errors.
        a.iter_mut().step_by(3).for_each(|a| *a = 1.0 + 1e-3 * a.fract());
        let poison = vec![f32::NAN; a.len()];
        let [got, _] = both(&device, [rows, cols], &poison, &a, |device, a, out| device.ln(a, out));
        for (&a, got) in a.iter().zip(got) {
            let want = f64::from(a).ln();
            let off = (f64::from(got) - want).abs();
            assert!(off <= 1.2e-7 * want.abs(), "ln {a} is {got}, not {want}");
        }
    }
    let Some(device) = gpu("logarithms", None) else { return };
    let special = [1.0, f32::MAX, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN];
    let [got, want] =
        both(&device, [1, 5], &[7.0; 5], &special, |device, a, out| device.ln(a, out));
    assert_eq!(got[0], 0.0);
    close("ln", &got[1..3], &[want[1].into(), want[2].into()], 1e-7);
    assert!(got[3] == f32::INFINITY && got[4].is_nan());
}

#[test]
fn above_keeps_what_reaches_the_threshold() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("above", max_binding) else { return };
        let mut pre = noise(rows * cols, 2);
        pre[rows * cols / 2] = 0.25;
        let poison = vec![f32::NAN; pre.len()];
        for threshold in [0.25, 0.0, -1.0, 2.0] {
            let [got, want] = both(&device, [rows, cols], &poison, &pre, |device, pre, z| {
                device.above(pre, &tensor(device, 1, 1, &[threshold]), z);
            });
            assert!(got == want, "{rows} × {cols}, threshold {threshold}");
        }
    }
    let Some(device) = gpu("above", None) else { return };
    let special = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
    let [got, _] = both(&device, [1, 3], &[7.0; 3], &special, |device, pre, z| {
        device.above(pre, &tensor(device, 1, 1, &[1.0]), z);
    });
    assert!(got[0].is_nan(), "a NaN goes on, so that the loss shows it");
    assert_eq!(got[1..], [f32::INFINITY, 0.0]);
}

#[test]
fn gradients_pass_where_something_is_selected() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("keep_selected", max_binding) else { return };
        let mut grad = noise(rows * cols, 3);
        grad[0] = f32::NAN;
        let z: Vec<f32> = (0..grad.len()).map(|i| [0.0, 1e-30, -0.0, -2.0][i % 4]).collect();
        let [got, want] = both(&device, [rows, cols], &grad, &z, |device, z, grad| {
            device.keep_selected(z, grad);
        });
        assert!(got == want, "{rows} × {cols}");
        assert_eq!(got[0], 0.0);
    }
}

#[test]
fn gradients_of_thresholds_that_are_trained_directly() {
    for (concepts, max_binding) in [(1, None), (257, None), (1031, Some(2048))] {
        let Some(device) = gpu("direct_thresholds", max_binding) else { return };
        let mut theta: Vec<f32> = noise(concepts, 4).iter().map(|x| x.abs() + 1e-3).collect();
        let mut grad = noise(concepts, 5);
        (theta[concepts / 2], grad[concepts / 2]) = (0.0, 0.0);
        let [got, want] = both(&device, [concepts, 1], &grad, &theta, |device, theta, grad| {
            device.direct_thresholds(theta, 0.02, grad);
        });
        close("∂θ", &got, &want.into_iter().map(f64::from).collect::<Vec<_>>(), 1e-6);
    }
}
