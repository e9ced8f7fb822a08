//! The reanimation of concepts that no row of the batch uses.

use super::{
    reduce::{COLUMNS, sum_columns},
    simd::{block_rows, vectorize},
};
use crate::device::{Tensor, log, shapes};
use crate::parallel::*;

/// cell = −factor · Σ pre∘dead / (Σ dead + 1e-6), `grad_pre` += its gradient.
pub(super) fn reanimate(
    pre: &Tensor,
    z: &Tensor,
    factor: f32,
    grad_pre: &mut Tensor,
    mut cell: log::Cell<'_>,
) {
    let [rows, n] = pre.shape();
    shapes::expect("codes", z, [rows, n]);
    shapes::expect("gradient of the pre-codes", grad_pre, [rows, n]);
    if rows == 0 || n == 0 {
        *cell.cpu_mut() = 0.0;
        return;
    }
    let (dead, sum) = dead_columns(pre, z);
    let count: f64 = dead.iter().map(|&dead| f64::from(dead)).sum();
    let slope = -f64::from(factor) / (count + 1e-6);
    *cell.cpu_mut() = (slope * sum) as f32;
    let rows = grad_pre.cpu_mut().par_chunks_mut(n).with_min_len(block_rows(n));
    rows.for_each(|grad| {
        vectorize!({
            for (grad, dead) in grad.iter_mut().zip(&dead) {
                *grad += slope as f32 * dead;
            }
        });
    });
}

/// Which concepts are dead, as 1 or 0, and the sum of their pre-codes.
fn dead_columns(pre: &Tensor, z: &Tensor) -> (Vec<f32>, f64) {
    let (n, pre, z) = (pre.cols(), pre.cpu(), z.cpu());
    let mut dead = vec![0.0_f32; n];
    let tasks = dead.par_chunks_mut(COLUMNS).enumerate();
    let partials: Vec<f64> = tasks
        .map(|(task, dead)| {
            let (first, count) = (task * COLUMNS, dead.len());
            let (used, sums) =
                vectorize!((sum_columns(z, n, first, count), sum_columns(pre, n, first, count)));
            let mut total = 0.0;
            for ((dead, used), sum) in dead.iter_mut().zip(used).zip(sums) {
                if used == 0.0 {
                    *dead = 1.0;
                    total += sum;
                }
            }
            total
        })
        .collect();
    (dead, partials.iter().sum())
}
