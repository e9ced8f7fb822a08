//! The reanimation of concepts that no row of the batch uses.

use super::Gpu;
use super::pipelines::{Access::*, KernelSpec};
use super::reduce::column_sums_in;
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::term::{BLOCK, blocks, total};
use crate::device::{Tensor, log, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source = wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "reanimate.wgsl");

static COUNT: KernelSpec = KernelSpec {
    name: "count_dead",
    source: SOURCE,
    entry: "count_dead",
    storage: &[Read, ReadWrite],
    trusted: false,
};
static GRADIENT: KernelSpec = KernelSpec {
    name: "reanimate",
    source: SOURCE,
    entry: "reanimate",
    storage: &[Read, Read, Read, ReadWrite, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&COUNT, PLAIN), (&GRADIENT, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Gradient {
    count: u32,
    concepts: u32,
    pre_start: u32,
    grad_start: u32,
    partial_start: u32,
    factor: f32,
}

pub(super) fn reanimate(
    gpu: &Gpu,
    pre: &Tensor,
    z: &Tensor,
    factor: f32,
    grad_pre: &mut Tensor,
    cell: log::Cell<'_>,
) {
    let concepts = pre.cols();
    expect("codes", z, pre.shape());
    expect("gradient of the pre-codes", grad_pre, pre.shape());
    let parts =
        if pre.is_empty() { Vec::new() } else { segments([pre.gpu(), grad_pre.gpu()], pre.rows()) };
    let (sums, dead) = (gpu.scratch("term columns", concepts), gpu.scratch("dead", 1));
    column_sums_in(gpu, z, &sums);
    gpu.dispatch(&COUNT, &[], &[&sums, &dead], &(concepts as u32), 1);
    let partial = gpu.scratch("term", blocks(&parts, concepts));
    let mut partial_start = 0;
    for part in &parts {
        let params = Gradient {
            count: part.count(concepts),
            concepts: concepts as u32,
            pre_start: part.start(0, concepts),
            grad_start: part.start(1, concepts),
            partial_start,
            factor,
        };
        let [pre, grad] = part.chunks;
        let groups = params.count.div_ceil(BLOCK);
        let buffers = [pre, &sums, &dead, grad, &partial];
        gpu.dispatch(&GRADIENT, &[], &buffers, &params, groups.into());
        partial_start += groups;
    }
    total(gpu, &partial, partial_start, 1.0, &cell);
}
