//! Adam: gradient, moments, step and projection in one pass over each block of rows, while it is in the cache.

use super::{
    project::project_rows,
    scratch::Scratch,
    simd::{LINE, block_rows, prefetch, vectorize},
    sparse::Rows,
};
use crate::device::{AdamStep, Grad, Projection, Tensor, shapes};
use crate::parallel::*;

/// One step with the gradient times `scale[0]`, then the projection of each row; with `active` only of the rows that
/// have entries.
pub(super) fn adam(
    param: &mut Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    grad: Grad<'_>,
    scale: &Tensor,
    step: AdamStep,
    projection: Projection,
    active: bool,
) {
    shapes::expect("first moment", first, param.shape());
    shapes::expect("second moment", second, param.shape());
    shapes::expect("clip scale", scale, [1, 1]);
    shapes::grad(&grad, param.shape());
    shapes::row_wise(projection);
    let [rows, n] = param.shape();
    if n == 0 {
        return;
    }
    let (grad, scale) = (Rows::new(&grad), scale.cpu()[0]);
    let block = if active { 1 } else { block_rows(n) };
    let params = param.cpu_mut().par_chunks_mut(block * n);
    let firsts = first.cpu_mut().par_chunks_mut(block * n);
    let seconds = second.cpu_mut().par_chunks_mut(block * n);
    let blocks = params.zip(firsts).zip(seconds).enumerate().with_min_len(block_rows(n) / block);
    blocks.for_each(|(task, ((param, first), second))| {
        if active && !grad.has_entries(task) {
            return;
        }
        let mut buffer = Scratch::new(param.len());
        let buffer = &mut *buffer;
        vectorize!({
            let next_is_used = !active || task + 1 < rows && grad.has_entries(task + 1);
            let ahead = if next_is_used { param.len() } else { 0 };
            let grad = grad.block(task * block, n, buffer);
            update(param, first, second, grad, scale, step, ahead);
            project_rows(param, n, projection);
        });
    });
}

/// The step of a block of rows. Each line of the cache asks for the one that stands `ahead`, where the next block is: the
/// processor's own foresight ends with a page, and a row is often one.
#[inline(always)]
fn update(
    param: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    grad: &[f32],
    scale: f32,
    step: AdamStep,
    ahead: usize,
) {
    let (params, param) = param.as_chunks_mut::<LINE>();
    let (firsts, first) = first.as_chunks_mut::<LINE>();
    let (seconds, second) = second.as_chunks_mut::<LINE>();
    let (grads, grad) = grad.as_chunks::<LINE>();
    for (((p, m), v), g) in params.iter_mut().zip(firsts).zip(seconds).zip(grads) {
        for line in [p.as_ptr(), m.as_ptr(), v.as_ptr()] {
            prefetch(line.wrapping_add(ahead));
        }
        for i in 0..LINE {
            update_one(&mut p[i], &mut m[i], &mut v[i], g[i] * scale, step);
        }
    }
    for (((p, m), v), &g) in param.iter_mut().zip(first).zip(second).zip(grad) {
        update_one(p, m, v, g * scale, step);
    }
}

#[inline(always)]
fn update_one(p: &mut f32, m: &mut f32, v: &mut f32, g: f32, step: AdamStep) {
    let AdamStep { one_minus_beta1, beta2, one_minus_beta2, eps, step_size, inv_sqrt_bias2, decay } =
        step;
    *m = flush(*m + one_minus_beta1 * (g - *m));
    *v = flush(beta2 * *v + one_minus_beta2 * g * g);
    *p = *p * decay - step_size * *m / (v.sqrt() * inv_sqrt_bias2 + eps);
}

/// Zero for what is subnormal. The moments of an atom that is no longer used decay to that and would stay there, where
/// many processors take a hundred cycles an operation; GPUs flush them too.
#[inline(always)]
pub(super) fn flush(x: f32) -> f32 {
    if x.abs() < f32::MIN_POSITIVE { 0.0 } else { x }
}
