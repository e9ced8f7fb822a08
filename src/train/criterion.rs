//! Losses.

use crate::device::{Device, Tensor};

/// What a loss sees of a forward pass, and what it has to leave behind.
#[derive(Debug)]
pub struct Reconstruction<'a> {
    /// Normalised batch X [B, d].
    pub x: &'a Tensor,
    /// Z (W C + R) [B, d] on entry, x̂ = eᵐ Z (W C + R) afterwards.
    pub x_hat: &'a mut Tensor,
    /// m [1, 1].
    pub multiplier: &'a Tensor,
    /// eᵐ · ∂loss/∂x̂ [B, d], to be written.
    pub h: &'a mut Tensor,
    /// ∂loss/∂m [1, 1], to be written.
    pub grad_multiplier: &'a mut Tensor,
    /// The step log; see [`crate::device::log`].
    pub log: &'a mut Tensor,
    /// The row to write to.
    pub log_row: usize,
}

/// A loss: records its value and its gradient on the device.
pub trait Criterion: std::fmt::Debug + Send + Sync {
    /// Its name on the command line and in the log.
    fn name(&self) -> &'static str;

    /// Writes the gradient and the sums that the loss is made of.
    fn differentiate(&self, device: &Device, reconstruction: Reconstruction<'_>);

    /// The loss from a row of the step log, for a batch [rows, width].
    fn loss(&self, log: &[f32], rows: usize, width: usize) -> f32;
}

/// MSE = mean over every element of (x − x̂)².
#[derive(Clone, Copy, Debug, Default)]
pub struct Mse;

impl Criterion for Mse {
    fn name(&self) -> &'static str {
        "mse"
    }

    fn differentiate(&self, device: &Device, r: Reconstruction<'_>) {
        let multiplier = Some(r.multiplier);
        device.mse(r.x, r.x_hat, multiplier, r.h, r.grad_multiplier, r.log, r.log_row);
    }

    fn loss(&self, log: &[f32], rows: usize, width: usize) -> f32 {
        (f64::from(log[crate::device::log::SSE]) / (rows * width) as f64) as f32
    }
}
