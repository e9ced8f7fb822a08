//! The k-th largest of all pre-codes of a batch.

use super::Gpu;
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::source::{Source, wgsl};
use crate::device::{Tensor, shapes};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source = wgsl!("shared/grid.wgsl", "kth_largest.wgsl");

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry: name, storage, trusted: false }
}

static BEGIN: KernelSpec = spec("begin_digits", &[ReadWrite, ReadWrite]);
static COUNT: KernelSpec = spec("count_digits", &[Read, Read, ReadWrite]);
static TAKE: KernelSpec = spec("take_digit", &[ReadWrite, ReadWrite, ReadWrite]);

pub(super) const FAMILY: Family = &[(&BEGIN, PLAIN), (&COUNT, PLAIN), (&TAKE, PLAIN)];

/// Bins of the histogram and elements a workgroup, as in the shader.
const BINS: usize = 2048;
const BLOCK: u32 = 16_384;

/// The digits from above, (lowest bit, bits); the sign is not among them.
const DIGITS: [(u32, u32); 3] = [(20, 11), (10, 10), (0, 10)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    count: u32,
    shift: u32,
    bits: u32,
    rank: u32,
}

pub(super) fn kth_largest(gpu: &Gpu, pre: &Tensor, k: usize, out: &mut Tensor) {
    shapes::kth_largest(pre, k, out);
    if pre.is_empty() {
        return;
    }
    let histogram = gpu.scratch("digits", BINS);
    let found = gpu.scratch("digits so far", 2);
    let out = out.gpu().single();
    let params = Params { count: 0, shift: 0, bits: 0, rank: k as u32 };
    gpu.dispatch(&BEGIN, &[], &[&histogram, &found], &params, 1);
    for (shift, bits) in DIGITS {
        for (chunk, rows) in pre.gpu().in_use(pre.rows()) {
            let count = (rows.len() * pre.cols()) as u32;
            let params = Params { count, shift, bits, rank: 0 };
            let groups = count.div_ceil(BLOCK).into();
            gpu.dispatch(&COUNT, &[], &[chunk, &*found, &*histogram], &params, groups);
        }
        let params = Params { count: 0, shift, bits, rank: 0 };
        gpu.dispatch(&TAKE, &[], &[&histogram, &found, out], &params, 1);
    }
}
