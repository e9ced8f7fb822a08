//! Clipping by the norm of all gradients together.

use super::counters::Counters;
use crate::{
    device::{Device, Grad, Tensor, log},
    error::{Error, Result},
    sae::{Group, Parameter, Sae, Selection, Thresholds},
};
use serde::{Deserialize, Serialize};
use std::{fmt, ops::Range, str::FromStr};

/// The largest norm that the gradients may have together, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClipGrad(pub Option<f32>);

impl Default for ClipGrad {
    /// 1, as in the reference.
    fn default() -> Self {
        Self(Some(1.0))
    }
}

impl fmt::Display for ClipGrad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(norm) => norm.fmt(f),
            None => f.write_str("none"),
        }
    }
}

impl FromStr for ClipGrad {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self(None));
        }
        match text.parse::<f32>() {
            Ok(norm) if norm.is_finite() && norm > 0.0 => Ok(Self(Some(norm))),
            _ => {
                Err(Error::setting("clip-grad", text, "a number > 0, or none", "1 is the default."))
            }
        }
    }
}

/// Finds the gradients' common norm and the factor min(1, c/(norm + 1e-6)) to scale them by; for thresholds that are
/// trained directly a norm and a factor of their own.
#[derive(Debug)]
pub(crate) struct Clip {
    max_norm: Option<f32>,
    together: Part,
    thresholds: Option<Part>,
}

/// Gradients that are clipped together.
#[derive(Debug)]
struct Part {
    /// ‖gradient‖² of each parameter, [1, parameters].
    sumsq: Tensor,
    /// The factor, [1, 1].
    scale: Tensor,
}

impl Part {
    fn new(device: &Device, parameters: usize) -> Result<Self> {
        let sumsq = Tensor::zeros(device, 1, parameters)?;
        Ok(Self { sumsq, scale: Tensor::zeros(device, 1, 1)? })
    }
}

impl Clip {
    pub fn new(sae: &Sae, clip: ClipGrad) -> Result<Self> {
        let device = sae.device();
        let apart = matches!(
            sae.settings().selection,
            Selection::Jump { thresholds: Thresholds::Direct, .. }
        );
        let parameters = sae.parameters().len();
        Ok(Self {
            max_norm: clip.0,
            together: Part::new(device, parameters - usize::from(apart))?,
            thresholds: apart.then(|| Part::new(device, 1)).transpose()?,
        })
    }

    /// The factor for a group's gradients, [1, 1].
    pub fn scale(&self, group: Group) -> &Tensor {
        match &self.thresholds {
            Some(thresholds) if group == Group::Thresholds => &thresholds.scale,
            _ => &self.together.scale,
        }
    }

    /// Where the squares of the gradients go, a slot for each parameter that is not clipped apart.
    pub fn squares(&mut self) -> &mut Tensor {
        &mut self.together.sumsq
    }

    /// Finds norm and factor; the squares in the slots `known` are there already.
    pub fn record(
        &mut self,
        device: &Device,
        parameters: &[&Parameter],
        grads: &[Grad<'_>],
        known: Range<usize>,
        counters: &mut Counters,
    ) {
        let Self { max_norm, together, thresholds } = self;
        let mut slot = 0;
        for (parameter, grad) in parameters.iter().zip(grads) {
            match thresholds {
                _ if known.contains(&slot) => slot += 1,
                Some(thresholds) if parameter.group == Group::Thresholds => {
                    device.sumsq(*grad, &mut thresholds.sumsq, 0);
                }
                _ => {
                    device.sumsq(*grad, &mut together.sumsq, slot);
                    slot += 1;
                }
            }
        }
        let Part { sumsq, scale } = together;
        device.clip_scale(sumsq, *max_norm, scale, counters.cell(log::GRAD_NORM));
        if let Some(Part { sumsq, scale }) = thresholds {
            device.clip_scale(sumsq, *max_norm, scale, counters.cell(log::THRESHOLD_NORM));
        }
    }

    /// The norm of each parameter's gradient after clipping.
    pub async fn norms(&self, parameters: &[&Parameter]) -> Result<Vec<f64>> {
        let Self { together, thresholds, .. } = self;
        let mut squares = together.sumsq.read().await?.into_iter();
        let mut norms = Vec::new();
        for parameter in parameters {
            let sumsq = match thresholds {
                Some(thresholds) if parameter.group == Group::Thresholds => {
                    thresholds.sumsq.read_scalar().await?
                }
                _ => squares.next().unwrap_or(0.0),
            };
            let scale = self.scale(parameter.group).read_scalar().await?;
            norms.push(f64::from(sumsq).sqrt() * f64::from(scale));
        }
        Ok(norms)
    }
}
