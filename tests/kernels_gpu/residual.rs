//! Terms of a loss over pre-codes and residuals on the GPU against the CPU, which is tested against its formulas.

use crate::common::check::{codes, poisoned, read, sparse_rows, tensor};
use crate::common::{bits, noise};
use crate::terms::{FACTOR, MANY, SHAPES, compare, logged, over, start};
use archetypal::sae::Kernel;

#[test]
fn reanimation() {
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([MANY]) {
        for every in [1, 2, 3] {
            let pre = noise(rows * cols, 6);
            let used = |i: usize| (i % cols + 1).is_multiple_of(every) && i / cols == rows - 1;
            let z: Vec<f32> =
                (0..pre.len()).map(|i| if used(i) { 0.1 + pre[i].abs() } else { 0.0 }).collect();
            let factor = FACTOR / rows as f32;
            let sizes = vec![factor / cols as f32; pre.len()];
            compare(&format!("reanimation {rows}×{cols}"), max_binding, 2e-5, |device| {
                let (pre, z) = (tensor(device, rows, cols, &pre), tensor(device, rows, cols, &z));
                let mut grad = tensor(device, rows, cols, &start(7, &sizes));
                let value = logged(device, 0.0, |cell| {
                    device.reanimate(&pre, &z, factor, &mut grad, cell);
                });
                (value, over(&read(&grad), &sizes))
            });
        }
    }
}

#[test]
fn the_pull_on_the_thresholds() {
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([MANY]) {
        let pre: Vec<f32> = noise(rows * cols, 8).iter().map(|x| 0.3 * x + 0.05).collect();
        let thresholds: Vec<f32> = noise(cols, 9).iter().map(|t| t - 3.0).collect();
        for (kernel, bandwidth) in
            Kernel::ALL.into_iter().zip([0.3, 0.05, 0.3, 0.2, 0.3, 0.4, 0.02, 0.1])
        {
            compare(&format!("{kernel:?} {rows}×{cols}"), max_binding, 2e-5, |device| {
                let mut grad = tensor(device, cols, 1, &noise(cols, 10));
                let value = logged(device, 3.5 * rows as f32, |cell| {
                    device.l0_penalty(
                        &tensor(device, rows, cols, &pre),
                        &tensor(device, cols, 1, &thresholds),
                        kernel,
                        bandwidth,
                        FACTOR,
                        2.5,
                        &mut grad,
                        cell,
                    );
                });
                (value, read(&grad))
            });
        }
    }
}

#[test]
fn the_residual_and_who_tells_it() {
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([MANY]) {
        let len = rows * cols;
        let [x, x_hat, e_hat] = [1, 2, 3].map(|seed| noise(len, seed));
        let sizes = vec![FACTOR / len as f32; len];
        let before = start(4, &sizes);
        for (scale, both) in [(None, false), (Some(0.3_f32), true), (None, true)] {
            compare(&format!("residual {rows}×{cols}"), max_binding, 2e-6, |device| {
                let (x, x_hat) =
                    (tensor(device, rows, cols, &x), tensor(device, rows, cols, &x_hat));
                let (mut e_hat, mut grad) =
                    (tensor(device, rows, cols, &e_hat), tensor(device, rows, cols, &before));
                let scale = scale.map(|scale| tensor(device, 1, 1, &[scale]));
                let value = logged(device, 0.0, |cell| {
                    let grad = both.then_some(&mut grad);
                    device.residual_error(
                        &x,
                        &x_hat,
                        FACTOR,
                        scale.as_ref(),
                        &mut e_hat,
                        grad,
                        cell,
                    );
                });
                (value, [&e_hat, &grad].map(|grad| over(&read(grad), &sizes)).concat())
            });
        }

        let idle: Vec<u32> = bits(cols, 5).iter().map(|draw| draw % 9).collect();
        for limit in [None, Some(0), Some(4), Some(u32::MAX)] {
            compare(&format!("remainder {rows}×{cols}"), max_binding, 1e-7, |device| {
                let idle = tensor(device, cols, 1, &idle);
                let (x, z) = (tensor(device, rows, cols, &x), tensor(device, rows, cols, &x_hat));
                let mut out = poisoned(device, rows, cols);
                device.remainder(&x, &z, limit.map(|limit| (&idle, limit)), &mut out);
                let mut share = poisoned(device, 1, 1);
                device.dead_share(&idle, limit.unwrap_or(7), cols.div_ceil(2), &mut share);
                (read(&share)[0], read(&out))
            });
        }
    }
}

#[test]
fn entries_are_added_to_their_places() {
    for (batch, width, concepts, max_binding) in [
        (1, 1, 1, None),
        (70, 9, 131, None),
        (257, 3, 2, None),
        (61, 7, 67, Some(1024)),
        (70_001, 2, 3, None),
    ] {
        compare("added entries", max_binding, 1e-6, |device| {
            let rows = sparse_rows(batch, width, concepts, 12);
            let codes = codes(device, width, concepts, &rows);
            let mut dense = tensor(device, batch, concepts, &noise(batch * concepts, 13));
            device.scatter_add(&codes, &codes.values, -0.7, &mut dense);
            (0.0, read(&dense))
        });
    }
}
