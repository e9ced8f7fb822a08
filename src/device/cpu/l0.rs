//! A penalty on the number of active codes, through the thresholds.

use super::{
    jump::{GROUP, distance, thetas},
    reduce::{chunk_rows, sum_chunks},
    scratch::Scratch,
    simd::{any, vectorize},
};
use crate::parallel::*;
use crate::{
    device::{Tensor, log, shapes},
    sae::Kernel,
};

/// cell = factor · (L0/target − 1)², `grad_thresholds` += its gradient, the row's step having the derivative −κ(a − θ).
pub(super) fn l0_penalty(
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    factor: f32,
    target: f32,
    grad_thresholds: &mut Tensor,
    mut cell: log::Cell<'_>,
) {
    let [rows, n] = pre.shape();
    shapes::expect("gradient of the thresholds", grad_thresholds, [n, 1]);
    let thetas = &*thetas(thresholds, n);
    if rows == 0 || n == 0 {
        *cell.cpu_mut() = 0.0;
        return;
    }
    let active = f64::from(cell.log.cpu()[cell.row * log::WIDTH + log::ACTIVE]);
    let [factor, target] = [factor, target].map(f64::from);
    let excess = active / rows as f64 / target - 1.0;
    *cell.cpu_mut() = (factor * excess * excess) as f32;

    let reach = kernel.reach(bandwidth);
    let chunk = chunk_rows(rows) * n;
    let mut partials = Scratch::filled(rows.div_ceil(chunk_rows(rows)) * n, 0.0_f64);
    pre.cpu().par_chunks(chunk).zip(partials.par_chunks_mut(n)).for_each(|(pre, sums)| {
        vectorize!({
            for pre in pre.chunks_exact(n) {
                add_kappas(pre, thetas, kernel, bandwidth, reach, sums);
            }
        });
    });
    let slope = factor * 2.0 * excess / target / rows as f64;
    let mut add = Scratch::<f32>::new(n);
    sum_chunks(&partials, &mut add, |atom, sum| (-slope * f64::from(thetas[atom]) * sum) as f32);
    grad_thresholds.cpu_mut().iter_mut().zip(&*add).for_each(|(grad, add)| *grad += add);
}

/// Adds κ(a − θ) of a row to `sums`.
#[inline(always)]
fn add_kappas(
    pre: &[f32],
    thetas: &[f32],
    kernel: Kernel,
    bandwidth: f32,
    reach: f32,
    sums: &mut [f64],
) {
    let groups = pre.chunks(GROUP).zip(thetas.chunks(GROUP));
    for ((pre, thetas), sums) in groups.zip(sums.chunks_mut(GROUP)) {
        let pairs = pre.iter().zip(thetas);
        if any(pairs.clone().map(|(&pre, &theta)| distance(pre, theta) <= reach)) {
            for ((&pre, &theta), sum) in pairs.zip(sums) {
                if distance(pre, theta) <= reach {
                    *sum += f64::from(kernel.value(pre.max(0.0) - theta, bandwidth));
                }
            }
        }
    }
}
