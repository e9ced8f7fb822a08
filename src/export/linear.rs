//! A model as one affine map to its pre-codes and one from its codes, in the space of raw rows.

use crate::{
    error::{Error, Result},
    sae::{
        EncoderKind, Sae,
        encoder::{BIAS, UNTIED_BIAS, UNTIED_WEIGHT, WEIGHT},
    },
};

/// Pre-codes x A + a and reconstructions z B + b of raw rows x, with the normalisation folded in.
pub(super) struct Linear {
    /// A, [d, K] row by row.
    pub encoder: Vec<f32>,
    /// a, \[K\].
    pub encoder_bias: Vec<f32>,
    /// B, [K, d] row by row.
    pub decoder: Vec<f32>,
    /// b, \[d\].
    pub decoder_bias: Vec<f32>,
}

impl Linear {
    /// With E [K, d] and c the encoder's matrix and bias, D the dictionary, μ the normalisation's shift and 1/σ its
    /// scale: A = (E / σ)ᵀ, a = c − E (μ / σ), B = D σ, b = μ. Made in f64.
    pub async fn of(sae: &Sae) -> Result<Self> {
        let (k, d) = (sae.settings().nb_concepts, sae.settings().input_shape);
        let mut decoder = sae.dictionary().await?;
        let (weights, bias) = weights(sae).await?;
        let weights = weights.as_deref().unwrap_or(&decoder);
        let mut encoder_bias = bias.unwrap_or_else(|| vec![0.0; k]);
        let (shift, scale) = (sae.normalizer().shift(), sae.normalizer().scale());

        let mut encoder = vec![0.0; d * k];
        for (j, row) in weights.chunks_exact(d).enumerate() {
            let mut at_shift = 0.0;
            for (i, &weight) in row.iter().enumerate() {
                let scaled = f64::from(weight) * f64::from(scale[i]);
                encoder[i * k + j] = scaled as f32;
                at_shift += scaled * f64::from(shift[i]);
            }
            encoder_bias[j] = (f64::from(encoder_bias[j]) - at_shift) as f32;
        }
        for row in decoder.chunks_exact_mut(d) {
            for (value, &scale) in row.iter_mut().zip(scale) {
                *value = (f64::from(*value) / f64::from(scale)) as f32;
            }
        }
        let folded = Self { encoder, encoder_bias, decoder, decoder_bias: shift.to_vec() };
        folded.check()?;
        Ok(folded)
    }
}

impl Linear {
    /// Refuses what f32 cannot hold.
    fn check(&self) -> Result<()> {
        let mut values = self.encoder.iter().chain(&self.encoder_bias).chain(&self.decoder);
        if values.all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(Error::setting(
            "normalize",
            "too large to be folded into the matrices",
            "such that the deviation of every dimension can be divided by in f32",
            "Train with --normalize center or none, or scale the data.",
        ))
    }
}

/// The encoder's matrix, unless it is the dictionary itself, and its bias, if it has one.
async fn weights(sae: &Sae) -> Result<(Option<Vec<f32>>, Option<Vec<f32>>)> {
    let (weight, bias) = match sae.settings().encoder {
        EncoderKind::Linear => (WEIGHT, BIAS),
        EncoderKind::Tied | EncoderKind::Untied => (UNTIED_WEIGHT, UNTIED_BIAS),
        other => {
            return Err(Error::setting(
                "encoder",
                other.name(),
                "linear, tied or untied to be exported",
                "The other program holds an encoder as one matrix and one bias, followed by a relu.",
            ));
        }
    };
    let (mut weights, mut biases) = (None, None);
    for parameter in sae.parameters() {
        if parameter.name == weight {
            weights = Some(parameter.value.read().await?);
        } else if parameter.name == bias {
            biases = Some(parameter.value.read().await?);
        }
    }
    Ok((weights, biases))
}
