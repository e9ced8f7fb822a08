//! Operations on each element for itself.

use super::{
    jump::code,
    loss::exp_multiplier,
    simd::{BLOCK, vectorize},
};
use crate::device::{Tensor, shapes};
use crate::parallel::*;

/// Every element of out becomes f(it, that of a).
fn map(out: &mut Tensor, a: &Tensor, f: impl Fn(f32, f32) -> f32 + Sync) {
    shapes::expect("operand", a, out.shape());
    let blocks = out.cpu_mut().par_chunks_mut(BLOCK).zip(a.cpu().par_chunks(BLOCK));
    blocks.for_each(|(out, a)| {
        vectorize!(for (out, &a) in out.iter_mut().zip(a) {
            *out = f(*out, a);
        });
    });
}

/// out = value.
pub(super) fn fill(out: &mut Tensor, value: f32) {
    out.cpu_mut().par_chunks_mut(BLOCK).for_each(|out| out.fill(value));
}

/// out = ln(a).
pub(super) fn ln(a: &Tensor, out: &mut Tensor) {
    map(out, a, |_, a| a.ln());
}

/// z = a where a = relu(pre) ≥ the threshold, else 0.
pub(super) fn above(pre: &Tensor, threshold: &Tensor, z: &mut Tensor) {
    shapes::expect("threshold", threshold, [1, 1]);
    let threshold = threshold.cpu()[0];
    map(z, pre, |_, pre| code(pre, threshold));
}

/// running = momentum · running + (1 − momentum) · current; current where there was none.
pub(super) fn running_threshold(current: &Tensor, momentum: f32, running: &mut Tensor) {
    shapes::expect("running threshold", running, [1, 1]);
    map(running, current, |running, current| {
        if running < 0.0 { current } else { momentum * running + (1.0 - momentum) * current }
    });
}

/// grad = 0 where z = 0.
pub(super) fn keep_selected(z: &Tensor, grad: &mut Tensor) {
    map(grad, z, |grad, z| if z == 0.0 { 0.0 } else { grad });
}

/// out = v · eᵐ.
pub(super) fn scale_atoms(v: &Tensor, multiplier: Option<&Tensor>, out: &mut Tensor) {
    let scale = exp_multiplier(multiplier);
    map(out, v, |_, v| v * scale);
}

/// grad = grad · bandwidth / θ. Where θ is 0 so is the gradient, and remains.
pub(super) fn direct_thresholds(thresholds: &Tensor, bandwidth: f32, grad: &mut Tensor) {
    shapes::expect("thresholds", thresholds, [grad.rows(), 1]);
    map(grad, thresholds, |grad, theta| if theta == 0.0 { grad } else { grad * bandwidth / theta });
}
