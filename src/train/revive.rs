//! How concepts that have stopped firing are brought back.

use super::{counters::Counters, rates::Rates};
use crate::{
    as_text::as_text,
    device::Device,
    error::{Error, Result},
    sae::{EncoderKind, Group, Sae, SaeSettings},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whether, and how, the encoder's bias is raised for concepts that have not fired for long. As text `RATE[:ROWS]`, or
/// none.
///
/// A concept that never fires has no gradient through the codes, and none can bring it back. Its bias rises instead, by
/// the same amount at every step, until some row chooses it; from then on its gradient decides. Nothing is asked of the
/// loss, so that codes stay sparse and pre-codes unwritten. (Biases that follow how often something is chosen are known
/// from mixtures of experts: Wang et al. 2024, arXiv 2408.15664.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Revive(pub Option<Push>);

/// How far a bias rises, and from when on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Push {
    /// What a step adds to the bias, as a share of the encoder's learning rate; > 0.
    pub rate: f64,
    /// Rows without firing after which it begins, 1 or more.
    pub after: u32,
}

impl Push {
    /// Rows unless their number is given.
    pub const AFTER: u32 = 5000;
}

impl Revive {
    /// Checks that a model of these settings has a bias to raise.
    ///
    /// # Errors
    /// [`Error::Setting`] if it has none.
    pub(crate) fn check_model(self, model: &SaeSettings) -> Result<()> {
        match self.0.is_none() || Self::suits(model.encoder, model.encoder_bias) {
            true => Ok(()),
            false => Err(Self::no_bias(model)),
        }
    }

    /// Whether such an encoder has a bias. One of one's own is asked by the trainer.
    pub(crate) fn suits(encoder: EncoderKind, with_bias: bool) -> bool {
        match encoder {
            EncoderKind::Identity => false,
            EncoderKind::Tied | EncoderKind::Untied => with_bias,
            _ => true,
        }
    }

    /// The same of the model itself.
    pub(crate) fn check(self, sae: &mut Sae) -> Result<()> {
        match self.0.is_none() || sae.encoder.bias_mut().is_some() {
            true => Ok(()),
            false => Err(Self::no_bias(sae.settings())),
        }
    }

    fn no_bias(model: &SaeSettings) -> Error {
        let given = format!("given for the encoder {}, which has no bias", model.encoder.name());
        let allowed = "none where the encoder has no bias";
        Error::setting("revive", given, allowed, "Drop it, or give the encoder a bias.")
    }

    /// Raises the biases, after a step at these rates.
    pub(crate) fn record(self, device: &Device, sae: &mut Sae, counters: &Counters, rates: &Rates) {
        let Some(Push { rate, after }) = self.0 else { return };
        let amount = (rate * rates.lr * rates.factors.of(Group::Encoder)) as f32;
        if let Some(bias) = sae.encoder.bias_mut() {
            device.revive(&mut bias.value, &counters.idle, after, amount);
        }
    }
}

impl fmt::Display for Revive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Push { rate, after }) => write!(f, "{rate}:{after}"),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for Revive {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self(None));
        }
        let (rate, after) = match text.split_once(':') {
            Some((rate, after)) => (rate.parse(), after.parse()),
            None => (text.parse(), Ok(Push::AFTER)),
        };
        match (rate, after) {
            (Ok(rate), Ok(after)) if f64::is_finite(rate) && rate > 0.0 && after > 0 => {
                Ok(Self(Some(Push { rate, after })))
            }
            _ => {
                let allowed =
                    "RATE[:ROWS] with a number > 0 and a whole number of 1 or more, or none";
                Err(Error::setting("revive", text, allowed, "For example 1:5000."))
            }
        }
    }
}

as_text!(Revive);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_round_trip_and_nonsense_is_refused() {
        let push = |rate, after| Revive(Some(Push { rate, after }));
        for (text, revive) in
            [("none", Revive(None)), ("0.5", push(0.5, Push::AFTER)), ("3:100", push(3.0, 100))]
        {
            let parsed: Revive = text.parse().unwrap();
            assert_eq!(parsed, revive);
            assert_eq!(parsed.to_string().parse::<Revive>().unwrap(), revive);
        }
        for text in ["", "0", "-1", "NaN", "inf:3", "1:0", "1:", "1:2:3", "x"] {
            let refused = text.parse::<Revive>().unwrap_err().to_string();
            assert!(refused.contains("revive"), "{refused}");
        }
    }

    #[test]
    fn a_model_without_a_bias_has_nothing_to_raise() {
        let revive: Revive = "1".parse().unwrap();
        let settings = |encoder, encoder_bias| {
            let model = crate::sae::ModelSettings::default().resolve(8, 8).unwrap();
            SaeSettings { encoder, encoder_bias, ..model }
        };
        assert!(revive.check_model(&settings(EncoderKind::Linear, false)).is_ok());
        assert!(revive.check_model(&settings(EncoderKind::Tied, true)).is_ok());
        let tied = settings(EncoderKind::Tied, false);
        let refused = revive.check_model(&tied).unwrap_err().to_string();
        assert!(refused.contains("tied"), "{refused}");
        assert!(Revive::default().check_model(&tied).is_ok());
    }
}
