//! A penalty that is a sum of f(v) over values.

use super::simd::{BLOCK, block_rows, sum, vectorize, with_scratch};
use crate::parallel::*;
use crate::{
    device::{Entries, Tensor, log, shapes},
    expression::{Expression, LANES, Program},
};

/// cell = factor · Σ f(v), `grad` += factor · f′(v). The sum runs in float64.
pub(super) fn pointwise(
    f: &Expression,
    factor: f32,
    at: Entries<'_>,
    grad: &mut Tensor,
    mut cell: log::Cell<'_>,
) {
    shapes::penalty(&at, grad);
    let (program, width, values) = (f.program(), at.values.cols(), at.values.cpu());
    let partials: Vec<f64> = match at.counts {
        _ if values.is_empty() => Vec::new(),
        None => {
            let blocks = values.par_chunks(BLOCK).zip(grad.cpu_mut().par_chunks_mut(BLOCK));
            blocks.map(|(values, grad)| add_slopes(&program, factor, values, grad)).collect()
        }
        Some(counts) => {
            let rows = values.par_chunks(width).zip(grad.cpu_mut().par_chunks_mut(width));
            rows.zip(counts.cpu())
                .with_min_len(block_rows(width))
                .map(|((values, grad), &count)| {
                    let entries = ..count as usize;
                    add_slopes(&program, factor, &values[entries], &mut grad[entries])
                })
                .collect()
        }
    };
    *cell.cpu_mut() = (f64::from(factor) * partials.iter().sum::<f64>()) as f32;
}

/// `grad` += factor · f′; returns Σ f.
fn add_slopes(program: &Program, factor: f32, values: &[f32], grad: &mut [f32]) -> f64 {
    with_scratch(program.stack_len(), |stack| {
        vectorize!({
            let mut total = 0.0;
            for (values, grad) in values.chunks(LANES).zip(grad.chunks_mut(LANES)) {
                let (f, slopes) = program.run(values, stack);
                total += sum(f);
                for (grad, slope) in grad.iter_mut().zip(slopes) {
                    *grad += factor * slope;
                }
            }
            total
        })
    })
}
