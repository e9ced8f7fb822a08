//! Operations on each element for itself.

use super::loss::{exponent, zero};
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::{Chunk, Gpu};
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source =
    wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/jump.wgsl", "elementwise.wgsl");

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry: name, storage, trusted: false }
}

static FILL: KernelSpec = spec("fill", &[ReadWrite]);
static LN: KernelSpec = spec("ln", &[ReadWrite, Read]);
static ABOVE: KernelSpec = spec("above", &[ReadWrite, Read, Read]);
static RUNNING_THRESHOLD: KernelSpec = spec("running_threshold", &[ReadWrite, Read]);
static KEEP_SELECTED: KernelSpec = spec("keep_selected", &[ReadWrite, Read]);
static SCALE_ATOMS: KernelSpec = spec("scale_atoms", &[ReadWrite, Read, Read]);
static DIRECT_THRESHOLDS: KernelSpec = spec("direct_thresholds", &[ReadWrite, Read]);

pub(super) const FAMILY: Family = &[
    (&FILL, PLAIN),
    (&LN, PLAIN),
    (&ABOVE, PLAIN),
    (&RUNNING_THRESHOLD, PLAIN),
    (&KEEP_SELECTED, PLAIN),
    (&SCALE_ATOMS, PLAIN),
    (&DIRECT_THRESHOLDS, PLAIN),
];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    count: u32,
    out_start: u32,
    a_start: u32,
    value: f32,
}

/// Workgroups for so many elements.
fn groups(count: u32) -> u64 {
    count.div_ceil(256).into()
}

/// Runs `spec` over the elements of `out` and `a`, with a number of its own and, where it binds one, a scalar.
fn map(
    gpu: &Gpu,
    spec: &'static KernelSpec,
    out: &Tensor,
    a: &Tensor,
    one: Option<&Chunk>,
    value: f32,
) {
    let [rows, cols] = out.shape();
    expect("operand", a, [rows, cols]);
    for segment in segments([out.gpu(), a.gpu()], rows) {
        let params = Params {
            count: segment.count(cols),
            out_start: segment.start(0, cols),
            a_start: segment.start(1, cols),
            value,
        };
        let mut buffers = segment.chunks.to_vec();
        buffers.extend(one);
        gpu.dispatch(spec, &[], &buffers, &params, groups(params.count));
    }
}

pub(super) fn fill(gpu: &Gpu, out: &mut Tensor, value: f32) {
    let cols = out.cols();
    for segment in segments([out.gpu()], out.rows()) {
        let out_start = segment.start(0, cols);
        let params = Params { count: segment.count(cols), out_start, a_start: 0, value };
        gpu.dispatch(&FILL, &[], &segment.chunks, &params, groups(params.count));
    }
}

pub(super) fn ln(gpu: &Gpu, a: &Tensor, out: &mut Tensor) {
    map(gpu, &LN, out, a, None, 0.0);
}

pub(super) fn above(gpu: &Gpu, pre: &Tensor, threshold: &Tensor, z: &mut Tensor) {
    expect("threshold", threshold, [1, 1]);
    map(gpu, &ABOVE, z, pre, Some(threshold.gpu().single()), 0.0);
}

pub(super) fn running_threshold(gpu: &Gpu, current: &Tensor, momentum: f32, running: &mut Tensor) {
    expect("running threshold", running, [1, 1]);
    map(gpu, &RUNNING_THRESHOLD, running, current, None, momentum);
}

pub(super) fn keep_selected(gpu: &Gpu, z: &Tensor, grad: &mut Tensor) {
    map(gpu, &KEEP_SELECTED, grad, z, None, 0.0);
}

pub(super) fn scale_atoms(gpu: &Gpu, v: &Tensor, multiplier: Option<&Tensor>, out: &mut Tensor) {
    let zero = zero(gpu);
    map(gpu, &SCALE_ATOMS, out, v, Some(exponent(multiplier, &zero)), 0.0);
}

pub(super) fn direct_thresholds(gpu: &Gpu, thresholds: &Tensor, bandwidth: f32, grad: &mut Tensor) {
    expect("thresholds", thresholds, [grad.rows(), 1]);
    map(gpu, &DIRECT_THRESHOLDS, grad, thresholds, None, bandwidth);
}
