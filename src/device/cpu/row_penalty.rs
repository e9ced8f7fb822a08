//! Penalties on each row of the codes.

use super::{
    reduce::sum_in_order,
    simd::{block_rows, sum_pairs, sumsq, vectorize},
};
use crate::device::{Entries, RowPenalty, Tensor, log, shapes};
use crate::parallel::*;

/// Added to the norm, and to the square of the sum of squares.
const EPS: f64 = 1e-6;

/// cell = factor · Σ of the rows' penalties, `grad` += its gradient at the entries.
pub(super) fn row_penalty(
    penalty: RowPenalty,
    factor: f32,
    concepts: usize,
    at: Entries<'_>,
    grad: &mut Tensor,
    mut cell: log::Cell<'_>,
) {
    shapes::penalty(&at, grad);
    let (width, values) = (at.values.cols(), at.values.cpu());
    let counts = at.counts.map(|counts| counts.cpu());
    // Chunks of an empty matrix must have a width too.
    let rows = values.par_chunks(width.max(1)).zip(grad.cpu_mut().par_chunks_mut(width.max(1)));
    let rows = rows.enumerate().with_min_len(block_rows(width));
    let [total] = sum_in_order(rows, |(row, (values, grad))| {
        let count = counts.map_or(width, |counts| counts[row] as usize);
        let values = &values[..count];
        vectorize!({
            let row = Row::new(penalty, concepts, values);
            row.add_gradient(f64::from(factor), values, &mut grad[..count]);
            [row.value]
        })
    });
    *cell.cpu_mut() = (f64::from(factor) * total) as f32;
}

/// The penalty of a row z, and its derivative c₀·sign(z) + c₁·z + c₃·z³.
struct Row {
    value: f64,
    sign: f64,
    linear: f64,
    cubic: f64,
}

impl Row {
    #[inline(always)]
    fn new(penalty: RowPenalty, concepts: usize, z: &[f32]) -> Self {
        let squares = sumsq(z);
        match penalty {
            RowPenalty::Hoyer if concepts == 1 => {
                Self { value: 0.0, sign: 0.0, linear: 0.0, cubic: 0.0 }
            }
            RowPenalty::Hoyer => {
                let root = (concepts as f64).sqrt();
                let (norm, l1) = (squares.sqrt(), sum_pairs(z, z, |z, _| f64::from(z.abs())));
                let (ratio, scale) = (l1 / (norm + EPS), 1.0 / (root - 1.0));
                // The norm's derivative z/‖z‖ is taken as 0 where the norm is.
                let linear = if norm == 0.0 { 0.0 } else { scale * ratio / ((norm + EPS) * norm) };
                let sign = -scale / (norm + EPS);
                Self { value: (root - ratio) * scale, sign, linear, cubic: 0.0 }
            }
            RowPenalty::Kappa4 => {
                let fourths = sum_pairs(z, z, |z, _| f64::from(z).powi(2).powi(2));
                let below = squares * squares + EPS;
                let value = fourths / below;
                let linear = -4.0 * value * squares / below;
                Self { value, sign: 0.0, linear, cubic: 4.0 / below }
            }
        }
    }

    #[inline(always)]
    fn add_gradient(&self, factor: f64, z: &[f32], grad: &mut [f32]) {
        let [sign, linear, cubic] =
            [self.sign, self.linear, self.cubic].map(|c| (factor * c) as f32);
        for (&z, grad) in z.iter().zip(grad) {
            let direction = f32::from(z > 0.0) - f32::from(z < 0.0);
            *grad += sign * direction + (linear + cubic * (z * z)) * z;
        }
    }
}
