//! What a model is: its kind, its sizes and the arguments of the reference.

use super::{Kernel, Normalization};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which dictionary a model has and which codes it keeps: its reference class.
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
    /// Archetypal dictionary, the k·B largest codes of each batch.
    #[cfg_attr(feature = "cli", value(name = "ra-batch-topk"))]
    #[serde(rename = "ra-batch-topk")]
    RaBatchTopK,
    /// Free dictionary, the k largest codes of each row (`TopKSAE`).
    #[cfg_attr(feature = "cli", value(name = "topk"))]
    #[serde(rename = "topk")]
    TopK,
    /// Free dictionary, codes above a learned threshold (`JumpSAE`).
    Jump,
    /// Free dictionary, the k·B largest codes of each batch (`BatchTopKSAE`).
    #[cfg_attr(feature = "cli", value(name = "batch-topk"))]
    #[serde(rename = "batch-topk")]
    BatchTopK,
}

impl ModelKind {
    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::RaTopK => "ra-topk",
            Self::RaJump => "ra-jump",
            Self::RaBatchTopK => "ra-batch-topk",
            Self::TopK => "topk",
            Self::Jump => "jump",
            Self::BatchTopK => "batch-topk",
        }
    }

    /// Whether its dictionary is archetypal.
    pub fn is_archetypal(self) -> bool {
        matches!(self, Self::RaTopK | Self::RaJump | Self::RaBatchTopK)
    }
}

/// How inputs become pre-codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum EncoderKind {
    /// X Eᵀ + b.
    #[default]
    Linear,
    /// X itself: as many concepts as dimensions, and codes that may be negative.
    Identity,
    /// Linear to K, then a norm over the concepts of each row.
    #[cfg_attr(feature = "cli", value(name = "mlp_ln_1"))]
    #[serde(rename = "mlp_ln_1")]
    MlpLn1,
    /// Two hidden blocks of linear, norm over each row, relu; then as mlp_ln_1.
    #[cfg_attr(feature = "cli", value(name = "mlp_ln_3"))]
    #[serde(rename = "mlp_ln_3")]
    MlpLn3,
    /// Linear to K, then a norm over the rows of each batch.
    #[cfg_attr(feature = "cli", value(name = "mlp_bn_1"))]
    #[serde(rename = "mlp_bn_1")]
    MlpBn1,
    /// Two hidden blocks of linear, norm over each batch, relu; then as mlp_bn_1.
    #[cfg_attr(feature = "cli", value(name = "mlp_bn_3"))]
    #[serde(rename = "mlp_bn_3")]
    MlpBn3,
    /// X Dᵀ, with the dictionary itself.
    Tied,
    /// X Eᵀ, with E a copy of the dictionary at the start.
    Untied,
    /// An encoder of the user's own, which a file cannot bring along.
    #[cfg_attr(feature = "cli", value(skip))]
    Custom,
}

impl EncoderKind {
    /// All that a name stands for.
    pub const NAMED: [Self; 8] = [
        Self::Linear,
        Self::Identity,
        Self::MlpLn1,
        Self::MlpLn3,
        Self::MlpBn1,
        Self::MlpBn3,
        Self::Tied,
        Self::Untied,
    ];

    /// Its name on the command line, in files and in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Identity => "identity",
            Self::MlpLn1 => "mlp_ln_1",
            Self::MlpLn3 => "mlp_ln_3",
            Self::MlpBn1 => "mlp_bn_1",
            Self::MlpBn3 => "mlp_bn_3",
            Self::Tied => "tied",
            Self::Untied => "untied",
            Self::Custom => "custom",
        }
    }

    /// The encoder of that name.
    ///
    /// # Errors
    /// [`Error::Setting`] with the names that exist.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::NAMED.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::NAMED.iter().map(|kind| kind.name()).collect();
            Error::setting("encoder", name, format!("one of {}", names.join(", ")), "")
        })
    }
}

/// How jump's thresholds are parametrised, and with it how they learn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Thresholds {
    /// θ = eᵗ with t trained, ∂θ = Σ −(θ/bandwidth)·κ·g with κ's own 1/bandwidth besides, clipped with all other
    /// gradients: as in the reference.
    #[default]
    Reference,
    /// θ itself is trained, ∂θ = Σ −θ·κ·g (the JumpReLU of Rajamanoharan et al. 2024, eq. 11), clipped apart from all
    /// other gradients.
    Direct,
}

impl Thresholds {
    /// The kernel and its bandwidth unless they are given: the reference's, or the rectangle of the JumpReLU, wide
    /// enough for standardised data, whose thresholds come to lie between 0.3 and 1.
    pub fn window(self) -> (Kernel, f32) {
        match self {
            Self::Reference => (Kernel::Silverman, 1e-3),
            Self::Direct => (Kernel::Rectangle, 0.5),
        }
    }
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
    /// Pre-codes at or above the concept's threshold θ.
    Jump {
        /// Stand-in for the derivative of the step.
        kernel: Kernel,
        /// Width of that kernel, > 0.
        bandwidth: f32,
        /// How the thresholds are parametrised.
        #[serde(default)]
        thresholds: Thresholds,
    },
    /// In training the `k`·B largest positive pre-codes of the whole batch; afterwards those at or above a threshold,
    /// the running mean of the smallest that was kept.
    BatchTopK {
        /// Codes a row, on average.
        k: usize,
        /// Weight of the old value in the running threshold, 0 to 1.
        momentum: f32,
    },
}

/// The reference's momentum of batch top-k's threshold.
pub(crate) const MOMENTUM: f32 = 0.9;

/// What atoms are made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum DictionaryKind {
    /// D = (W C + R)·eᵐ: blends of points.
    Archetypal {
        /// Points that atoms are blends of, N.
        nb_points: usize,
        /// Radius δ ≥ 0 within which an atom may leave the convex hull of the points.
        delta: f32,
    },
    /// D = V·eᵐ: anything that its normalisation allows.
    Free {
        /// What V is held to.
        normalization: Normalization,
    },
}

impl Selection {
    /// `top_k` of the reference: max(K // 10, 1).
    pub fn default_top_k(nb_concepts: usize) -> usize {
        (nb_concepts / 10).max(1)
    }
}

/// Sizes and hyperparameters of an SAE; kept in its checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SaeSettings {
    /// Input dimensions, d.
    pub input_shape: usize,
    /// Concepts (atoms), K.
    pub nb_concepts: usize,
    /// Which codes are kept.
    pub selection: Selection,
    /// What atoms are made of.
    pub dictionary: DictionaryKind,
    /// Whether the dictionary has a trainable scale eᵐ.
    pub use_multiplier: bool,
    /// How inputs become pre-codes.
    pub encoder: EncoderKind,
    /// Whether a tied or untied encoder has a bias; the others have what they have.
    #[serde(default)]
    pub encoder_bias: bool,
}

impl SaeSettings {
    /// Which reference class this is.
    pub fn kind(&self) -> ModelKind {
        let archetypal = self.nb_points().is_some();
        match (self.selection, archetypal) {
            (Selection::TopK { .. }, true) => ModelKind::RaTopK,
            (Selection::TopK { .. }, false) => ModelKind::TopK,
            (Selection::Jump { .. }, true) => ModelKind::RaJump,
            (Selection::Jump { .. }, false) => ModelKind::Jump,
            (Selection::BatchTopK { .. }, true) => ModelKind::RaBatchTopK,
            (Selection::BatchTopK { .. }, false) => ModelKind::BatchTopK,
        }
    }

    /// Points that atoms are blends of, N; none for a free dictionary.
    pub fn nb_points(&self) -> Option<usize> {
        match self.dictionary {
            DictionaryKind::Archetypal { nb_points, .. } => Some(nb_points),
            DictionaryKind::Free { .. } => None,
        }
    }

    /// Checks every setting against its range, and whether the parts go together.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = [
            ("input_shape", self.input_shape),
            ("nb_concepts", self.nb_concepts),
            ("points", self.nb_points().unwrap_or(1)),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(setting, 0, "at least 1", ""));
            }
        }
        self.validate_selection()?;
        self.validate_encoder()?;
        match self.dictionary {
            DictionaryKind::Archetypal { delta, .. } if !(delta.is_finite() && delta >= 0.0) => {
                let hint =
                    "0 keeps every atom in the convex hull of the points; 1 is the reference's.";
                Err(Error::setting("delta", delta, "a number ≥ 0", hint))
            }
            _ => Ok(()),
        }
    }

    fn validate_selection(&self) -> Result<()> {
        match self.selection {
            Selection::TopK { k } | Selection::BatchTopK { k, .. }
                if k == 0 || k > self.nb_concepts =>
            {
                Err(Error::setting(
                    "top_k",
                    k,
                    format!("between 1 and the number of concepts, {}", self.nb_concepts),
                    "Lower --top-k or raise --concepts.",
                ))
            }
            Selection::BatchTopK { momentum, .. } if !(0.0..=1.0).contains(&momentum) => {
                let hint = "0.9 is the reference's default.";
                Err(Error::setting("momentum", momentum, "a number from 0 to 1", hint))
            }
            Selection::Jump { bandwidth, .. } if !(bandwidth.is_finite() && bandwidth > 0.0) => {
                let hint = "0.001 is the reference's default.";
                Err(Error::setting("bandwidth", bandwidth, "a number > 0", hint))
            }
            _ => Ok(()),
        }
    }

    fn validate_encoder(&self) -> Result<()> {
        match self.encoder {
            EncoderKind::Identity if self.nb_concepts != self.input_shape => Err(Error::setting(
                "encoder",
                "identity",
                format!("as many concepts as dimensions, {}", self.input_shape),
                format!("Say --concepts {}, or take another encoder.", self.input_shape),
            )),
            EncoderKind::Tied | EncoderKind::Untied => Ok(()),
            other if self.encoder_bias => Err(Error::setting(
                "encoder_bias",
                other.name(),
                "a tied or untied encoder",
                "The others have the reference's biases; leave it out.",
            )),
            _ => Ok(()),
        }
    }
}
