//! Adam's state: two moments for each parameter and the number of steps taken.

use super::{Clip, rates::Rates};
use crate::{
    device::{Device, Grad, Projection, Tensor},
    error::Result,
    sae::Parameter,
};

/// Adam as PyTorch's, bias-corrected; with weight decay as AdamW has it.
#[derive(Debug)]
pub struct Adam {
    /// First and second moment of each parameter, in the order of the model's parameters.
    pub(crate) moments: Vec<(Tensor, Tensor)>,
    /// Steps taken.
    pub(crate) steps: u64,
}

impl Adam {
    /// Moments of zero for these parameters.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold them.
    pub fn new(device: &Device, parameters: &[&Parameter]) -> Result<Self> {
        let zeros = |parameter: &&Parameter| {
            let [rows, cols] = parameter.value.shape();
            Ok((Tensor::zeros(device, rows, cols)?, Tensor::zeros(device, rows, cols)?))
        };
        let moments = parameters.iter().map(zeros).collect::<Result<_>>()?;
        Ok(Self { moments, steps: 0 })
    }

    /// One step of every parameter along its clipped gradient, each then projected into its set.
    pub(crate) fn step(
        &mut self,
        device: &Device,
        parameters: Vec<&mut Parameter>,
        grads: &[Grad<'_>],
        clip: &Clip,
        rates: &Rates,
    ) {
        self.steps += 1;
        for ((parameter, grad), (first, second)) in
            parameters.into_iter().zip(grads).zip(&mut self.moments)
        {
            let Parameter { value, projection, group, .. } = parameter;
            let (scale, step) = (clip.scale(*group), rates.coefficients(self.steps, *group));
            let projection = match rates.factors.of(*group) {
                // What is held still is in its set already, and would move by roundings.
                0.0 => Projection::None,
                _ => *projection,
            };
            // What needs all rows at once comes after the update of the last one.
            let at_once = if projection.is_global() { Projection::None } else { projection };
            device.adam(value, first, second, *grad, scale, step, at_once);
            if projection.is_global() {
                device.project(value, projection);
            }
        }
    }
}
