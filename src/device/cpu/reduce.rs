//! Sums and maxima. Large sums run in float64 over pieces that depend on the shape only.

use super::{
    scratch::Scratch,
    simd::{self, block_rows, vectorize},
    sparse::Rows,
};
use crate::device::{Grad, Tensor, log, shapes};
use crate::parallel::*;
use bytemuck::Pod;
use std::array::from_fn;

/// Columns that a task sums.
pub(super) const COLUMNS: usize = 128;

/// The sums of what `partial` makes of each item, added in the order of the items.
pub(super) fn sum_in_order<T, const N: usize>(
    items: impl IndexedParallelIterator<Item = T>,
    partial: impl Fn(T) -> [f64; N] + Sync + Send,
) -> [f64; N]
where
    [f64; N]: Pod,
{
    let mut partials = Scratch::<[f64; N]>::new(count_of(&items));
    items.zip(partials.par_iter_mut()).for_each(|(item, out)| *out = partial(item));
    partials.iter().fold([0.0; N], |sum, add| from_fn(|i| sum[i] + add[i]))
}

/// Rows of a chunk when the columns of `rows` rows are summed chunk by chunk: few chunks, so that their partial sums
/// stay small, and the same whatever the number of threads.
pub(super) fn chunk_rows(rows: usize) -> usize {
    rows.div_ceil(32).max(32)
}

/// `out[j]` = `finish(j, Σ over the chunks of partials[chunk, j])`.
pub(super) fn sum_chunks(
    partials: &[f64],
    out: &mut [f32],
    finish: impl Fn(usize, f64) -> f32 + Sync,
) {
    let n = out.len();
    out.par_iter_mut().enumerate().with_min_len(1024).for_each(|(j, out)| {
        *out = finish(j, partials.iter().skip(j).step_by(n).sum());
    });
}

/// out [n, 1] = the sum of each column.
pub(super) fn column_sums(a: &Tensor, out: &mut Tensor) {
    let n = a.cols();
    shapes::expect("column sums", out, [n, 1]);
    let a = a.cpu();
    out.cpu_mut().par_chunks_mut(COLUMNS).enumerate().for_each(|(task, out)| {
        let sums = vectorize!(sum_columns(a, n, task * COLUMNS, out.len()));
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
    });
}

/// The sums of `count` of the `n` columns, from `first` on; at most as many as a task takes.
#[inline(always)]
pub(super) fn sum_columns(a: &[f32], n: usize, first: usize, count: usize) -> [f64; COLUMNS] {
    let mut sums = [0.0; COLUMNS];
    for row in a.chunks_exact(n) {
        for (sum, &x) in sums.iter_mut().zip(&row[first..first + count]) {
            *sum += f64::from(x);
        }
    }
    sums
}

/// `out[0, slot]` = Σ of the squares of a gradient.
pub(super) fn sumsq(grad: Grad<'_>, out: &mut Tensor, slot: usize) {
    assert_eq!(out.rows(), 1, "rows of the sums of squares");
    let [rows, n] = match &grad {
        Grad::Dense(dense) => dense.shape(),
        Grad::Rows { by_atom, source, .. } => [by_atom.concepts(), source.cols()],
    };
    shapes::grad(&grad, [rows, n]);
    let (grad, block) = (Rows::new(&grad), block_rows(n));
    let tasks = if n == 0 { 0 } else { rows.div_ceil(block) };
    let [sum] = sum_in_order((0..tasks).into_par_iter(), |task| {
        let first = task * block;
        let mut buffer = Scratch::new(block.min(rows - first) * n);
        let buffer = &mut *buffer;
        [vectorize!(simd::sumsq(grad.block(first, n, buffer)))]
    });
    out.cpu_mut()[slot] = sum as f32;
}

/// `scale` = min(1, max_norm / (norm + 1e-6)), norm = √Σ sumsq. A norm that is not a number stays visible.
pub(super) fn clip_scale(
    sumsq: &Tensor,
    max_norm: Option<f32>,
    scale: &mut Tensor,
    mut cell: log::Cell<'_>,
) {
    shapes::expect("clip scale", scale, [1, 1]);
    let norm = sumsq.cpu().iter().map(|&x| f64::from(x)).sum::<f64>().sqrt();
    let ratio = max_norm.map_or(1.0, |max| f64::from(max) / (norm + 1e-6));
    scale.cpu_mut()[0] = if ratio > 1.0 { 1.0 } else { ratio as f32 };
    *cell.cpu_mut() = norm as f32;
}

/// out [n, 1] = ‖row‖².
pub(super) fn row_sumsq(a: &Tensor, out: &mut Tensor) {
    let n = a.cols();
    shapes::expect("row sums of squares", out, [a.rows(), 1]);
    let a = a.cpu();
    out.cpu_mut().par_iter_mut().enumerate().with_min_len(block_rows(n)).for_each(|(row, out)| {
        *out = vectorize!(simd::sumsq(&a[row * n..][..n]) as f32);
    });
}

/// `out[i]` = max(`out[i]`, max over j of a[i, j]), leaving out j = i + `skip`.
pub(super) fn row_max(a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
    let n = a.cols();
    shapes::expect("row maxima", out, [a.rows(), 1]);
    let a = a.cpu();
    out.cpu_mut().par_iter_mut().enumerate().with_min_len(block_rows(n)).for_each(|(row, out)| {
        let left_out = skip.and_then(|skip| usize::try_from(row as i64 + skip).ok());
        let (before, after) = match left_out.filter(|&j| j < n) {
            Some(j) => (j, j + 1),
            None => (n, n),
        };
        let a = &a[row * n..][..n];
        let greatest = vectorize!({
            let greatest = |a: &[f32]| -simd::least(a, a, |x, _| -x);
            greatest(&a[..before]).max(greatest(&a[after..]))
        });
        *out = out.max(greatest);
    });
}
