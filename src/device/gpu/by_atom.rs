//! The entries of the codes by atom, without sorting: a bit for each (atom, row), and popcounts.

use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use super::{Chunk, Gpu};
use crate::device::{ByAtom, Codes, shapes};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// The text of one of the kernels, after what they share.
macro_rules! source {
    ($file:tt) => {
        wgsl!("shared/grid.wgsl", "shared/by_atom.wgsl", $file)
    };
}

static CLEAR: KernelSpec = KernelSpec {
    name: "by_atom_clear",
    source: source!("by_atom_count.wgsl"),
    entry: "clear",
    storage: &[ReadWrite],
    trusted: true,
};

static MARK: KernelSpec = KernelSpec {
    name: "by_atom_mark",
    source: source!("by_atom_mark.wgsl"),
    entry: "main",
    storage: &[Read, Read, ReadWrite],
    trusted: true,
};

static COUNT: KernelSpec = KernelSpec {
    name: "by_atom_count",
    source: source!("by_atom_count.wgsl"),
    entry: "count",
    storage: &[ReadWrite, ReadWrite],
    trusted: true,
};

static SCAN: KernelSpec = KernelSpec {
    name: "by_atom_scan",
    source: source!("by_atom_scan.wgsl"),
    entry: "main",
    storage: &[ReadWrite],
    trusted: true,
};

static PLACE: KernelSpec = KernelSpec {
    name: "by_atom_place",
    source: source!("by_atom_place.wgsl"),
    entry: "main",
    storage: &[Read, Read, Read, ReadWrite],
    trusted: true,
};

pub(super) const FAMILY: Family =
    &[(&CLEAR, PLAIN), (&MARK, PLAIN), (&COUNT, PLAIN), (&SCAN, PLAIN), (&PLACE, PLAIN)];

/// `Params` of shaders/shared/by_atom.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    atom0: u32,
    atoms: u32,
    concepts: u32,
    stride: u32,
    words: u32,
    row0: u32,
    rows: u32,
    width: u32,
    indices_start: u32,
    counts_start: u32,
}

pub(super) fn by_atom(gpu: &Gpu, codes: &Codes, out: &mut ByAtom) {
    shapes::index(codes, out);
    let words = codes.rows().div_ceil(32);
    assert!(words <= out.bits.cols(), "the index has room for fewer rows than the codes have");
    let index = out.index.gpu().single();
    let all = Params {
        atom0: 0,
        atoms: codes.concepts() as u32,
        concepts: codes.concepts() as u32,
        stride: out.bits.cols() as u32,
        words: words as u32,
        row0: 0,
        rows: codes.rows() as u32,
        width: codes.width() as u32,
        indices_start: 0,
        counts_start: 0,
    };
    let some = |atoms: &Range<usize>| Params {
        atom0: atoms.start as u32,
        atoms: atoms.len() as u32,
        ..all
    };
    for (bits, atoms) in out.bits.gpu().in_use(codes.concepts()) {
        let params = some(&atoms);
        gpu.dispatch(&CLEAR, &[], &[bits], &params, threads(atoms.len() * words));
        for_each_run(codes, params, |indices, counts, params, groups| {
            gpu.dispatch(&MARK, &[], &[indices, counts, bits], params, groups);
        });
        gpu.dispatch(&COUNT, &[], &[bits, index], &params, threads(atoms.len()));
    }
    gpu.dispatch(&SCAN, &[], &[index], &all, 1);
    for (bits, atoms) in out.bits.gpu().in_use(codes.concepts()) {
        for_each_run(codes, some(&atoms), |indices, counts, params, groups| {
            gpu.dispatch(&PLACE, &[], &[indices, counts, bits, index], params, groups);
        });
    }
}

/// Calls `dispatch` with (indices, counts, parameters, workgroups) for each run of rows in one chunk of both.
fn for_each_run(codes: &Codes, params: Params, dispatch: impl Fn(&Chunk, &Chunk, &Params, u64)) {
    let width = codes.width();
    for segment in segments([codes.indices.gpu(), codes.counts.gpu()], codes.rows()) {
        let params = Params {
            row0: segment.row0 as u32,
            rows: segment.rows as u32,
            indices_start: segment.start(0, width),
            counts_start: segment.start(1, 1),
            ..params
        };
        let [indices, counts] = segment.chunks;
        dispatch(indices, counts, &params, threads(segment.rows * width));
    }
}

/// Workgroups of 256 threads.
fn threads(count: usize) -> u64 {
    count.div_ceil(256) as u64
}
