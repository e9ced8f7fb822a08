//! What the terms of a loss share: the values that they look at, and how their value comes from partial sums.

use super::pipelines::{Access::*, KernelSpec};
use super::reduce::cell_place;
use super::registry::{Family, PLAIN};
use super::segments::{Segment, segments};
use super::source::wgsl;
use super::{Chunk, Gpu};
use crate::device::{Entries, Tensor, log, shapes};
use bytemuck::{Pod, Zeroable};

static TOTAL: KernelSpec = KernelSpec {
    name: "term_total",
    source: wgsl!("shared/lanes.wgsl", "term_total.wgsl"),
    entry: "term_total",
    storage: &[Read, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&TOTAL, PLAIN)];

/// Elements that a workgroup of an elementwise kernel takes, as in the shaders.
pub(super) const BLOCK: u32 = 4096;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Total {
    count: u32,
    cell_at: u32,
    factor: f32,
}

/// cell = factor · Σ of the first `count` partial sums; 0 without any.
pub(super) fn total(gpu: &Gpu, partial: &Chunk, count: u32, factor: f32, cell: &log::Cell<'_>) {
    let (log, cell_at) = cell_place(cell);
    gpu.dispatch(&TOTAL, &[], &[partial, log], &Total { count, cell_at, factor }, 1);
}

/// Workgroups of an elementwise kernel over all parts.
pub(super) fn blocks<const N: usize>(parts: &[Segment<'_, N>], cols: usize) -> usize {
    parts.iter().map(|part| part.count(cols).div_ceil(BLOCK) as usize).sum()
}

/// The parts of values, counts and gradient. Without counts the values stand in their place, which no kernel reads then.
pub(super) fn entry_parts<'a>(at: Entries<'a>, grad: &'a Tensor) -> Vec<Segment<'a, 3>> {
    shapes::penalty(&at, grad);
    if grad.is_empty() {
        return Vec::new();
    }
    let values = at.values.gpu();
    let counts = at.counts.map_or(values, |counts| counts.gpu());
    segments([values, counts, grad.gpu()], grad.rows())
}
