//! The k largest codes of each row.

use super::Gpu;
use super::choice::MOST_ROUNDS;
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::Family;
use super::segments::segments;
use super::source::wgsl;
use crate::device::{Codes, Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static TOP_K: KernelSpec = KernelSpec {
    name: "top_k",
    source: wgsl!("shared/grid.wgsl", "shared/top_k.wgsl", "top_k.wgsl"),
    entry: "main",
    storage: &[Read, ReadWrite, ReadWrite, ReadWrite],
    trusted: true,
};

/// For software drivers and k up to [`MOST_ALONE`].
static TOP_K_ROWS: KernelSpec = KernelSpec {
    name: "top_k_rows",
    source: wgsl!("shared/grid.wgsl", "shared/top_k.wgsl", "top_k_rows.wgsl"),
    entry: "main",
    storage: &[Read, ReadWrite, ReadWrite, ReadWrite],
    trusted: true,
};

/// The most that a thread of [`TOP_K_ROWS`] keeps, and the rows of a workgroup.
const MOST_ALONE: usize = 64;
const ROWS: usize = 8;
/// Of the histogram of [`TOP_K`].
const BINS: usize = 2048;

const RELU: Constants<'static> = &[("SIGNED", 0.0)];
const SIGNED: Constants<'static> = &[("SIGNED", 1.0)];

pub(super) const FAMILY: Family = &[(&TOP_K, &[RELU, SIGNED]), (&TOP_K_ROWS, &[RELU, SIGNED])];

/// `Params` of shaders/shared/top_k.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    concepts: u32,
    k: u32,
    pre_start: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    first_col: u32,
    end_col: u32,
}

pub(super) fn top_k(gpu: &Gpu, pre: &Tensor, codes: &mut Codes) {
    select(gpu, RELU, pre, codes);
}

pub(super) fn top_k_signed(gpu: &Gpu, pre: &Tensor, codes: &mut Codes) {
    select(gpu, SIGNED, pre, codes);
}

fn select(gpu: &Gpu, constants: Constants<'static>, pre: &Tensor, codes: &mut Codes) {
    let (concepts, k) = (codes.concepts(), codes.width());
    shapes::expect("pre-codes", pre, [codes.rows(), concepts]);
    let operands = [pre.gpu(), codes.indices.gpu(), codes.values.gpu(), codes.counts.gpu()];
    for segment in segments(operands, codes.rows()) {
        let mut params = Params {
            rows: segment.rows as u32,
            concepts: concepts as u32,
            k: k as u32,
            pre_start: segment.start(0, concepts),
            indices_start: segment.start(1, k),
            values_start: segment.start(2, k),
            counts_start: segment.start(3, 1),
            first_col: 0,
            end_col: concepts as u32,
        };
        if gpu.kernels.software && k <= MOST_ALONE {
            let groups = segment.rows.div_ceil(ROWS) as u64;
            for first in (0..concepts.max(1)).step_by(columns_at_once(k)) {
                params.first_col = first as u32;
                params.end_col = concepts.min(first + columns_at_once(k)) as u32;
                gpu.dispatch(&TOP_K_ROWS, constants, &segment.chunks, &params, groups);
            }
        } else {
            // The histogram is cleared and added up thrice, the row read four times.
            let rounds = 4 * concepts + 6 * BINS;
            let groups = segment.rows as u64;
            gpu.dispatch_rows((&TOP_K, rounds), constants, &segment.chunks, &params, groups);
        }
    }
}

/// How many columns a dispatch of [`TOP_K_ROWS`] may read: ascending ones all go down the heap.
fn columns_at_once(k: usize) -> usize {
    let rounds_of_a_column = 4 + k.max(1).ilog2() as usize;
    let others = k * (k + 8); // to begin and to sort
    (MOST_ROUNDS - others) / rounds_of_a_column
}
