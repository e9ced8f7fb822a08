//! Gradients as the kernels take them: stored, or made from entries where they are used.

use super::choice::{FEW_LANES_COLUMNS, Rounds};
use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::{Segment, segments};
use super::source::wgsl;
use super::{Chunk, Gpu};
use crate::device::{ByAtom, Grad, Tensor, shapes};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

static SPMM_T: KernelSpec = KernelSpec {
    name: "spmm_t",
    source: wgsl!(
        "shared/grid.wgsl",
        "shared/spmm_t_params.wgsl",
        "shared/part.wgsl",
        "shared/grad_rows.wgsl",
        "shared/store_part.wgsl",
        "spmm_t.wgsl"
    ),
    entry: "main",
    storage: &[ReadWrite, Read, Read, Read],
    trusted: true,
};

pub(super) const FAMILY: Family = &[(&SPMM_T, PLAIN)];

/// What the shaders are told of a gradient; the last part of their `Params`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, Pod, Zeroable)]
pub(super) struct RowsParams {
    pub atom0: u32,
    pub concepts: u32,
    pub width: u32,
    pub entries: u32,
    pub batch_row0: u32,
    pub batch_rows: u32,
    pub values_start: u32,
    pub source_start: u32,
}

impl RowsParams {
    /// Rounds of the loops over a row of `cols` columns, part by part: every row of the batch may have an entry for it. Those over
    /// the columns of a part count only for the ends, for the driver unrolls them.
    pub fn rounds(&self, cols: usize) -> Rounds {
        Rounds {
            shared: cols.div_ceil(FEW_LANES_COLUMNS),
            each: self.batch_rows as usize + 4 * FEW_LANES_COLUMNS,
        }
    }
}

/// The entries that make a gradient.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a> {
    pub by_atom: &'a ByAtom,
    pub values: &'a Tensor,
    pub source: &'a Tensor,
}

impl<'a> Entries<'a> {
    /// Of [`Grad::Rows`]; none of a stored gradient.
    pub fn of(grad: Grad<'a>) -> Option<Self> {
        match grad {
            Grad::Dense(_) => None,
            Grad::Rows { by_atom, values, source } => Some(Self { by_atom, values, source }),
        }
    }

    /// [rows, columns] of the gradient.
    pub fn shape(&self) -> [usize; 2] {
        [self.by_atom.concepts(), self.source.cols()]
    }

    /// The bindings and the parameters for the atoms from `atom0` on, if the whole batch is in one chunk.
    pub fn whole(&self, atom0: usize) -> Option<([&'a Chunk; 3], RowsParams)> {
        match &self.runs()[..] {
            [run] => Some(self.bind(run, atom0)),
            _ => None,
        }
    }

    /// Whether the whole batch is in one chunk.
    pub fn is_whole(&self) -> bool {
        self.runs().len() == 1
    }

    /// Runs of the batch; an empty one for an empty batch, so that the gradient is zero.
    fn runs(&self) -> Vec<Segment<'a, 2>> {
        let operands = [self.values.gpu(), self.source.gpu()];
        let mut runs = segments(operands, self.source.rows());
        if runs.is_empty() {
            runs.push(Segment {
                row0: 0,
                rows: 0,
                chunks: operands.map(|operand| &operand.chunks[0]),
            });
        }
        runs
    }

    fn bind(&self, run: &Segment<'a, 2>, atom0: usize) -> ([&'a Chunk; 3], RowsParams) {
        let width = self.by_atom.width();
        let params = RowsParams {
            atom0: atom0 as u32,
            concepts: self.by_atom.concepts() as u32,
            width: width as u32,
            entries: (self.by_atom.index.cols() - self.by_atom.concepts() - 1) as u32,
            batch_row0: run.row0 as u32,
            batch_rows: run.rows as u32,
            values_start: run.start(0, width),
            source_start: run.start(1, self.source.cols()),
        };
        let [values, source] = run.chunks;
        ([self.by_atom.index.gpu().single(), values, source], params)
    }

    /// Stores the rows of `atoms` in `out` from element `start` on.
    pub fn store(&self, gpu: &Gpu, atoms: Range<usize>, out: &Chunk, start: u32) {
        for run in self.runs() {
            let ([index, values, source], entries) = self.bind(&run, atoms.start);
            let params = SpmmT {
                rows: atoms.len() as u32,
                cols: self.source.cols() as u32,
                out_start: start,
                accumulate: (run.row0 > 0).into(),
                entries,
            };
            let buffers = [out, index, values, source];
            let rounds = entries.rounds(self.source.cols());
            gpu.dispatch_rows((&SPMM_T, rounds), &[], &buffers, &params, atoms.len() as u64);
        }
    }
}

/// `Params` of shaders/shared/spmm_t_params.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct SpmmT {
    rows: u32,
    cols: u32,
    out_start: u32,
    accumulate: u32,
    entries: RowsParams,
}

pub(super) fn spmm_t(gpu: &Gpu, grad: Grad<'_>, out: &mut Tensor) {
    let (rows, cols) = (out.rows(), out.cols());
    shapes::grad(&grad, [rows, cols]);
    match grad {
        Grad::Dense(dense) => {
            for segment in segments([dense.gpu(), out.gpu()], rows) {
                let [from, to] = segment.chunks;
                let [from_start, to_start] = [0, 1].map(|i| u64::from(segment.start(i, cols)) * 4);
                let bytes = u64::from(segment.count(cols)) * 4;
                gpu.copy((&from.buffer, from_start), (&to.buffer, to_start), bytes);
            }
        }
        Grad::Rows { by_atom, values, source } => {
            let entries = Entries { by_atom, values, source };
            for (chunk, atoms) in out.gpu().in_use(rows) {
                entries.store(gpu, atoms, chunk, 0);
            }
        }
    }
}
