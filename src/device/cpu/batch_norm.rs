//! The normalisation of each column over a batch, its backward pass, and the moments that stay for evaluation.

use super::{
    columns::column_means,
    scratch::Scratch,
    simd::{block_rows, vectorize},
};
use crate::device::{NORM_EPS, NORM_MOMENTUM, Tensor, shapes};
use crate::parallel::*;

/// 1/√(variance + ε) of each column.
fn inv_std(variance: &Tensor) -> Scratch<f32> {
    let mut inv_std = Scratch::<f32>::new(variance.len());
    for (inv_std, &variance) in inv_std.iter_mut().zip(variance.cpu()) {
        *inv_std = (1.0 / (f64::from(variance) + f64::from(NORM_EPS)).sqrt()) as f32;
    }
    inv_std
}

/// normed = (x − mean) / √(variance + ε), out = normed ∘ weight + bias.
pub(super) fn batch_norm(
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    normed: &mut Tensor,
    out: &mut Tensor,
) {
    let [rows, n] = x.shape();
    shapes::expect("means", mean, [n, 1]);
    shapes::expect("variances", variance, [n, 1]);
    shapes::expect("weight", weight, [n, 1]);
    shapes::expect("bias", bias, [n, 1]);
    shapes::expect("normed", normed, [rows, n]);
    shapes::expect("output of the norm", out, [rows, n]);
    if n == 0 {
        return;
    }
    let (mean, inv_std) = (mean.cpu(), &*inv_std(variance));
    let (weight, bias) = (weight.cpu(), bias.cpu());
    let made = normed.cpu_mut().par_chunks_mut(n).zip(out.cpu_mut().par_chunks_mut(n));
    let rows = x.cpu().par_chunks(n).zip(made);
    rows.with_min_len(block_rows(n)).for_each(|(x, (normed, out))| {
        vectorize!({
            let moments = x.iter().zip(mean).zip(inv_std);
            for (normed, ((&x, &mean), &inv_std)) in normed.iter_mut().zip(moments) {
                *normed = (x - mean) * inv_std;
            }
            let pairs = normed.iter().zip(weight).zip(bias);
            for (out, ((&normed, &weight), &bias)) in out.iter_mut().zip(pairs) {
                *out = normed * weight + bias;
            }
        });
    });
}

/// `grad` = ∂loss/∂out becomes ∂loss/∂x.
pub(super) fn batch_norm_backward(
    normed: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    grad: &mut Tensor,
) {
    let n = normed.cols();
    shapes::expect("variances", variance, [n, 1]);
    shapes::expect("weight", weight, [n, 1]);
    shapes::expect("gradient of the norm", grad, normed.shape());
    if normed.is_empty() {
        return;
    }
    // The weight is the same in every row: it can be taken out of the means.
    let mut factors = inv_std(variance);
    factors.iter_mut().zip(weight.cpu()).for_each(|(factor, &weight)| *factor *= weight);
    let [mean, along] = column_means(grad, normed);
    let (mean, along, factors) = (&*mean, &*along, &*factors);
    let rows = grad.cpu_mut().par_chunks_mut(n).zip(normed.cpu().par_chunks(n));
    rows.with_min_len(block_rows(n)).for_each(|(grad, normed)| {
        vectorize!({
            let means = mean.iter().zip(along).zip(factors);
            for ((g, &normed), ((&mean, &along), &factor)) in grad.iter_mut().zip(normed).zip(means)
            {
                *g = factor * (*g - mean - normed * along);
            }
        });
    });
}

/// running += momentum · (moment − running), the variance made unbiased.
pub(super) fn running_moments(
    mean: &Tensor,
    variance: &Tensor,
    rows: usize,
    running_mean: &mut Tensor,
    running_variance: &mut Tensor,
) {
    assert!(rows >= 2, "the variance of {rows} rows");
    shapes::expect("means", mean, [mean.rows(), 1]);
    shapes::expect("variances", variance, mean.shape());
    shapes::expect("running means", running_mean, mean.shape());
    shapes::expect("running variances", running_variance, mean.shape());
    let unbias = (rows as f64 / (rows - 1) as f64) as f32;
    for (running, &mean) in running_mean.cpu_mut().iter_mut().zip(mean.cpu()) {
        *running += NORM_MOMENTUM * (mean - *running);
    }
    for (running, &variance) in running_variance.cpu_mut().iter_mut().zip(variance.cpu()) {
        *running += NORM_MOMENTUM * (variance * unbias - *running);
    }
}
