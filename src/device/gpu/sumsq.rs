//! Sums of squares of gradients.

use super::gradient::{Entries, RowsParams};
use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::source::wgsl;
use super::{Chunk, Gpu};
use crate::device::{Grad, Tensor};
use bytemuck::{Pod, Zeroable};
use std::sync::Arc;

static DENSE: KernelSpec = KernelSpec {
    name: "sumsq_dense",
    source: wgsl!(
        "shared/grid.wgsl",
        "shared/lanes.wgsl",
        "shared/sumsq_params.wgsl",
        "shared/part.wgsl",
        "shared/grad_dense.wgsl",
        "sumsq.wgsl"
    ),
    entry: "main",
    storage: &[ReadWrite, Read],
    trusted: true,
};

static ROWS: KernelSpec = KernelSpec {
    name: "sumsq_rows",
    source: wgsl!(
        "shared/grid.wgsl",
        "shared/lanes.wgsl",
        "shared/sumsq_params.wgsl",
        "shared/part.wgsl",
        "shared/grad_rows.wgsl",
        "sumsq.wgsl"
    ),
    entry: "main",
    storage: &[ReadWrite, Read, Read, Read],
    trusted: true,
};

static TOTAL: KernelSpec = KernelSpec {
    name: "sumsq_total",
    source: wgsl!("shared/lanes.wgsl", "sumsq_total.wgsl"),
    entry: "main",
    storage: &[Read, ReadWrite],
    trusted: true,
};

pub(super) const FAMILY: Family = &[(&DENSE, PLAIN), (&ROWS, PLAIN), (&TOTAL, PLAIN)];

/// Elements of a stored gradient that one workgroup sums.
const BLOCK: usize = 4096;

/// `Params` of shaders/shared/sumsq_params.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Default, Pod, Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    len: u32,
    partial_start: u32,
    grad_start: u32,
    entries: RowsParams,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Total {
    len: u32,
    slot: u32,
}

pub(super) fn sumsq(gpu: &Gpu, grad: Grad<'_>, out: &mut Tensor, slot: usize) {
    assert!(slot < out.len(), "slot {slot} of {}", out.len());
    let (partial, len) = match grad {
        Grad::Dense(dense) => stored(gpu, dense),
        Grad::Rows { by_atom, values, source } => made(gpu, Entries { by_atom, values, source }),
    };
    total(gpu, &partial, len, out.gpu().single(), slot);
}

/// `out[slot]` = the sum of the first `len` of `partial`.
pub(super) fn total(gpu: &Gpu, partial: &Chunk, len: usize, out: &Chunk, slot: usize) {
    let params = Total { len: len as u32, slot: slot as u32 };
    gpu.dispatch_rows((&TOTAL, len), &[], &[partial, out], &params, 1);
}

/// Room for `len` partial sums.
fn partial_sums(gpu: &Gpu, len: usize) -> Arc<Chunk> {
    gpu.scratch("sumsq", len)
}

/// How many partial sums `elements` stored elements have.
fn blocks(elements: usize) -> usize {
    elements.div_ceil(BLOCK)
}

/// Partial sums of a stored gradient, and how many.
fn stored(gpu: &Gpu, dense: &Tensor) -> (Arc<Chunk>, usize) {
    let parts: Vec<_> = dense
        .gpu()
        .in_use(dense.rows())
        .map(|(chunk, rows)| (chunk, rows.len() * dense.cols()))
        .collect();
    let len = parts.iter().map(|(_, elements)| blocks(*elements)).sum();
    let partial = partial_sums(gpu, len);
    let mut start = 0;
    for (chunk, elements) in parts {
        block_sums(gpu, chunk, elements, &partial, start);
        start += blocks(elements);
    }
    (partial, len)
}

/// From place `start` on, a partial sum for each block of the first `elements` of `chunk`.
fn block_sums(gpu: &Gpu, chunk: &Chunk, elements: usize, partial: &Chunk, start: usize) {
    let groups = blocks(elements);
    let params = Params {
        rows: groups as u32,
        cols: BLOCK as u32,
        len: elements as u32,
        partial_start: start as u32,
        ..Params::default()
    };
    gpu.dispatch_rows((&DENSE, BLOCK), &[], &[partial, chunk], &params, groups as u64);
}

/// Partial sums of a gradient that is made from entries, and how many.
fn made(gpu: &Gpu, entries: Entries<'_>) -> (Arc<Chunk>, usize) {
    let [rows, cols] = entries.shape();
    // Where the batch is split, as many rows as one buffer holds are stored at a time; where it is not, this many
    // rows have an element count that a shader can address.
    let most = (gpu.max_chunk() as usize / (4 * cols.max(1))).max(1);
    let pieces: Vec<_> = (0..rows).step_by(most).map(|row0| row0..rows.min(row0 + most)).collect();
    let partial_rows = |rows: usize| if entries.is_whole() { rows } else { blocks(rows * cols) };
    let len = pieces.iter().map(|piece| partial_rows(piece.len())).sum();
    let partial = partial_sums(gpu, len);
    let mut start = 0;
    for piece in pieces {
        let count = piece.len();
        if let Some(([index, values, source], told)) = entries.whole(piece.start) {
            let params = Params {
                rows: count as u32,
                cols: cols as u32,
                len: (count * cols) as u32,
                partial_start: start as u32,
                grad_start: 0,
                entries: told,
            };
            let buffers = [&*partial, index, values, source];
            gpu.dispatch_rows((&ROWS, told.rounds(cols)), &[], &buffers, &params, count as u64);
        } else {
            let stored = gpu.scratch("gradient", count * cols);
            entries.store(gpu, piece, &stored, 0);
            block_sums(gpu, &stored, count * cols, &partial, start);
        }
        start += partial_rows(count);
    }
    (partial, len)
}
