//! Learning rates: one for all, and factors for groups of parameters.

use crate::{
    as_text::as_text,
    device::AdamStep,
    error::{Error, Result},
    sae::{DictionaryKind, EncoderKind, Group, SaeSettings, Selection},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Factors on the learning rate, by group; 1 where nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct RateFactors(BTreeMap<Group, f64>);

impl Group {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Encoder,
        Self::Mixing,
        Self::Relaxation,
        Self::Dictionary,
        Self::Multiplier,
        Self::Thresholds,
    ];

    /// Its name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Encoder => "encoder",
            Self::Mixing => "mixing",
            Self::Relaxation => "relaxation",
            Self::Dictionary => "dictionary",
            Self::Multiplier => "multiplier",
            Self::Thresholds => "thresholds",
        }
    }

    /// Whether a model of these settings trains parameters of this group.
    pub fn is_of(self, model: &SaeSettings) -> bool {
        let archetypal = matches!(model.dictionary, DictionaryKind::Archetypal { .. });
        match self {
            Self::Encoder => match model.encoder {
                EncoderKind::Identity => false,
                EncoderKind::Tied => model.encoder_bias,
                _ => true,
            },
            Self::Mixing | Self::Relaxation => archetypal,
            Self::Dictionary => !archetypal,
            Self::Multiplier => model.use_multiplier,
            Self::Thresholds => matches!(model.selection, Selection::Jump { .. }),
        }
    }
}

impl RateFactors {
    /// The factor of a group.
    pub fn of(&self, group: Group) -> f64 {
        self.0.get(&group).copied().unwrap_or(1.0)
    }

    /// Checks that a model of these settings has every group that has a factor.
    ///
    /// # Errors
    /// [`Error::Setting`] with the groups that it has.
    pub fn check_model(&self, model: &SaeSettings) -> Result<()> {
        let Some(group) = self.0.keys().find(|group| !group.is_of(model)) else { return Ok(()) };
        let names = Group::ALL.iter().filter(|group| group.is_of(model)).map(|group| group.name());
        let allowed = format!(
            "one of the groups that {} trains here: {}",
            model.kind().name(),
            names.collect::<Vec<_>>().join(", ")
        );
        Err(Error::setting("lr-factors", group.name(), allowed, "Leave that group out."))
    }

    /// The factors of the groups that a model of these settings has.
    pub fn of_model(&self, model: &SaeSettings) -> Self {
        let has = self.0.iter().filter(|(group, _)| group.is_of(model));
        Self(has.map(|(&group, &factor)| (group, factor)).collect())
    }

    /// The same with another factor, ≥ 0, for a group; 0 holds it where it is.
    pub fn with(mut self, group: Group, factor: f64) -> Self {
        self.0.insert(group, factor);
        self
    }
}

impl fmt::Display for RateFactors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (group, factor)) in self.0.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            write!(f, "{comma}{}={factor}", group.name())?;
        }
        Ok(())
    }
}

impl FromStr for RateFactors {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut factors = Self::default();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let parsed = part.split_once('=').and_then(|(name, factor)| {
                let group = Group::ALL.into_iter().find(|group| group.name() == name)?;
                let factor = factor.parse::<f64>().ok()?;
                (factor.is_finite() && factor >= 0.0).then_some((group, factor))
            });
            let Some((group, factor)) = parsed else {
                let names: Vec<_> = Group::ALL.iter().map(|group| group.name()).collect();
                let allowed =
                    format!("GROUP=FACTOR with a factor ≥ 0, GROUP one of {}", names.join(", "));
                return Err(Error::setting(
                    "lr-factors",
                    part,
                    allowed,
                    "For example mixing=0.1,thresholds=10.",
                ));
            };
            factors.0.insert(group, factor);
        }
        Ok(factors)
    }
}

as_text!(RateFactors);

/// Adam's numbers for one step.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
    pub factors: RateFactors,
}

impl Rates {
    /// For a parameter of `group` at the `steps`-th step, counted from 1.
    pub fn coefficients(&self, steps: u64, group: Group) -> AdamStep {
        let Self { beta1, beta2, eps, weight_decay, .. } = *self;
        let (t, lr) = (steps as f64, self.lr * self.factors.of(group));
        AdamStep {
            one_minus_beta1: (1.0 - beta1) as f32,
            beta2: beta2 as f32,
            one_minus_beta2: (1.0 - beta2) as f32,
            eps: eps as f32,
            step_size: (lr / (1.0 - beta1.powf(t))) as f32,
            inv_sqrt_bias2: (1.0 / (1.0 - beta2.powf(t)).sqrt()) as f32,
            decay: (1.0 - lr * weight_decay) as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{ModelKind, ModelSettings};

    #[test]
    fn factors_round_trip_and_nonsense_is_refused() {
        let factors: RateFactors = "mixing=0.1,thresholds=10".parse().unwrap();
        assert_eq!((factors.of(Group::Mixing), factors.of(Group::Encoder)), (0.1, 1.0));
        assert_eq!(factors.to_string().parse::<RateFactors>().unwrap(), factors);
        let free = ModelSettings {
            model: Some(ModelKind::TopK),
            multiplier: true,
            ..ModelSettings::default()
        };
        let free = free.resolve(8, 0).unwrap();
        let refused = factors.check_model(&free).unwrap_err().to_string();
        assert!(refused.contains("mixing") && refused.contains("encoder, dictionary, multiplier"));
        assert_eq!(factors.with(Group::Encoder, 2.0).of_model(&free).to_string(), "encoder=2");
        for text in ["w=1", "mixing", "mixing=-1", "mixing=x", "mixing=NaN"] {
            assert!(text.parse::<RateFactors>().is_err(), "{text}");
        }
    }
}
