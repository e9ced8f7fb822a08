//! Adam's state: two moments for each parameter and the number of steps taken.

use crate::{
    device::{AdamStep, Device, Grad, Tensor},
    error::Result,
    sae::Parameter,
};

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPS: f32 = 1e-8;

/// Adam as PyTorch's: β 0.9 and 0.999, ε 1e-8, bias-corrected.
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

    /// One step of every parameter along its gradient times `scale`, each then projected into its set.
    pub(crate) fn step(
        &mut self,
        device: &Device,
        parameters: Vec<&mut Parameter>,
        grads: &[Grad<'_>],
        scale: &Tensor,
        lr: f64,
    ) {
        self.steps += 1;
        let step = self.coefficients(lr);
        for ((parameter, grad), (first, second)) in
            parameters.into_iter().zip(grads).zip(&mut self.moments)
        {
            let projection = parameter.projection;
            device.adam(&mut parameter.value, first, second, *grad, scale, step, projection);
        }
    }

    fn coefficients(&self, lr: f64) -> AdamStep {
        let t = self.steps as f64;
        AdamStep {
            one_minus_beta1: (1.0 - BETA1) as f32,
            beta2: BETA2 as f32,
            one_minus_beta2: (1.0 - BETA2) as f32,
            eps: EPS,
            step_size: (lr / (1.0 - BETA1.powf(t))) as f32,
            inv_sqrt_bias2: (1.0 / (1.0 - BETA2.powf(t)).sqrt()) as f32,
        }
    }
}
