//! How often each concept is active.

use super::pipelines::{Access, Access::*, KernelSpec};
use super::reduce::{log_place, slabs};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::{Chunk, Gpu};
use crate::device::{ByAtom, Codes, Tensor, log, shapes, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source = wgsl!("shared/grid.wgsl", "shared/counts.wgsl", "counters.wgsl");

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry: name, storage, trusted: false }
}

static ENTRIES: KernelSpec = spec("count_entries", &[Read, Read, ReadWrite, ReadWrite]);
static COLUMNS: KernelSpec = spec("count_columns", &[Read, ReadWrite]);
static ROWS: KernelSpec = spec("count_rows", &[Read, ReadWrite]);
static IDLE: KernelSpec = spec("count_idle", &[Read, ReadWrite, ReadWrite]);
static TOTALS: KernelSpec = spec("count_totals", &[Read, Read, ReadWrite]);

pub(super) const FAMILY: Family =
    &[(&ENTRIES, PLAIN), (&COLUMNS, PLAIN), (&ROWS, PLAIN), (&IDLE, PLAIN), (&TOTALS, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Entries {
    concepts: u32,
}

pub(super) fn count_active(
    gpu: &Gpu,
    codes: &Codes,
    by_atom: &ByAtom,
    fired: &mut Tensor<u32>,
    log: &mut Tensor,
    row: usize,
) {
    let concepts = codes.concepts();
    expect("fired", fired, [concepts, 1]);
    shapes::index(codes, by_atom);
    if codes.rows() == 0 {
        return;
    }
    let active = gpu.scratch("counts", concepts);
    // The index is never split, and it is longer than the values: they are not split either.
    let buffers =
        [by_atom.index.gpu().single(), codes.values.gpu().single(), fired.gpu().single(), &active];
    let params = Entries { concepts: concepts as u32 };
    gpu.dispatch_rows((&ENTRIES, codes.rows()), &[], &buffers, &params, concepts as u64);
    totals(gpu, &active, concepts, codes.counts.gpu().single(), codes.rows(), log, row);
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Dense {
    rows: u32,
    concepts: u32,
    start: u32,
    slab: u32,
    out_start: u32,
}

pub(super) fn count_active_dense(
    gpu: &Gpu,
    z: &Tensor,
    fired: &mut Tensor<u32>,
    log: &mut Tensor,
    row: usize,
) {
    let concepts = z.cols();
    expect("fired", fired, [concepts, 1]);
    if z.rows() == 0 {
        return;
    }
    let counts = gpu.scratch("counts", z.rows());
    for segment in segments([z.gpu()], z.rows()) {
        let slabs = slabs(gpu, segment.rows, concepts);
        let params = Dense {
            rows: segment.rows as u32,
            concepts: concepts as u32,
            start: segment.start(0, concepts),
            slab: slabs.rows as u32,
            out_start: segment.row0 as u32,
        };
        let [z] = segment.chunks;
        gpu.dispatch(&COLUMNS, &[], &[z, fired.gpu().single()], &params, slabs.groups);
        gpu.dispatch(&ROWS, &[], &[z, &counts], &params, segment.rows as u64);
    }
    totals(gpu, &counts, z.rows(), &counts, z.rows(), log, row);
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Totals {
    summed: u32,
    compared: u32,
    active_at: u32,
    most_at: u32,
}

/// Writes Σ `active[..summed]` and the largest of `rows[..compared]` to the log.
fn totals(
    gpu: &Gpu,
    active: &Chunk,
    summed: usize,
    rows: &Chunk,
    compared: usize,
    log: &mut Tensor,
    row: usize,
) {
    assert!(row < log.rows() && log.cols() == log::WIDTH, "row {row} of the log {:?}", log.shape());
    let (chunk, active_at) = log_place(log.gpu(), row, log::ACTIVE);
    let (_, most_at) = log_place(log.gpu(), row, log::MOST);
    let params = Totals { summed: summed as u32, compared: compared as u32, active_at, most_at };
    gpu.dispatch(&TOTALS, &[], &[active, rows, chunk], &params, 1);
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Idle {
    count: u32,
    fired_start: u32,
    seen_start: u32,
    idle_start: u32,
    rows: u32,
}

pub(super) fn count_idle(
    gpu: &Gpu,
    fired: &Tensor<u32>,
    rows: usize,
    seen: &mut Tensor<u32>,
    idle: &mut Tensor<u32>,
) {
    shapes::idle(fired, seen, idle);
    for segment in segments([fired.gpu(), seen.gpu(), idle.gpu()], fired.rows()) {
        let params = Idle {
            count: segment.count(1),
            fired_start: segment.start(0, 1),
            seen_start: segment.start(1, 1),
            idle_start: segment.start(2, 1),
            rows: u32::try_from(rows).unwrap_or(u32::MAX),
        };
        let groups = params.count.div_ceil(64).into();
        gpu.dispatch(&IDLE, &[], &segment.chunks, &params, groups);
    }
}
