//! Products of sparse codes with dense matrices, and the codes made dense.

use super::Gpu;
use super::choice::{FEW_LANES_COLUMNS, Rounds, of_lanes};
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use crate::device::{Codes, Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static SPMM: KernelSpec = KernelSpec {
    name: "spmm",
    source: wgsl!("shared/grid.wgsl", "shared/part.wgsl", "shared/store_part.wgsl", "spmm.wgsl"),
    entry: "main",
    storage: &[Read, Read, Read, Read, ReadWrite],
    trusted: true,
};

static SDDMM: KernelSpec = KernelSpec {
    name: "sddmm",
    source: wgsl!("shared/grid.wgsl", "sddmm.wgsl"),
    entry: "main",
    storage: &[Read, Read, Read, Read, ReadWrite],
    trusted: true,
};

static SCATTER: KernelSpec = KernelSpec {
    name: "scatter",
    source: wgsl!("shared/grid.wgsl", "scatter.wgsl"),
    entry: "main",
    storage: &[Read, Read, Read, ReadWrite],
    trusted: true,
};

static SCATTER_ADD: KernelSpec = KernelSpec {
    name: "scatter_add",
    source: wgsl!("shared/grid.wgsl", "scatter_add.wgsl"),
    entry: "main",
    storage: &[Read, Read, Read, ReadWrite],
    trusted: true,
};

pub(super) const FAMILY: Family =
    &[(&SPMM, PLAIN), (&SDDMM, &[SHARED, ALONE]), (&SCATTER, PLAIN), (&SCATTER_ADD, PLAIN)];

/// Threads of a workgroup of shaders/spmm.wgsl, unless few suit the device better.
const LANES: usize = 64;

/// Threads that share a product of shaders/sddmm.wgsl: many on a real GPU, one where barriers cost most.
const SHARED: Constants<'static> = &[("THREADS", 16.0)];
const ALONE: Constants<'static> = &[("THREADS", 1.0)];

/// Workgroups of shaders/sddmm.wgsl that share a row at most.
const MOST_BLOCKS: usize = 8;

/// `Params` of shaders/spmm.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Spmm {
    rows: u32,
    width: u32,
    n: u32,
    m_row0: u32,
    m_rows: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    out_start: u32,
    accumulate: u32,
}

pub(super) fn spmm(gpu: &Gpu, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool) {
    shapes::sparse_product(codes, m, out);
    let (width, n) = (codes.width(), out.cols());
    let operands = [codes.indices.gpu(), codes.values.gpu(), codes.counts.gpu(), out.gpu()];
    // A thread goes through all of a row's codes, however many share the columns.
    let lanes = gpu.kernels.lanes(Rounds::from(1));
    let constants = of_lanes(&SPMM, lanes);
    // Columns of a workgroup.
    let block = lanes.map_or(4 * LANES, |few| few as usize * FEW_LANES_COLUMNS);
    for segment in segments(operands, out.rows()) {
        let [indices, values, counts, out] = segment.chunks;
        for (m, atoms) in m.gpu().in_use(codes.concepts()) {
            let params = Spmm {
                rows: segment.rows as u32,
                width: width as u32,
                n: n as u32,
                m_row0: atoms.start as u32,
                m_rows: atoms.len() as u32,
                indices_start: segment.start(0, width),
                values_start: segment.start(1, width),
                counts_start: segment.start(2, 1),
                out_start: segment.start(3, n),
                accumulate: (accumulate || atoms.start > 0).into(),
            };
            let groups = segment.rows * n.div_ceil(block);
            let buffers = [indices, values, counts, m, out];
            gpu.dispatch(&SPMM, &constants, &buffers, &params, groups as u64);
        }
    }
}

/// `Params` of shaders/sddmm.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Sddmm {
    rows: u32,
    width: u32,
    n: u32,
    m_row0: u32,
    m_rows: u32,
    indices_start: u32,
    counts_start: u32,
    a_start: u32,
    out_start: u32,
    accumulate: u32,
    blocks: u32,
}

pub(super) fn sddmm(
    gpu: &Gpu,
    codes: &Codes,
    m: &Tensor,
    a: &Tensor,
    out: &mut Tensor,
    accumulate: bool,
) {
    shapes::sparse_product(codes, m, a);
    shapes::entries(codes, out);
    let (width, n) = (codes.width(), a.cols());
    let operands = [codes.indices.gpu(), codes.counts.gpu(), a.gpu(), out.gpu()];
    let constants = if gpu.kernels.software { ALONE } else { SHARED };
    // A row of jump has room for K entries, and few of them.
    let blocks = width.div_ceil(16).min(MOST_BLOCKS);
    for segment in segments(operands, codes.rows()) {
        let [indices, counts, a, out] = segment.chunks;
        for (m, atoms) in m.gpu().in_use(codes.concepts()) {
            let params = Sddmm {
                rows: segment.rows as u32,
                width: width as u32,
                n: n as u32,
                m_row0: atoms.start as u32,
                m_rows: atoms.len() as u32,
                indices_start: segment.start(0, width),
                counts_start: segment.start(1, 1),
                a_start: segment.start(2, n),
                out_start: segment.start(3, width),
                accumulate: accumulate.into(),
                blocks: blocks as u32,
            };
            let groups = segment.rows * blocks;
            let buffers = [indices, counts, m, a, out];
            gpu.dispatch(&SDDMM, constants, &buffers, &params, groups as u64);
        }
    }
}

/// `Params` of shaders/scatter.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Scatter {
    rows: u32,
    width: u32,
    concepts: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    dense_start: u32,
}

pub(super) fn scatter(gpu: &Gpu, codes: &Codes, dense: &mut Tensor) {
    let (width, concepts) = (codes.width(), codes.concepts());
    shapes::expect("dense codes", dense, [codes.rows(), concepts]);
    let operands = [codes.indices.gpu(), codes.values.gpu(), codes.counts.gpu(), dense.gpu()];
    for segment in segments(operands, codes.rows()) {
        let params = Scatter {
            rows: segment.rows as u32,
            width: width as u32,
            concepts: concepts as u32,
            indices_start: segment.start(0, width),
            values_start: segment.start(1, width),
            counts_start: segment.start(2, 1),
            dense_start: segment.start(3, concepts),
        };
        gpu.dispatch(&SCATTER, &[], &segment.chunks, &params, segment.rows as u64);
    }
}

/// `Params` of shaders/scatter_add.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct ScatterAdd {
    rows: u32,
    width: u32,
    concepts: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    dense_start: u32,
    factor: f32,
}

pub(super) fn scatter_add(
    gpu: &Gpu,
    codes: &Codes,
    values: &Tensor,
    factor: f32,
    dense: &mut Tensor,
) {
    let (width, concepts) = (codes.width(), codes.concepts());
    shapes::expect("dense matrix", dense, [codes.rows(), concepts]);
    shapes::entries(codes, values);
    let operands = [codes.indices.gpu(), values.gpu(), codes.counts.gpu(), dense.gpu()];
    for segment in segments(operands, codes.rows()) {
        let params = ScatterAdd {
            rows: segment.rows as u32,
            width: width as u32,
            concepts: concepts as u32,
            indices_start: segment.start(0, width),
            values_start: segment.start(1, width),
            counts_start: segment.start(2, 1),
            dense_start: segment.start(3, concepts),
            factor,
        };
        gpu.dispatch(&SCATTER_ADD, &[], &segment.chunks, &params, segment.rows as u64);
    }
}
