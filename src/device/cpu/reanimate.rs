//! The reanimation of concepts that no row of the batch uses.

use super::{
    reduce::{COLUMNS, sum_columns, sum_in_order},
    scratch::Scratch,
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
    let mut dead = Scratch::new(n);
    let sum = dead_columns(pre, z, &mut dead);
    let dead = &*dead;
    let count: f64 = dead.iter().map(|&dead| f64::from(dead)).sum();
    let slope = -f64::from(factor) / (count + 1e-6);
    *cell.cpu_mut() = (slope * sum) as f32;
    let rows = grad_pre.cpu_mut().par_chunks_mut(n).with_min_len(block_rows(n));
    rows.for_each(|grad| {
        vectorize!({
            for (grad, dead) in grad.iter_mut().zip(dead) {
                *grad += slope as f32 * dead;
            }
        });
    });
}

/// Which concepts are dead, as 1 or 0 in `dead`, and the sum of their pre-codes.
fn dead_columns(pre: &Tensor, z: &Tensor, dead: &mut [f32]) -> f64 {
    let (n, pre, z) = (pre.cols(), pre.cpu(), z.cpu());
    let tasks = dead.par_chunks_mut(COLUMNS).enumerate();
    let [total] = sum_in_order(tasks, |(task, dead)| {
        let (first, count) = (task * COLUMNS, dead.len());
        let (used, sums) =
            vectorize!((sum_columns(z, n, first, count), sum_columns(pre, n, first, count)));
        let mut total = 0.0;
        for ((dead, used), sum) in dead.iter_mut().zip(used).zip(sums) {
            *dead = if used == 0.0 { 1.0 } else { 0.0 };
            total += if used == 0.0 { sum } else { 0.0 };
        }
        [total]
    });
    total
}
