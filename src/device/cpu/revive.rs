//! A push for the bias of concepts that have not fired for long.

use crate::device::{Tensor, shapes};

/// bias += amount where `idle` is at least `after`.
pub(super) fn revive(bias: &mut Tensor, idle: &Tensor<u32>, after: u32, amount: f32) {
    shapes::revive(bias, idle);
    for (bias, &idle) in bias.cpu_mut().iter_mut().zip(idle.cpu()) {
        *bias += if idle >= after { amount } else { 0.0 };
    }
}
