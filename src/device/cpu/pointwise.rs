//! A penalty that is a sum of f(v) over values.

use super::{
    reduce::sum_in_order,
    scratch::Scratch,
    simd::{BLOCK, block_rows, sum, vectorize},
};
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
    let [total] = match at.counts {
        _ if values.is_empty() => [0.0],
        None => {
            let blocks = values.par_chunks(BLOCK).zip(grad.cpu_mut().par_chunks_mut(BLOCK));
            sum_in_order(blocks, |(values, grad)| [add_slopes(&program, factor, values, grad)])
        }
        Some(counts) => {
            let rows = values.par_chunks(width).zip(grad.cpu_mut().par_chunks_mut(width));
            let rows = rows.zip(counts.cpu()).with_min_len(block_rows(width));
            sum_in_order(rows, |((values, grad), &count)| {
                let entries = ..count as usize;
                [add_slopes(&program, factor, &values[entries], &mut grad[entries])]
            })
        }
    };
    *cell.cpu_mut() = (f64::from(factor) * total) as f32;
}

/// `grad` += factor · f′; returns Σ f.
fn add_slopes(program: &Program, factor: f32, values: &[f32], grad: &mut [f32]) -> f64 {
    let mut stack = Scratch::new(program.stack_len());
    let stack = &mut *stack;
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
}
