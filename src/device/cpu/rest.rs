//! Rows of a parameter that rest while their atom does not fire, and catch up when it does.

use super::{
    adam::flush,
    index::Index,
    project::project_rows,
    simd::{any, block_rows, vectorize},
};
use crate::device::{AdamStep, ByAtom, Projection, REST, Tensor, shapes};
use crate::parallel::*;

/// The steps that rows have missed.
pub(super) fn catch_up(
    param: &mut Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    done: &mut Tensor<u32>,
    firing: Option<&ByAtom>,
    steps: &mut Tensor,
    now: u32,
    numbers: AdamStep,
    projection: Projection,
) {
    shapes::expect("first moment", first, param.shape());
    shapes::expect("second moment", second, param.shape());
    shapes::catch_up(param, done, firing, steps, now);
    shapes::row_wise(projection);
    let n = param.cols();
    if n == 0 {
        return;
    }
    let steps = &mut steps.cpu_mut().as_chunks_mut::<3>().0[..now as usize];
    if let Some(last) = steps.last_mut() {
        *last = [numbers.step_size, numbers.inv_sqrt_bias2, numbers.decay];
    }
    let (firing, steps) = (firing.map(Index::new), &*steps);
    let moments = first.cpu_mut().par_chunks_mut(n).zip(second.cpu_mut().par_chunks_mut(n));
    let rows = param.cpu_mut().par_chunks_mut(n).zip(moments).zip(done.cpu_mut().par_iter_mut());
    rows.enumerate().with_min_len(block_rows(n)).for_each(
        |(row, ((param, (first, second)), done))| {
            let missed = &steps[(*done).min(now) as usize..];
            match firing {
                Some(firing) if firing.of(row).is_empty() => return,
                Some(_) => *done = now + 1,
                None => *done = now,
            }
            if !missed.is_empty() {
                vectorize!(replay(param, first, second, missed, numbers, projection));
            }
        },
    );
}

/// Step after step, until all is at rest: from then on only the second moment changes.
#[inline(always)]
fn replay(
    param: &mut [f32],
    first: &mut [f32],
    second: &mut [f32],
    missed: &[[f32; 3]],
    numbers: AdamStep,
    projection: Projection,
) {
    let mut left = missed;
    while let Some((&[step_size, inv_sqrt_bias2, decay], rest)) = left.split_first() {
        if decay == 1.0 && !any(first.iter().map(|&m| m != 0.0)) {
            break;
        }
        let step = AdamStep { step_size, inv_sqrt_bias2, decay, ..numbers };
        coast(param, first, second, step);
        project_rows(param, param.len(), projection);
        left = rest;
    }
    for _ in left {
        for v in &mut *second {
            *v = flush(numbers.beta2 * *v);
        }
    }
}

/// A step without a gradient.
#[inline(always)]
fn coast(param: &mut [f32], first: &mut [f32], second: &mut [f32], step: AdamStep) {
    for ((p, m), v) in param.iter_mut().zip(first).zip(second) {
        *m = flush(*m - step.one_minus_beta1 * *m);
        *v = flush(step.beta2 * *v);
        let along = *m / (v.sqrt() * step.inv_sqrt_bias2 + step.eps);
        *p = *p * step.decay - step.step_size * along;
        *m = if along.abs() < REST { 0.0 } else { *m };
    }
}
