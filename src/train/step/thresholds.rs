//! The thresholds of jump in a step: what they are, their gradient, and how they follow the batches at first.

use crate::{
    device::{Device, Gemm, Tensor},
    sae::{Sae, Selection, Thresholds},
    train::workspace::{ThresholdRoom, Workspace},
};

/// t = ln θ for the selection from `pre`, and nothing yet in the gradients of the terms.
///
/// Where thresholds follow, θ is the (target · B)-th largest pre-code of the batch for all concepts alike, which is
/// left in `threshold` [1, 1].
pub(super) fn prepare(
    sae: &Sae,
    device: &Device,
    pre: &Tensor,
    threshold: &mut Tensor,
    room: &mut Option<ThresholdRoom>,
) {
    let (Some(room), Some(parameter)) = (room, &sae.thresholds) else { return };
    let ThresholdRoom { logarithms, grad, of_terms, ones, follow } = room;
    match (*follow, &*ones) {
        (Some(target), Some(ones)) => {
            let codes = (f64::from(target) * pre.rows() as f64).round() as usize;
            device.kth_largest(pre, codes.clamp(1, pre.len()), threshold);
            // The gradient is written later: until then there is room for θ.
            device.gemm(ones, threshold, grad, Gemm::default());
            device.project(grad, parameter.projection);
            device.ln(grad, logarithms);
        }
        _ if is_direct(sae) => device.ln(&parameter.value, logarithms),
        _ => device.copy(&parameter.value, logarithms),
    }
    if let Some(of_terms) = of_terms {
        device.fill(of_terms, 0.0);
    }
}

/// From ∂loss/∂t of the selection and of the terms to the gradient of what is trained; zero where thresholds follow,
/// so that Adam does not remember the time before they were trained.
pub(super) fn finish(sae: &Sae, device: &Device, room: &mut Option<ThresholdRoom>) {
    let (Some(room), Some(parameter)) = (room, &sae.thresholds) else { return };
    if room.follow.is_some() {
        return device.fill(&mut room.grad, 0.0);
    }
    if let (true, Selection::Jump { bandwidth, .. }) = (is_direct(sae), sae.settings().selection) {
        device.direct_thresholds(&parameter.value, bandwidth, &mut room.grad);
        if let Some(of_terms) = &mut room.of_terms {
            // ∂t/∂θ = 1/θ; the bandwidth stands only in what the reference makes of the step's derivative.
            device.direct_thresholds(&parameter.value, 1.0, of_terms);
        }
    }
    if let Some(of_terms) = &room.of_terms {
        device.add(&mut room.grad, of_terms);
    }
}

/// Keeps the thresholds that followed the batch.
pub(super) fn keep(sae: &mut Sae, device: &Device, ws: &Workspace) {
    let (Some(room), Some(parameter)) = (&ws.thresholds, &mut sae.thresholds) else { return };
    if let (Some(_), Some(ones)) = (room.follow, &room.ones) {
        device.gemm(ones, &ws.threshold, &mut parameter.value, Gemm::default());
        device.project(&mut parameter.value, parameter.projection);
    }
}

/// t of this step.
pub(super) fn logarithms(room: &Option<ThresholdRoom>) -> &Tensor {
    &room.as_ref().expect("a jump model has thresholds").logarithms
}

fn is_direct(sae: &Sae) -> bool {
    matches!(sae.settings().selection, Selection::Jump { thresholds: Thresholds::Direct, .. })
}
