//! Matched filters: rows that answer to one atom and to as little else as can be.

use crate::{
    device::{Device, Gemm, Tensor, pause},
    error::{Error, Result},
};

/// λ as a share of the mean eigenvalue of the covariance.
const RIDGE: f64 = 0.1;
/// Newton's iteration for an inverse squares its residual: 2⁻²⁴ of the largest eigenvalue is far below λ's share.
const ITERATIONS: usize = 24;
/// Atoms filtered at once.
const BLOCK: usize = 4096;

const NN: Gemm<'_> = Gemm { transpose_a: false, transpose_b: false, accumulate: false, bias: None };

/// (Σ + λI)⁻¹ D_j of each of `atoms` [K, d], scaled to length 1, with Σ the second moments of `rows` [n, d], whose
/// means are near 0. An atom of zeros has a filter of zeros.
///
/// # Errors
/// [`Error::Setting`] if squares of the rows overflow; [`Error::TooLarge`], [`Error::Device`].
pub(super) async fn matched(
    device: &Device,
    atoms: &[f32],
    rows: &[f32],
    d: usize,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<f32>> {
    let moments = second_moments(device, rows, d).await?;
    let inverse = inverse(device, &moments, d, on_progress).await?;
    let mut filters = Vec::with_capacity(atoms.len());
    for block in atoms.chunks(BLOCK * d) {
        let block = Tensor::from_slice(device, block.len() / d, d, block)?;
        let mut out = Tensor::zeros(device, block.rows(), d)?;
        device.gemm(&block, &inverse, &mut out, NN);
        filters.extend(out.read().await?);
    }
    if filters.iter().any(|value| !value.is_finite()) {
        let hint = "Standardise the data, or say --start reference.";
        let allowed = "data whose squares stay below 3e38, the largest float32";
        return Err(Error::setting("start", "matched", allowed, hint));
    }
    for filter in filters.chunks_exact_mut(d) {
        let length = filter.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt();
        let scale = if length > 0.0 { (1.0 / length) as f32 } else { 0.0 };
        filter.iter_mut().for_each(|value| *value *= scale);
    }
    Ok(filters)
}

/// XᵀX / n, [d, d].
async fn second_moments(device: &Device, rows: &[f32], d: usize) -> Result<Vec<f32>> {
    let mut sums = Tensor::zeros(device, d, d)?;
    let scale = ((d as f64) / rows.len() as f64).sqrt() as f32;
    for block in rows.chunks(BLOCK * d) {
        let scaled: Vec<f32> = block.iter().map(|value| value * scale).collect();
        let x = Tensor::from_slice(device, block.len() / d, d, &scaled)?;
        device.gemm(&x, &x, &mut sums, Gemm { transpose_a: true, accumulate: true, ..NN });
    }
    sums.read().await
}

/// (Σ + λI)⁻¹ by Newton's iteration X ← X (2I − A X) from X = I/‖A‖∞, which needs products only.
async fn inverse(
    device: &Device,
    moments: &[f32],
    d: usize,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<Tensor> {
    let trace: f64 = (0..d).map(|i| f64::from(moments[i * d + i])).sum();
    let ridge = (RIDGE * trace / d as f64).max(f64::from(f32::MIN_POSITIVE)) as f32;
    let diagonal = |value: f32| {
        let mut matrix = vec![0.0; d * d];
        (0..d).for_each(|i| matrix[i * d + i] = value);
        matrix
    };
    let mut negated: Vec<f32> = moments.iter().map(|value| -value).collect();
    (0..d).for_each(|i| negated[i * d + i] -= ridge);
    let row_sum = |row: &[f32]| row.iter().map(|value| f64::from(value.abs())).sum::<f64>();
    let norm = negated.chunks_exact(d).map(row_sum).fold(0.0, f64::max);

    let negated = Tensor::from_slice(device, d, d, &negated)?;
    let twice = Tensor::from_slice(device, d, d, &diagonal(2.0))?;
    let mut x = Tensor::from_slice(device, d, d, &diagonal((1.0 / norm) as f32))?;
    let mut residual = Tensor::zeros(device, d, d)?;
    let mut next = Tensor::zeros(device, d, d)?;
    for iteration in 0..ITERATIONS {
        device.gemm(&negated, &x, &mut residual, NN);
        device.add(&mut residual, &twice);
        device.gemm(&x, &residual, &mut next, NN);
        std::mem::swap(&mut x, &mut next);
        device.submit();
        pause::breathe().await;
        on_progress(iteration + 1, ITERATIONS);
    }
    Ok(x)
}

#[cfg(test)]
pub(super) async fn inverse_for_test(device: &Device, moments: &[f32], d: usize) -> Vec<f32> {
    let inverse = inverse(device, moments, d, &mut |_, _| {}).await.unwrap();
    inverse.read().await.unwrap()
}
