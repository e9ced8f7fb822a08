//! A push for codes that did not fire.

use crate::train::{Forward, Needs, Term};

/// −λ · Σ(pre∘dead)/(Σ dead + 1e-6), with dead = 1 for concepts that did not fire in the batch.
#[derive(Debug)]
pub struct Reanimation {
    weight: f32,
}

impl Reanimation {
    /// With λ = `weight`; the reference's default is 0.1.
    pub fn new(weight: f32) -> Self {
        Self { weight }
    }
}

impl Term for Reanimation {
    fn name(&self) -> String {
        "reanimation".into()
    }

    fn needs(&self) -> Needs {
        Needs { pre_codes: true, dense_codes: true, ..Needs::default() }
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let (Some(z), Some(grad_pre)) = (forward.dense_codes, forward.grad_pre_codes) else {
            unreachable!("codes and the gradient of the pre-codes were asked for")
        };
        forward.device.reanimate(forward.pre_codes, z, self.weight, grad_pre, forward.cell);
    }
}
