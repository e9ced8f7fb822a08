//! The learning rate over the steps.

use crate::{
    as_text::as_text,
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};
use std::{f64::consts::PI, fmt, str::FromStr};

/// How the learning rate changes with the step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Schedule {
    /// The same throughout.
    #[default]
    Constant,
    /// Linear from 0 to the base over `warmup` steps, then half a cosine down to `final_share` of the base. As in the
    /// reference, step 0 runs at the base itself.
    Cosine {
        /// Steps of warm-up.
        warmup: u64,
        /// Last value as a share of the base, 0 to 1.
        final_share: f64,
    },
    /// The same warm-up, then a straight line down to `final_share` of the base.
    Linear {
        /// Steps of warm-up.
        warmup: u64,
        /// Last value as a share of the base, 0 to 1.
        final_share: f64,
    },
}

/// Last value of a cosine schedule as a share of the base, unless said otherwise.
const FINAL_SHARE: f64 = 0.1;

impl Schedule {
    /// The learning rate of `step` (from 0) out of `total`, for a base of `base`.
    pub fn at(&self, step: u64, total: u64, base: f64) -> f64 {
        let (warmup, final_share) = match *self {
            Self::Constant => return base,
            Self::Cosine { warmup, final_share } | Self::Linear { warmup, final_share } => {
                (warmup, final_share)
            }
        };
        let last = base * final_share;
        if step == 0 {
            base
        } else if step >= total {
            last
        } else if step < warmup {
            // numpy.linspace(0, base, warmup): both ends included.
            base * step as f64 / (warmup - 1).max(1) as f64
        } else {
            let (i, n) = ((step - warmup) as f64, (total - warmup) as f64);
            let left = match self {
                Self::Linear { .. } => 1.0 - i / n,
                _ => 0.5 * (1.0 + (PI * i / n).cos()),
            };
            last + (base - last) * left
        }
    }

    /// Checks the warm-up against the length of the run.
    ///
    /// # Errors
    /// [`Error::Setting`] if the warm-up does not fit.
    pub fn check(&self, total: u64) -> Result<()> {
        match *self {
            Self::Cosine { warmup, .. } | Self::Linear { warmup, .. } if warmup >= total => {
                Err(Error::setting(
                    "schedule",
                    self,
                    format!("a warm-up shorter than the run, which has {total} steps"),
                    "Shorten the warm-up or raise --epochs.",
                ))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Constant => f.write_str("constant"),
            Self::Cosine { warmup, final_share } => write!(f, "cosine:{warmup}:{final_share}"),
            Self::Linear { warmup, final_share } => write!(f, "linear:{warmup}:{final_share}"),
        }
    }
}

impl FromStr for Schedule {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::setting(
                "schedule",
                text,
                "constant, or cosine or linear with [:WARMUP[:FINAL]], WARMUP in steps and FINAL a share of --lr from 0 to 1",
                "For example cosine:100 or cosine:100:0.05.",
            )
        };
        let mut parts = text.split(':');
        let name = parts.next();
        let warmup = parts.next().map_or(Ok(0), str::parse).map_err(|_| wrong())?;
        let usual = if name == Some("linear") { 0.0 } else { FINAL_SHARE };
        let final_share: f64 = parts.next().map_or(Ok(usual), str::parse).map_err(|_| wrong())?;
        match (name, parts.next()) {
            (Some("constant"), None) if text == "constant" => Ok(Self::Constant),
            (Some("cosine"), None) if (0.0..=1.0).contains(&final_share) => {
                Ok(Self::Cosine { warmup, final_share })
            }
            (Some("linear"), None) if (0.0..=1.0).contains(&final_share) => {
                Ok(Self::Linear { warmup, final_share })
            }
            _ => Err(wrong()),
        }
    }
}

as_text!(Schedule);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_follows_the_reference() {
        let schedule = Schedule::Cosine { warmup: 4, final_share: 0.1 };
        let lr = |step| schedule.at(step, 12, 3.0);
        assert_eq!(lr(0), 3.0);
        assert_eq!(lr(1), 1.0);
        assert_eq!(lr(3), 3.0);
        assert_eq!(lr(4), 3.0);
        assert!((lr(8) - 1.65).abs() < 1e-12);
        assert!((lr(12) - 0.3).abs() < 1e-12);
    }

    #[test]
    fn linear_decays_in_a_straight_line() {
        let schedule: Schedule = "linear:4".parse().unwrap();
        let lr = |step| schedule.at(step, 12, 3.0);
        assert_eq!((lr(1), lr(4), lr(12)), (1.0, 3.0, 0.0));
        assert!((lr(8) - 1.5).abs() < 1e-12);
    }

    #[test]
    fn text_round_trips_and_nonsense_is_refused() {
        for text in ["constant", "cosine:0:0.1", "cosine:25:0", "linear:3:0.5"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
        for text in
            ["", "line", "linear:1:2", "cosine:x", "cosine:1:2", "cosine:1:0.1:4", "constant:3"]
        {
            assert!(text.parse::<Schedule>().is_err(), "{text}");
        }
    }
}
