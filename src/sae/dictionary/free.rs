//! The free dictionary D = V·eᵐ of plain SAEs: the baseline that archetypal ones are held against.

use super::names::MULTIPLIER;
use crate::{
    device::{Device, Projection, Tensor},
    error::{Error, Result},
    sae::{Group, Parameter, SaeSettings, StateDict},
};
use serde::{Deserialize, Serialize};

/// State-dict name of V.
pub(crate) const WEIGHTS: &str = "dictionary._weights";

/// What the rows of V are held to after every update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// Each row over its Euclidean norm.
    #[default]
    L2,
    /// All rows over the largest Euclidean norm.
    #[cfg_attr(feature = "cli", value(name = "max_l2"))]
    MaxL2,
    /// Each row over the sum of its magnitudes.
    L1,
    /// All rows over the largest such sum.
    #[cfg_attr(feature = "cli", value(name = "max_l1"))]
    MaxL1,
    /// Nothing.
    Identity,
}

impl Normalization {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::L2, Self::MaxL2, Self::L1, Self::MaxL1, Self::Identity];

    /// Its name on the command line, in the settings and in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::L2 => "l2",
            Self::MaxL2 => "max_l2",
            Self::L1 => "l1",
            Self::MaxL1 => "max_l1",
            Self::Identity => "identity",
        }
    }

    /// The normalisation of that name.
    ///
    /// # Errors
    /// [`Error::Setting`] with the names that exist.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|normalization| normalization.name() == name).ok_or_else(|| {
            let names: Vec<_> =
                Self::ALL.iter().map(|normalization| normalization.name()).collect();
            Error::setting("normalization", name, format!("one of {}", names.join(", ")), "")
        })
    }

    fn projection(self) -> Projection {
        match self {
            Self::L2 => Projection::UnitL2,
            Self::MaxL2 => Projection::MaxL2,
            Self::L1 => Projection::UnitL1,
            Self::MaxL1 => Projection::MaxL1,
            Self::Identity => Projection::None,
        }
    }
}

/// V and m.
#[derive(Debug)]
pub struct Free {
    /// V [K, d], its rows held to a [`Normalization`].
    pub weights: Parameter,
    /// Log-multiplier m [1, 1]; fixed at its value where `use_multiplier` is false.
    pub multiplier: Parameter,
    /// Whether m is trained.
    pub use_multiplier: bool,
}

impl Free {
    pub(super) fn from_state(
        device: &Device,
        settings: &SaeSettings,
        normalization: Normalization,
        state: &StateDict,
    ) -> Result<Self> {
        let shape = [settings.nb_concepts, settings.input_shape];
        let weights: Tensor = state.upload(device, WEIGHTS, &shape)?;
        let multiplier = state.upload(device, MULTIPLIER, &[])?;
        Ok(Self {
            weights: Parameter::matrix(WEIGHTS, weights, Group::Dictionary)
                .held(normalization.projection()),
            multiplier: Parameter::scalar(MULTIPLIER, multiplier, Group::Multiplier),
            use_multiplier: settings.use_multiplier,
        })
    }
}
