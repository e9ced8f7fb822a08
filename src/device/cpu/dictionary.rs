//! The end of building a dictionary, and the beginning of its backward pass.

use super::{
    loss::exp_multiplier,
    reduce::sum_in_order,
    simd::{BLOCK, sum_pairs, vectorize},
};
use crate::device::{Tensor, shapes};
use crate::parallel::*;

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

/// grad_multiplier = Σ grad∘D, summed in float64; grad = eᵐ·grad.
pub(super) fn dictionary_backward(
    dictionary: &Tensor,
    multiplier: Option<&Tensor>,
    grad: &mut Tensor,
    grad_multiplier: &mut Tensor,
) {
    shapes::expect("gradient of the dictionary", grad, dictionary.shape());
    shapes::expect("gradient of the multiplier", grad_multiplier, [1, 1]);
    let scale = exp_multiplier(multiplier);
    let blocks = dictionary.cpu().par_chunks(BLOCK).zip(grad.cpu_mut().par_chunks_mut(BLOCK));
    let [along] = sum_in_order(blocks, |(dictionary, grad)| {
        vectorize!({
            let along = sum_pairs(dictionary, grad, |d, g| f64::from(d) * f64::from(g));
            for g in grad {
                *g *= scale;
            }
            [along]
        })
    });
    grad_multiplier.cpu_mut()[0] = along as f32;
}
