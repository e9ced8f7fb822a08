//! relu and its backward pass.

use super::simd::{BLOCK, vectorize};
use crate::device::{Tensor, shapes};
use crate::parallel::*;

/// out = max(x, 0). NaN stays NaN, to be seen in the loss.
pub(super) fn relu(x: &Tensor, out: &mut Tensor) {
    shapes::expect("output of relu", out, x.shape());
    let blocks = out.cpu_mut().par_chunks_mut(BLOCK).zip(x.cpu().par_chunks(BLOCK));
    blocks.for_each(|(out, x)| {
        vectorize!(for (out, &x) in out.iter_mut().zip(x) {
            *out = if (x > 0.0) | x.is_nan() { x } else { 0.0 };
        });
    });
}

/// grad = 0 where out ≤ 0.
pub(super) fn relu_backward(out: &Tensor, grad: &mut Tensor) {
    shapes::expect("gradient of relu", grad, out.shape());
    let blocks = grad.cpu_mut().par_chunks_mut(BLOCK).zip(out.cpu().par_chunks(BLOCK));
    blocks.for_each(|(grad, out)| {
        vectorize!(for (g, &out) in grad.iter_mut().zip(out) {
            *g = if out <= 0.0 { 0.0 } else { *g };
        });
    });
}
