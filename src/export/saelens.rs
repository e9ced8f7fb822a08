//! The folder that SAELens loads with `SAE.load_from_disk`: `cfg.json` and `sae_weights.safetensors`.

use super::linear::Linear;
use crate::{
    data::{TensorOut, encode_tensors},
    error::Result,
    sae::{Sae, SaeSettings, Selection},
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The first version of SAELens that reads a configuration of this form.
const VERSION: &str = "6.0.0";

/// Which codes SAELens keeps.
#[derive(Clone, Debug, PartialEq)]
pub enum Activation {
    /// Its architecture `topk`: the k largest of a row.
    TopK(usize),
    /// Its architecture `jumprelu`: those above a threshold for each concept.
    JumpRelu(Vec<f32>),
}

/// A model as SAELens (version 6 or later) holds it. It takes raw rows x [B, d] and gives raw rows: the normalisation is
/// part of the matrices. Codes are those of relu(x W_enc + b_enc) that `activation` keeps, reconstructions z W_dec + b_dec.
#[derive(Clone, Debug, PartialEq)]
pub struct SaeLens {
    /// Input dimensions, d.
    pub d_in: usize,
    /// Concepts, K.
    pub d_sae: usize,
    /// W_enc [d, K], row by row.
    pub w_enc: Vec<f32>,
    /// b_enc \[K\].
    pub b_enc: Vec<f32>,
    /// W_dec [K, d], row by row.
    pub w_dec: Vec<f32>,
    /// b_dec \[d\].
    pub b_dec: Vec<f32>,
    /// Which codes are kept.
    pub activation: Activation,
}

/// The model in eval mode, for SAELens. Batch top-k becomes `jumprelu` with one threshold for all concepts.
///
/// Where a dimension's mean is large beside its deviation, subtracting it after the product with W_enc (as the folded
/// bias does) loses the digits that they share; codes then differ from this crate's by as much.
///
/// # Errors
/// [`crate::Error::Setting`] for an encoder that is not one matrix (identity, mlp, one's own); [`crate::Error::Device`],
/// [`crate::Error::TooLarge`].
pub async fn saelens(sae: &Sae) -> Result<SaeLens> {
    let &SaeSettings { input_shape, nb_concepts, .. } = sae.settings();
    let Linear { encoder, encoder_bias, decoder, decoder_bias } = Linear::of(sae).await?;
    Ok(SaeLens {
        d_in: input_shape,
        d_sae: nb_concepts,
        w_enc: encoder,
        b_enc: encoder_bias,
        w_dec: decoder,
        b_dec: decoder_bias,
        activation: activation(sae).await?,
    })
}

async fn activation(sae: &Sae) -> Result<Activation> {
    // SAELens keeps what is above a threshold, this crate what is at one too.
    let below = |threshold: f32| threshold.next_down();
    Ok(match (sae.settings().selection, &sae.running_threshold) {
        (Selection::TopK { k }, _) => Activation::TopK(k),
        (Selection::BatchTopK { .. }, Some(running)) => {
            let threshold = running.value.read().await?[0];
            Activation::JumpRelu(vec![below(threshold); sae.settings().nb_concepts])
        }
        _ => {
            let logarithms = sae.log_thresholds()?.read().await?;
            Activation::JumpRelu(logarithms.into_iter().map(|t| below(t.exp())).collect())
        }
    })
}

impl SaeLens {
    /// What `cfg.json` says.
    pub fn config(&self) -> Value {
        let mut config = json!({
            "d_in": self.d_in,
            "d_sae": self.d_sae,
            "dtype": "float32",
            "device": "cpu",
            "apply_b_dec_to_input": false,
            "normalize_activations": "none",
            "reshape_activations": "none",
            "metadata": {
                "sae_lens_version": VERSION,
                "sae_lens_training_version": null,
                "archetypal_version": env!("CARGO_PKG_VERSION"),
            },
        });
        match &self.activation {
            Activation::TopK(k) => {
                config["architecture"] = "topk".into();
                config["k"] = (*k).into();
                config["rescale_acts_by_decoder_norm"] = false.into();
            }
            Activation::JumpRelu(_) => config["architecture"] = "jumprelu".into(),
        }
        config
    }

    /// The bytes of `sae_weights.safetensors`.
    pub fn weights(&self) -> Vec<u8> {
        let (d, k) = (self.d_in, self.d_sae);
        let mut tensors = vec![
            TensorOut::f32("W_enc", &[d, k], &self.w_enc),
            TensorOut::f32("b_enc", &[k], &self.b_enc),
            TensorOut::f32("W_dec", &[k, d], &self.w_dec),
            TensorOut::f32("b_dec", &[d], &self.b_dec),
        ];
        if let Activation::JumpRelu(thresholds) = &self.activation {
            tensors.push(TensorOut::f32("threshold", &[k], thresholds));
        }
        encode_tensors(&tensors, &BTreeMap::new())
    }

    /// Writes both files into `folder`, which is made if it is not there. None appears before both are complete.
    ///
    /// # Errors
    /// [`crate::Error::Io`] if the system refuses.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn save(&self, folder: impl AsRef<std::path::Path>) -> Result<()> {
        let config = serde_json::to_string_pretty(&self.config()).expect("settings are plain data");
        // SAELens opens the configuration first, so a folder with one has its weights.
        let files = [
            ("sae_weights.safetensors", self.weights()),
            ("cfg.json", (config + "\n").into_bytes()),
        ];
        let files: Vec<_> = files.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
        crate::data::write_together(folder.as_ref(), &files)
    }
}
