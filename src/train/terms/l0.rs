//! A target for the number of active codes.

use crate::{
    sae::Selection,
    train::{Forward, Needs, Term},
};

/// λ · (L0/target − 1)², with L0 the mean number of active codes a row; through the thresholds of jump, for which the
/// derivative of the step is −κ(a − θ) (the penalty of Rajamanoharan et al. 2024, arXiv 2407.14435, with a target).
#[derive(Debug)]
pub struct TargetL0 {
    weight: f32,
    target: f32,
}

impl TargetL0 {
    /// With λ = `weight` and a target > 0.
    pub fn new(weight: f32, target: f32) -> Self {
        Self { weight, target }
    }
}

impl Term for TargetL0 {
    fn name(&self) -> String {
        "l0".into()
    }

    fn needs(&self) -> Needs {
        Needs { thresholds: true, ..Needs::default() }
    }

    fn target_l0(&self) -> Option<f32> {
        Some(self.target)
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let Forward { device, settings, pre_codes, log_thresholds, grad_thresholds, cell, .. } =
            forward;
        let (Selection::Jump { kernel, bandwidth, .. }, Some(t), Some(grad)) =
            (settings.selection, log_thresholds, grad_thresholds)
        else {
            unreachable!("thresholds were asked for")
        };
        let (weight, target) = (self.weight, self.target);
        device.l0_penalty(pre_codes, t, kernel, bandwidth, weight, target, grad, cell);
    }
}
