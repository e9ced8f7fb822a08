//! Sums and extremes over rows or columns.

use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::{Chunk, Gpu, RowBuffers};
use crate::device::{Tensor, log, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source =
    wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/lanes.wgsl", "reduce.wgsl");

const fn spec(
    name: &'static str,
    entry: &'static str,
    storage: &'static [super::pipelines::Access],
) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry, storage, trusted: false }
}

static COLUMN_SLABS: KernelSpec = spec("column_slabs", "column_slabs", &[Read, ReadWrite]);
static COLUMN_TOTALS: KernelSpec = spec("column_totals", "column_totals", &[Read, ReadWrite]);
static ROW_SUMSQ: KernelSpec = spec("row_sumsq", "row_sumsq", &[Read, ReadWrite]);
static ROW_MAX: KernelSpec = spec("row_max", "row_max", &[Read, ReadWrite]);
static CLIP_FACTOR: KernelSpec = spec("clip_factor", "clip_factor", &[Read, ReadWrite, ReadWrite]);

pub(super) const FAMILY: Family = &[
    (&COLUMN_SLABS, PLAIN),
    (&COLUMN_TOTALS, PLAIN),
    (&ROW_SUMSQ, PLAIN),
    (&ROW_MAX, PLAIN),
    (&CLIP_FACTOR, PLAIN),
];

/// How the rows of a column reduction are dealt out: `count` slabs of `rows` rows, by 64 columns a workgroup.
pub(super) struct Slabs {
    pub rows: usize,
    pub count: usize,
    pub groups: u64,
}

/// Enough slabs to keep a device busy, few enough that their sums are soon added up. The shapes alone decide.
pub(super) fn slabs(gpu: &Gpu, rows: usize, cols: usize) -> Slabs {
    let most = (gpu.max_chunk() / (4 * cols.max(1) as u64)).clamp(1, 256) as usize;
    let slab = rows.div_ceil(rows.div_ceil(64).min(most).max(1)).max(1);
    let count = rows.div_ceil(slab);
    Slabs { rows: slab, count, groups: count as u64 * cols.div_ceil(64) as u64 }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct ColumnTotals {
    slabs: u32,
    cols: u32,
    accumulate: u32,
}

/// out [n, 1] (+)= the sums of the columns of `partial` [slabs, n].
pub(super) fn column_totals(
    gpu: &Gpu,
    partial: &Chunk,
    slabs: usize,
    cols: usize,
    accumulate: bool,
    out: &Chunk,
) {
    let params =
        ColumnTotals { slabs: slabs as u32, cols: cols as u32, accumulate: u32::from(accumulate) };
    gpu.dispatch(&COLUMN_TOTALS, &[], &[partial, out], &params, cols.div_ceil(64) as u64);
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct ColumnSlabs {
    rows: u32,
    cols: u32,
    start: u32,
    slab: u32,
}

pub(super) fn column_sums(gpu: &Gpu, a: &Tensor, out: &mut Tensor) {
    expect("column sums", out, [a.cols(), 1]);
    column_sums_in(gpu, a, out.gpu().single());
}

/// out [n] = the sums of the columns of a [B, n]; nothing without rows.
pub(super) fn column_sums_in(gpu: &Gpu, a: &Tensor, out: &Chunk) {
    let cols = a.cols();
    for segment in segments([a.gpu()], a.rows()) {
        let slabs = slabs(gpu, segment.rows, cols);
        let partial = gpu.scratch("column slabs", slabs.count * cols);
        let params = ColumnSlabs {
            rows: segment.rows as u32,
            cols: cols as u32,
            start: segment.start(0, cols),
            slab: slabs.rows as u32,
        };
        gpu.dispatch(&COLUMN_SLABS, &[], &[segment.chunks[0], &partial], &params, slabs.groups);
        column_totals(gpu, &partial, slabs.count, cols, segment.row0 > 0, out);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Rows {
    rows: u32,
    cols: u32,
    start: u32,
    out_start: u32,
    diagonal: i32,
    skip: u32,
}

fn rows(gpu: &Gpu, spec: &'static KernelSpec, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
    let cols = a.cols();
    expect("one value a row", out, [a.rows(), 1]);
    // No row or column of a chunk reaches 2³⁰: what is beyond can be cut without changing which column is meant.
    let bound = 1 << 30;
    for segment in segments([a.gpu(), out.gpu()], a.rows()) {
        let diagonal = skip.unwrap_or(0).saturating_add(segment.row0 as i64);
        let params = Rows {
            rows: segment.rows as u32,
            cols: cols as u32,
            start: segment.start(0, cols),
            out_start: segment.start(1, 1),
            diagonal: diagonal.clamp(-bound, bound) as i32,
            skip: u32::from(skip.is_some()),
        };
        gpu.dispatch(spec, &[], &segment.chunks, &params, segment.rows as u64);
    }
}

pub(super) fn row_sumsq(gpu: &Gpu, a: &Tensor, out: &mut Tensor) {
    rows(gpu, &ROW_SUMSQ, a, None, out);
}

pub(super) fn row_max(gpu: &Gpu, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
    rows(gpu, &ROW_MAX, a, skip, out);
}

/// The chunk and the place in it of `column` in row `row` of the step log.
pub(super) fn log_place(log: &RowBuffers, row: usize, column: usize) -> (&Chunk, u32) {
    let holds = |chunk: &&Chunk| (chunk.row0..chunk.row0 + chunk.rows).contains(&row);
    let chunk = log.chunks.iter().find(holds).expect("the log has that row");
    (chunk, ((row - chunk.row0) * log::WIDTH + column) as u32)
}

/// The chunk and the place in it of a cell of the log.
pub(super) fn cell_place<'a>(cell: &'a log::Cell<'_>) -> (&'a Chunk, u32) {
    cell.check();
    log_place(cell.log.gpu(), cell.row, cell.column)
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Clip {
    slots: u32,
    norm_at: u32,
    limited: u32,
    max_norm: f32,
}

pub(super) fn clip_scale(
    gpu: &Gpu,
    sumsq: &Tensor,
    max_norm: Option<f32>,
    scale: &mut Tensor,
    cell: log::Cell<'_>,
) {
    expect("scale", scale, [1, 1]);
    let (log, norm_at) = cell_place(&cell);
    let params = Clip {
        slots: sumsq.len() as u32,
        norm_at,
        limited: u32::from(max_norm.is_some()),
        max_norm: max_norm.unwrap_or(0.0),
    };
    let buffers = [sumsq.gpu().single(), scale.gpu().single(), log];
    gpu.dispatch(&CLIP_FACTOR, &[], &buffers, &params, 1);
}
