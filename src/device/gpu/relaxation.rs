//! The end of building the archetypal dictionary.

use super::Gpu;
use super::loss::{exponent, zero};
use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

static ADD_RELAXATION: KernelSpec = KernelSpec {
    name: "add_relaxation",
    source: concat!(
        include_str!("../../../shaders/shared/grid.wgsl"),
        include_str!("../../../shaders/shared/numbers.wgsl"),
        include_str!("../../../shaders/relaxation.wgsl"),
    ),
    entry: "add_relaxation",
    storage: &[Read, Read, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&ADD_RELAXATION, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Relax {
    count: u32,
    wc_start: u32,
    r_start: u32,
}

pub(super) fn add_relaxation(gpu: &Gpu, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
    expect("R", r, wc.shape());
    let cols = wc.cols();
    let zero = zero(gpu);
    let multiplier = exponent(multiplier, &zero);
    for segment in segments([wc.gpu(), r.gpu()], wc.rows()) {
        let params = Relax {
            count: segment.count(cols),
            wc_start: segment.start(0, cols),
            r_start: segment.start(1, cols),
        };
        let [wc, r] = segment.chunks;
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(&ADD_RELAXATION, &[], &[r, multiplier, wc], &params, groups);
    }
}
