//! A push for the bias of concepts that have not fired for long.

use super::Gpu;
use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use crate::device::{Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static REVIVE: KernelSpec = KernelSpec {
    name: "revive",
    source: wgsl!("shared/grid.wgsl", "revive.wgsl"),
    entry: "revive",
    storage: &[Read, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&REVIVE, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    count: u32,
    idle_start: u32,
    bias_start: u32,
    after: u32,
    amount: f32,
}

pub(super) fn revive(gpu: &Gpu, bias: &mut Tensor, idle: &Tensor<u32>, after: u32, amount: f32) {
    shapes::revive(bias, idle);
    for segment in segments([idle.gpu(), bias.gpu()], idle.rows()) {
        let params = Params {
            count: segment.count(1),
            idle_start: segment.start(0, 1),
            bias_start: segment.start(1, 1),
            after,
            amount,
        };
        let groups = params.count.div_ceil(64).into();
        gpu.dispatch(&REVIVE, &[], &segment.chunks, &params, groups);
    }
}
