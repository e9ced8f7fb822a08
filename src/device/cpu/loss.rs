//! The mean squared error, with what the backward pass starts from.

use super::{
    reduce::sum_in_order,
    simd::{BLOCK, sum_pairs, vectorize},
};
use crate::device::{Tensor, log, shapes};
use crate::parallel::*;

/// eᵐ, 1 without a multiplier.
pub(super) fn exp_multiplier(multiplier: Option<&Tensor>) -> f32 {
    multiplier.map_or(1.0, |multiplier| {
        shapes::expect("multiplier", multiplier, [1, 1]);
        multiplier.cpu()[0].exp()
    })
}

/// `raw` becomes x̂ = eᵐ·raw, h = eᵐ·weight·2(x̂ − x)/(B d); Σ G∘x̂ and Σ (x̂ − x)² are summed in float64.
pub(super) fn mse(
    x: &Tensor,
    raw: &mut Tensor,
    multiplier: Option<&Tensor>,
    weight: f32,
    h: &mut Tensor,
    grad_multiplier: &mut Tensor,
    log: &mut Tensor,
    row: usize,
) {
    shapes::expect("reconstruction", raw, x.shape());
    shapes::expect("h", h, x.shape());
    shapes::expect("gradient of the multiplier", grad_multiplier, [1, 1]);
    let scale = exp_multiplier(multiplier);
    let mean = f64::from(weight) * 2.0 / x.len().max(1) as f64;
    let scale_h = (f64::from(scale) * mean) as f32;

    let blocks = x.cpu().par_chunks(BLOCK).zip(raw.cpu_mut().par_chunks_mut(BLOCK));
    let blocks = blocks.zip(h.cpu_mut().par_chunks_mut(BLOCK));
    let [sse, along] = sum_in_order(blocks, |((x, raw), h)| {
        vectorize!({
            for ((&x, x_hat), h) in x.iter().zip(&mut *raw).zip(h) {
                *x_hat *= scale;
                *h = scale_h * (*x_hat - x);
            }
            let residual = |x: f32, x_hat: f32| f64::from(x_hat - x);
            let sse = sum_pairs(x, raw, |x, x_hat| residual(x, x_hat).powi(2));
            let along = sum_pairs(x, raw, |x, y| residual(x, y) * f64::from(y));
            [sse, along]
        })
    });

    grad_multiplier.cpu_mut()[0] = (mean * along) as f32;
    log.cpu_mut()[row * log::WIDTH + log::SSE] = sse as f32;
}
