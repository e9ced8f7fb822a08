//! Projections of parameters.

use super::simd::{self, BLOCK, block_rows, vectorize};
use crate::device::{Projection, Tensor};
use crate::parallel::*;

/// Holds each of the rows of `n` elements in its set; those that need all rows are not for this. NaN stays NaN, to be
/// seen.
#[inline(always)]
pub(super) fn project_rows(rows: &mut [f32], n: usize, projection: Projection) {
    for row in rows.chunks_exact_mut(n) {
        match projection {
            Projection::None | Projection::MaxL2 | Projection::MaxL1 => return,
            Projection::AtLeast(least) => return raise(rows, least),
            Projection::Simplex => simplex(row),
            Projection::Ball(radius) => ball(row, radius),
            Projection::UnitL2 => multiply(row, unit(norm_l2(row))),
            Projection::UnitL1 => multiply(row, unit(norm_l1(row))),
        }
    }
}

#[inline(always)]
fn raise(values: &mut [f32], least: f32) {
    for value in values {
        *value = if *value < least { least } else { *value };
    }
}

#[inline(always)]
fn simplex(row: &mut [f32]) {
    raise(row, 0.0);
    multiply(row, unit(simd::sum(row)));
}

/// The factor that makes a norm 1, as the reference has it. A product is a good deal faster than a division.
#[inline(always)]
fn unit(norm: f64) -> f32 {
    (1.0 / (norm + 1e-8)) as f32
}

#[inline(always)]
fn ball(row: &mut [f32], radius: f32) {
    let norm = norm_l2(row);
    if norm > f64::from(radius) {
        multiply(row, (f64::from(radius) / norm) as f32);
    }
}

#[inline(always)]
fn multiply(values: &mut [f32], factor: f32) {
    for value in values {
        *value *= factor;
    }
}

#[inline(always)]
fn divide(values: &mut [f32], divisor: f32) {
    for value in values {
        *value /= divisor;
    }
}

#[inline(always)]
fn norm_l2(row: &[f32]) -> f64 {
    simd::sumsq(row).sqrt()
}

#[inline(always)]
fn norm_l1(row: &[f32]) -> f64 {
    simd::sum_pairs(row, row, |x, _| f64::from(x.abs()))
}

/// The projection alone.
pub(super) fn project(param: &mut Tensor, projection: Projection) {
    let n = param.cols();
    if n == 0 || projection == Projection::None {
        return;
    }
    if !projection.is_global() {
        let blocks = param.cpu_mut().par_chunks_mut(block_rows(n) * n);
        blocks.for_each(|rows| vectorize!(project_rows(rows, n, projection)));
        return;
    }
    let l1 = projection == Projection::MaxL1;
    let largest = largest_norm(param.cpu(), n, l1) as f32;
    if largest != 0.0 {
        let blocks = param.cpu_mut().par_chunks_mut(BLOCK);
        blocks.for_each(|values| vectorize!(divide(values, largest)));
    }
}

/// The largest ‖row‖₂ or ‖row‖₁. By their bits, in whose order NaN comes after all numbers: it is to be seen.
fn largest_norm(values: &[f32], n: usize, l1: bool) -> f64 {
    let norms = values.par_chunks(n).with_min_len(block_rows(n)).map(|row| {
        let norm = vectorize!(if l1 { norm_l1(row) } else { norm_l2(row) });
        norm.abs().to_bits()
    });
    f64::from_bits(norms.max().unwrap_or(0))
}
