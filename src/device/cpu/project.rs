//! Projections of parameters, and the dictionary's last step.

use super::{
    loss::exp_multiplier,
    simd::{self, BLOCK, block_rows, vectorize},
};
use crate::device::{Projection, Tensor, shapes};
use rayon::prelude::*;

/// Holds each of the rows of `n` elements in its set. NaN stays NaN, to be seen.
#[inline(always)]
pub(super) fn project_rows(rows: &mut [f32], n: usize, projection: Projection) {
    match projection {
        Projection::None => {}
        Projection::Simplex => {
            for row in rows.chunks_exact_mut(n) {
                simplex(row);
            }
        }
        Projection::Ball(radius) => {
            for row in rows.chunks_exact_mut(n) {
                ball(row, radius);
            }
        }
    }
}

#[inline(always)]
fn simplex(row: &mut [f32]) {
    for w in &mut *row {
        *w = if *w < 0.0 { 0.0 } else { *w };
    }
    let divisor = (simd::sum(row) + 1e-8) as f32;
    for w in row {
        *w /= divisor;
    }
}

#[inline(always)]
fn ball(row: &mut [f32], radius: f32) {
    let norm = simd::sumsq(row).sqrt();
    if norm > f64::from(radius) {
        let scale = (f64::from(radius) / norm) as f32;
        for r in row {
            *r *= scale;
        }
    }
}

/// The projection alone.
pub(super) fn project(param: &mut Tensor, projection: Projection) {
    let n = param.cols();
    if n == 0 || projection == Projection::None {
        return;
    }
    param.cpu_mut().par_chunks_mut(block_rows(n) * n).for_each(|rows| {
        vectorize!(project_rows(rows, n, projection));
    });
}

/// wc = (wc + r)·eᵐ.
pub(super) fn add_relaxation(wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
    shapes::expect("relaxation", r, wc.shape());
    let scale = exp_multiplier(multiplier);
    let blocks = wc.cpu_mut().par_chunks_mut(BLOCK).zip(r.cpu().par_chunks(BLOCK));
    blocks.for_each(|(wc, r)| {
        vectorize!(for (wc, &r) in wc.iter_mut().zip(r) {
            *wc = (*wc + r) * scale;
        });
    });
}
