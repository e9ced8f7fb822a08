//! The normalisation of each row, and its backward pass.

use super::simd::{block_rows, sum, sum_pairs, sumsq, vectorize};
use crate::device::{NORM_EPS, Tensor, shapes};
use crate::parallel::*;

/// normed = (x − mean) · inv_std over each row, out = normed ∘ weight + bias.
pub(super) fn layer_norm(
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    normed: &mut Tensor,
    inv_std: &mut Tensor,
    out: &mut Tensor,
) {
    let [rows, n] = x.shape();
    shapes::expect("weight", weight, [n, 1]);
    shapes::expect("bias", bias, [n, 1]);
    shapes::expect("normed", normed, [rows, n]);
    shapes::expect("inverse deviations", inv_std, [rows, 1]);
    shapes::expect("output of the norm", out, [rows, n]);
    if n == 0 {
        return;
    }
    let (weight, bias) = (weight.cpu(), bias.cpu());
    let made = normed.cpu_mut().par_chunks_mut(n).zip(out.cpu_mut().par_chunks_mut(n));
    let rows = x.cpu().par_chunks(n).zip(inv_std.cpu_mut()).zip(made);
    rows.with_min_len(block_rows(n)).for_each(|((x, inv_std), (normed, out))| {
        *inv_std = vectorize!(norm_row(x, normed));
        vectorize!({
            let pairs = normed.iter().zip(weight).zip(bias);
            for (out, ((&normed, &weight), &bias)) in out.iter_mut().zip(pairs) {
                *out = normed * weight + bias;
            }
        });
    });
}

/// One row of `normed`; returns 1/√(variance + ε).
#[inline(always)]
fn norm_row(x: &[f32], normed: &mut [f32]) -> f32 {
    let mean = sum(x) / x.len() as f64;
    for (normed, &x) in normed.iter_mut().zip(x) {
        *normed = (f64::from(x) - mean) as f32;
    }
    let variance = sumsq(normed) / x.len() as f64;
    let inv_std = (1.0 / (variance + f64::from(NORM_EPS)).sqrt()) as f32;
    for normed in normed {
        *normed *= inv_std;
    }
    inv_std
}

/// `grad` = ∂loss/∂out becomes ∂loss/∂x.
pub(super) fn layer_norm_backward(
    normed: &Tensor,
    inv_std: &Tensor,
    weight: &Tensor,
    grad: &mut Tensor,
) {
    let [rows, n] = normed.shape();
    shapes::expect("inverse deviations", inv_std, [rows, 1]);
    shapes::expect("weight", weight, [n, 1]);
    shapes::expect("gradient of the norm", grad, [rows, n]);
    if n == 0 {
        return;
    }
    let weight = weight.cpu();
    let rows = grad.cpu_mut().par_chunks_mut(n).zip(normed.cpu().par_chunks(n));
    rows.zip(inv_std.cpu()).with_min_len(block_rows(n)).for_each(|((grad, normed), &inv_std)| {
        vectorize!(backward_row(normed, inv_std, weight, grad));
    });
}

#[inline(always)]
fn backward_row(normed: &[f32], inv_std: f32, weight: &[f32], grad: &mut [f32]) {
    for (g, &weight) in grad.iter_mut().zip(weight) {
        *g *= weight;
    }
    let n = grad.len() as f64;
    let mean = (sum(grad) / n) as f32;
    let along = (sum_pairs(grad, normed, |g, x| f64::from(g) * f64::from(x)) / n) as f32;
    for (g, &normed) in grad.iter_mut().zip(normed) {
        *g = inv_std * (*g - mean - normed * along);
    }
}
