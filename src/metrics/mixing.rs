//! What the atoms are blended of: mixing weights, relaxation and multiplier.

use crate::parallel::*;
use crate::{
    device::Tensor,
    error::Result,
    sae::{Dictionary, DictionaryKind, Sae},
};
use std::borrow::Cow;

/// Figures of W, R and m.
#[derive(Debug)]
pub(super) struct Mixing {
    pub max_weight_mean: Option<f64>,
    pub weight_entropy_mean: Option<f64>,
    pub relaxation_ratio_mean: Option<f64>,
    pub multiplier: f64,
}

impl Mixing {
    /// Those of `sae`.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device failed.
    pub async fn of(sae: &Sae) -> Result<Self> {
        let multiplier = f64::from(sae.dictionary.multiplier().read_scalar().await?).exp();
        let (Dictionary::Archetypal(archetypal), DictionaryKind::Archetypal { delta, .. }) =
            (&sae.dictionary, sae.settings().dictionary)
        else {
            return Ok(Self {
                max_weight_mean: None,
                weight_entropy_mean: None,
                relaxation_ratio_mean: None,
                multiplier,
            });
        };
        let (max_weight_mean, weight_entropy_mean) = {
            let mixing = &archetypal.mixing.value;
            let weights = values(mixing).await?;
            let rows: Vec<_> =
                weights.par_chunks(mixing.cols()).map(|row| (largest(row), entropy(row))).collect();
            let (largest, entropy) = (rows.iter().map(|row| row.0), rows.iter().map(|row| row.1));
            (Some(mean(largest)), Some(mean(entropy)))
        };
        let relaxation_ratio_mean = if delta > 0.0 {
            let relax = &archetypal.relax.value;
            let values = values(relax).await?;
            Some(mean(values.chunks_exact(relax.cols()).map(norm)) / f64::from(delta))
        } else {
            None
        };
        Ok(Self { max_weight_mean, weight_entropy_mean, relaxation_ratio_mean, multiplier })
    }
}

/// The values of a tensor, copied only where they live elsewhere.
async fn values(tensor: &Tensor) -> Result<Cow<'_, [f32]>> {
    match tensor.as_cpu() {
        Some(values) => Ok(Cow::Borrowed(values)),
        None => Ok(Cow::Owned(tensor.read().await?)),
    }
}

fn largest(weights: &[f32]) -> f64 {
    f64::from(weights.iter().copied().fold(0.0, f32::max))
}

/// −Σ w ln w in nats, with 0 ln 0 = 0.
fn entropy(weights: &[f32]) -> f64 {
    let positive = weights.iter().filter(|&&w| w > 0.0);
    // From 0, not from the −0 that an empty sum starts with.
    positive.map(|&w| f64::from(w)).fold(0.0, |sum, w| sum - w * w.ln())
}

fn norm(row: &[f32]) -> f64 {
    row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt()
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_simple_weights() {
        assert!((entropy(&[0.25, 0.25, 0.0, 0.25, 0.25]) - 4.0_f64.ln()).abs() < 1e-12);
        assert_eq!(entropy(&[0.0, 1.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(entropy(&[0.0, 0.0]).to_bits(), 0.0_f64.to_bits());
        assert_eq!(largest(&[0.0, 0.0]), 0.0);
    }
}
