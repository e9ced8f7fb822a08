//! What the codes leave over, and how well the concepts that were left out tell it.

use super::{
    reduce::sum_in_order,
    scratch::Scratch,
    simd::{BLOCK, block_rows, sumsq, vectorize},
};
use crate::device::{Tensor, log, shapes};
use crate::parallel::*;

/// out = relu(pre) − z, 0 for concepts that are not idle for at least a limit.
pub(super) fn remainder(
    pre: &Tensor,
    z: &Tensor,
    idle: Option<(&Tensor<u32>, u32)>,
    out: &mut Tensor,
) {
    let [rows, n] = pre.shape();
    shapes::expect("codes", z, [rows, n]);
    shapes::expect("remainder", out, [rows, n]);
    let idle = idle.map(|(idle, limit)| {
        shapes::expect("idle", idle, [n, 1]);
        (idle.cpu(), limit)
    });
    if n == 0 {
        return;
    }
    let rows = out.cpu_mut().par_chunks_mut(n).zip(pre.cpu().par_chunks(n));
    rows.zip(z.cpu().par_chunks(n)).with_min_len(block_rows(n)).for_each(|((out, pre), z)| {
        vectorize!({
            for ((out, &pre), &z) in out.iter_mut().zip(pre).zip(z) {
                // A NaN goes on, so that the loss shows it.
                *out = (if pre <= 0.0 { 0.0 } else { pre }) - z;
            }
            if let Some((idle, limit)) = idle {
                for (out, &idle) in out.iter_mut().zip(idle) {
                    *out = if idle >= limit { *out } else { 0.0 };
                }
            }
        });
    });
}

/// With q = (x − x̂) − ê and c = factor · scale: cell = c · mean(q²), `e_hat` = −2 c q / (B d), `grad_x_hat` += it.
pub(super) fn residual_error(
    x: &Tensor,
    x_hat: &Tensor,
    factor: f32,
    scale: Option<&Tensor>,
    e_hat: &mut Tensor,
    mut grad_x_hat: Option<&mut Tensor>,
    mut cell: log::Cell<'_>,
) {
    shapes::expect("reconstruction", x_hat, x.shape());
    shapes::expect("told residual", e_hat, x.shape());
    if let Some(grad) = &grad_x_hat {
        shapes::expect("gradient of the reconstruction", grad, x.shape());
    }
    let scale = scale.map_or(1.0, |scale| {
        shapes::expect("scale", scale, [1, 1]);
        scale.cpu()[0]
    });
    let mean = f64::from(factor) * f64::from(scale) / x.len().max(1) as f64;
    let slope = (-2.0 * mean) as f32;

    let blocks = x.cpu().par_chunks(BLOCK).zip(x_hat.cpu().par_chunks(BLOCK));
    let blocks = blocks.zip(e_hat.cpu_mut().par_chunks_mut(BLOCK));
    let [squares] = sum_in_order(blocks, |((x, x_hat), e_hat)| {
        let mut q = Scratch::<f32>::new(x.len());
        let q = &mut *q;
        vectorize!({
            for (((q, x), x_hat), e_hat) in q.iter_mut().zip(x).zip(x_hat).zip(e_hat) {
                *q = (x - x_hat) - *e_hat;
                *e_hat = slope * *q;
            }
            [sumsq(q)]
        })
    });
    *cell.cpu_mut() = (mean * squares) as f32;
    if let Some(grad) = &mut grad_x_hat {
        let blocks = grad.cpu_mut().par_chunks_mut(BLOCK).zip(e_hat.cpu().par_chunks(BLOCK));
        blocks.for_each(|(grad, e_hat)| {
            vectorize!({
                for (grad, e_hat) in grad.iter_mut().zip(e_hat) {
                    *grad += e_hat;
                }
            });
        });
    }
}

/// out = min(dead / at_most, 1), dead being those whose `idle` is at least `limit`.
pub(super) fn dead_share(idle: &Tensor<u32>, limit: u32, at_most: usize, out: &mut Tensor) {
    shapes::expect("idle", idle, [idle.rows(), 1]);
    shapes::expect("dead share", out, [1, 1]);
    let dead = idle.cpu().iter().filter(|&&idle| idle >= limit).count();
    out.cpu_mut()[0] = (dead as f32 / at_most as f32).min(1.0);
}
