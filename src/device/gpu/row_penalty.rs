//! Penalties on each row of the codes.

use super::Gpu;
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::Family;
use super::source::wgsl;
use super::term::{entry_parts, total};
use crate::device::{Entries, RowPenalty, Tensor, log};
use bytemuck::{Pod, Zeroable};

static ROW_PENALTY: KernelSpec = KernelSpec {
    name: "row_penalty",
    source: wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "row_penalty.wgsl"),
    entry: "row_penalty",
    storage: &[Read, Read, ReadWrite, ReadWrite],
    trusted: false,
};

/// One for each [`RowPenalty`].
const PENALTIES: &[Constants<'static>] = &[&[("PENALTY", 0.0)], &[("PENALTY", 1.0)]];

pub(super) const FAMILY: Family = &[(&ROW_PENALTY, PENALTIES)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    width: u32,
    counted: u32,
    values_start: u32,
    counts_start: u32,
    grad_start: u32,
    partial_start: u32,
    factor: f32,
    root: f32,
    scale: f32,
}

pub(super) fn row_penalty(
    gpu: &Gpu,
    penalty: RowPenalty,
    factor: f32,
    concepts: usize,
    at: Entries<'_>,
    grad: &mut Tensor,
    cell: log::Cell<'_>,
) {
    let [rows, width] = grad.shape();
    let root = (concepts as f64).sqrt();
    let partial = gpu.scratch("term", rows);
    let parts = entry_parts(at, grad);
    for part in &parts {
        let params = Params {
            rows: part.rows as u32,
            width: width as u32,
            counted: u32::from(at.counts.is_some()),
            values_start: part.start(0, width),
            counts_start: part.start(1, 1),
            grad_start: part.start(2, width),
            partial_start: part.row0 as u32,
            factor,
            root: root as f32,
            scale: if concepts > 1 { (1.0 / (root - 1.0)) as f32 } else { 0.0 },
        };
        let [values, counts, grad] = part.chunks;
        let buffers = [values, counts, grad, &partial];
        let constants = PENALTIES[penalty as usize];
        gpu.dispatch(&ROW_PENALTY, constants, &buffers, &params, part.rows as u64);
    }
    let summed = if parts.is_empty() { 0 } else { rows as u32 };
    total(gpu, &partial, summed, factor, &cell);
}
