//! Sums over the columns of batches, in float64: moments, and products with another batch.

use super::{scratch::Scratch, simd::vectorize};
use crate::device::{Tensor, shapes};
use crate::parallel::*;
use std::ops::Range;

/// Columns that a task sums.
const COLUMNS: usize = 128;

/// Some columns of each row of a [B, n].
#[inline(always)]
fn rows_of(a: &[f32], n: usize, columns: Range<usize>) -> impl Iterator<Item = &[f32]> {
    a.chunks_exact(n).map(move |row| &row[columns.clone()])
}

/// mean [n, 1] and the biased variance [n, 1] of each column.
pub(super) fn column_moments(x: &Tensor, mean: &mut Tensor, variance: &mut Tensor) {
    let [rows, n] = x.shape();
    shapes::expect("means", mean, [n, 1]);
    shapes::expect("variances", variance, [n, 1]);
    if x.is_empty() {
        return;
    }
    let x = x.cpu();
    let means = mean.cpu_mut().par_chunks_mut(COLUMNS);
    let tasks = means.zip(variance.cpu_mut().par_chunks_mut(COLUMNS)).enumerate();
    tasks.for_each(|(task, (mean, variance))| {
        let columns = task * COLUMNS..task * COLUMNS + mean.len();
        vectorize!({
            let mut means = [0.0_f64; COLUMNS];
            for row in rows_of(x, n, columns.clone()) {
                for (mean, &x) in means.iter_mut().zip(row) {
                    *mean += f64::from(x);
                }
            }
            for mean in &mut means {
                *mean /= rows as f64;
            }
            let mut squares = [0.0_f64; COLUMNS];
            for row in rows_of(x, n, columns) {
                for ((square, &mean), &x) in squares.iter_mut().zip(&means).zip(row) {
                    *square += (f64::from(x) - mean) * (f64::from(x) - mean);
                }
            }
            mean.iter_mut().zip(means).for_each(|(out, mean)| *out = mean as f32);
            let variances = variance.iter_mut().zip(squares);
            variances.for_each(|(out, square)| *out = (square / rows as f64) as f32);
        });
    });
}

/// Σ a and Σ a ∘ b over the rows, of some columns of a, b [B, n].
#[inline(always)]
fn sums_and_dots(a: &[f32], b: &[f32], n: usize, columns: Range<usize>) -> [[f64; COLUMNS]; 2] {
    let (mut sums, mut dots) = ([0.0; COLUMNS], [0.0; COLUMNS]);
    for (a, b) in rows_of(a, n, columns.clone()).zip(rows_of(b, n, columns)) {
        for (((sum, dot), &a), &b) in sums.iter_mut().zip(&mut dots).zip(a).zip(b) {
            *sum += f64::from(a);
            *dot += f64::from(a) * f64::from(b);
        }
    }
    [sums, dots]
}

/// out [n, 1] = Σ over rows of a ∘ b.
pub(super) fn column_dots(a: &Tensor, b: &Tensor, out: &mut Tensor) {
    let n = a.cols();
    shapes::expect("the other factor", b, a.shape());
    shapes::expect("column dots", out, [n, 1]);
    if a.is_empty() {
        return;
    }
    let (a, b) = (a.cpu(), b.cpu());
    out.cpu_mut().par_chunks_mut(COLUMNS).enumerate().for_each(|(task, out)| {
        let columns = task * COLUMNS..task * COLUMNS + out.len();
        let [_, dots] = vectorize!(sums_and_dots(a, b, n, columns));
        out.iter_mut().zip(dots).for_each(|(out, dot)| *out = dot as f32);
    });
}

/// The means of a and of a ∘ b over the rows, for each column.
pub(super) fn column_means(a: &Tensor, b: &Tensor) -> [Scratch<f32>; 2] {
    let [rows, n] = a.shape();
    let (a, b) = (a.cpu(), b.cpu());
    let (mut means, mut along) = (Scratch::new(n), Scratch::new(n));
    let tasks = means.par_chunks_mut(COLUMNS).zip(along.par_chunks_mut(COLUMNS)).enumerate();
    tasks.for_each(|(task, (means, along))| {
        let columns = task * COLUMNS..task * COLUMNS + means.len();
        let [sums, dots] = vectorize!(sums_and_dots(a, b, n, columns));
        let mean = |sum: f64| (sum / rows as f64) as f32;
        means.iter_mut().zip(sums).for_each(|(out, sum)| *out = mean(sum));
        along.iter_mut().zip(dots).for_each(|(out, dot)| *out = mean(dot));
    });
    [means, along]
}
