//! Clipping by the norm of all gradients together.

use super::counters::Counters;
use crate::{
    device::{Device, Grad, Tensor},
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

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

/// Finds the gradients' common norm and the factor min(1, c/(norm + 1e-6)) to scale them by.
#[derive(Debug)]
pub(crate) struct Clip {
    max_norm: Option<f32>,
    /// ‖gradient‖² of each parameter, [1, parameters].
    sumsq: Tensor,
    /// The factor, [1, 1].
    pub scale: Tensor,
}

impl Clip {
    pub fn new(device: &Device, clip: ClipGrad, parameters: usize) -> Result<Self> {
        let sumsq = Tensor::zeros(device, 1, parameters)?;
        Ok(Self { max_norm: clip.0, sumsq, scale: Tensor::zeros(device, 1, 1)? })
    }

    pub fn record(&mut self, device: &Device, grads: &[Grad<'_>], counters: &mut Counters) {
        for (slot, grad) in grads.iter().enumerate() {
            device.sumsq(*grad, &mut self.sumsq, slot);
        }
        let Counters { log, log_row, .. } = counters;
        device.clip_scale(&self.sumsq, self.max_norm, &mut self.scale, log, *log_row);
    }
}
