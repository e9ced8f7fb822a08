//! What a model is: its kind, its sizes and the arguments of the reference.

use super::Kernel;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which codes a model keeps, and with them its reference class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum ModelKind {
    /// Archetypal dictionary, the k largest codes of each row (`RATopKSAE`).
    #[cfg_attr(feature = "cli", value(name = "ra-topk"))]
    #[serde(rename = "ra-topk")]
    #[default]
    RaTopK,
    /// Archetypal dictionary, codes above a learned threshold (`RAJumpSAE`).
    RaJump,
}

/// How inputs become pre-codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum EncoderKind {
    /// X Eᵀ + b.
    #[default]
    Linear,
}

/// Which of a batch's pre-codes become codes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Selection {
    /// The `k` largest positive pre-codes of each row.
    TopK {
        /// Codes a row.
        k: usize,
    },
    /// Pre-codes at or above the concept's threshold eᵗ.
    Jump {
        /// Stand-in for the derivative of the step.
        kernel: Kernel,
        /// Width of that kernel, > 0.
        bandwidth: f32,
    },
}

impl Selection {
    /// `top_k` of the reference: max(K // 10, 1).
    pub fn default_top_k(nb_concepts: usize) -> usize {
        (nb_concepts / 10).max(1)
    }
}

/// Sizes and hyperparameters of an archetypal SAE; kept in its checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaeSettings {
    /// Input dimensions, d.
    pub input_shape: usize,
    /// Concepts (atoms), K.
    pub nb_concepts: usize,
    /// Points that atoms are blends of, N.
    pub nb_points: usize,
    /// Which codes are kept.
    pub selection: Selection,
    /// Radius δ ≥ 0 within which an atom may leave the convex hull of the points.
    pub delta: f32,
    /// Whether the dictionary has a trainable scale eᵐ.
    pub use_multiplier: bool,
    /// How inputs become pre-codes.
    pub encoder: EncoderKind,
}

impl SaeSettings {
    /// Which reference class this is.
    pub fn kind(&self) -> ModelKind {
        match self.selection {
            Selection::TopK { .. } => ModelKind::RaTopK,
            Selection::Jump { .. } => ModelKind::RaJump,
        }
    }

    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = [
            ("input_shape", self.input_shape),
            ("nb_concepts", self.nb_concepts),
            ("points", self.nb_points),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(setting, 0, "at least 1", ""));
            }
        }
        if !(self.delta.is_finite() && self.delta >= 0.0) {
            let hint = "0 keeps every atom in the convex hull of the points; 1 is the default.";
            return Err(Error::setting("delta", self.delta, "a number ≥ 0", hint));
        }
        match self.selection {
            Selection::TopK { k } if k == 0 || k > self.nb_concepts => Err(Error::setting(
                "top_k",
                k,
                format!("between 1 and the number of concepts, {}", self.nb_concepts),
                "Lower --top-k or raise --concepts.",
            )),
            Selection::Jump { bandwidth, .. } if !(bandwidth.is_finite() && bandwidth > 0.0) => {
                let hint = "0.001 is the reference's default.";
                Err(Error::setting("bandwidth", bandwidth, "a number > 0", hint))
            }
            _ => Ok(()),
        }
    }
}
