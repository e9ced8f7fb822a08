//! Jump, dense and sparse, and the gradients of its codes and thresholds.

use super::pipelines::{Access, Access::*, Constants, KernelSpec};
use super::reduce::{column_totals, slabs};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::{Chunk, Gpu};
use crate::device::{ByAtom, Codes, Tensor, shapes, shapes::expect};
use crate::sae::Kernel;
use bytemuck::{Pod, Zeroable};
use std::sync::Arc;

const DENSE: Source = wgsl!(
    "shared/grid.wgsl",
    "shared/numbers.wgsl",
    "shared/jump.wgsl",
    "shared/kappa.wgsl",
    "jump.wgsl"
);
const SPARSE: Source = wgsl!(
    "shared/grid.wgsl",
    "shared/numbers.wgsl",
    "shared/lanes.wgsl",
    "shared/jump.wgsl",
    "shared/kappa.wgsl",
    "jump_sparse.wgsl"
);

const fn spec(
    name: &'static str,
    source: Source,
    entry: &'static str,
    storage: &'static [Access],
) -> KernelSpec {
    KernelSpec { name, source, entry, storage, trusted: false }
}

static THETA: KernelSpec = spec("theta", DENSE, "theta", &[Read, ReadWrite]);
static FORWARD: KernelSpec = spec("jump", DENSE, "forward", &[Read, Read, ReadWrite]);
static BACKWARD: KernelSpec =
    spec("jump_backward", DENSE, "backward", &[Read, Read, ReadWrite, ReadWrite]);
static SELECT: KernelSpec =
    spec("jump_sparse", SPARSE, "select_entries", &[Read, Read, ReadWrite, ReadWrite, ReadWrite]);
static BACKWARD_SPARSE: KernelSpec =
    spec("jump_backward_sparse", SPARSE, "backward", &[Read, Read, Read, ReadWrite, ReadWrite]);

/// One for each of [`Kernel::ALL`].
pub(super) const KERNELS: &[Constants<'static>] = &[
    &[("KERNEL", 0.0)],
    &[("KERNEL", 1.0)],
    &[("KERNEL", 2.0)],
    &[("KERNEL", 3.0)],
    &[("KERNEL", 4.0)],
    &[("KERNEL", 5.0)],
    &[("KERNEL", 6.0)],
    &[("KERNEL", 7.0)],
];
const _: () = assert!(KERNELS.len() == Kernel::ALL.len());

pub(super) const FAMILY: Family = &[
    (&THETA, PLAIN),
    (&FORWARD, PLAIN),
    (&BACKWARD, KERNELS),
    (&SELECT, PLAIN),
    (&BACKWARD_SPARSE, KERNELS),
];

pub(super) fn constants(kernel: Kernel) -> Constants<'static> {
    KERNELS[kernel as usize]
}

/// θ [K] = e^t, made by one kernel for all who compare with it: they then decide on the same bits.
pub(super) fn theta(gpu: &Gpu, thresholds: &Tensor) -> Arc<Chunk> {
    let concepts = thresholds.rows();
    let theta = gpu.scratch("theta", concepts);
    let buffers = [thresholds.gpu().single(), &theta];
    gpu.dispatch(&THETA, &[], &buffers, &(concepts as u32), concepts.div_ceil(256) as u64);
    theta
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Forward {
    count: u32,
    concepts: u32,
    pre_start: u32,
    z_start: u32,
}

pub(super) fn jump(gpu: &Gpu, pre: &Tensor, thresholds: &Tensor, z: &mut Tensor) {
    let concepts = pre.cols();
    expect("thresholds", thresholds, [concepts, 1]);
    expect("codes", z, pre.shape());
    let theta = theta(gpu, thresholds);
    for segment in segments([pre.gpu(), z.gpu()], pre.rows()) {
        let params = Forward {
            count: segment.count(concepts),
            concepts: concepts as u32,
            pre_start: segment.start(0, concepts),
            z_start: segment.start(1, concepts),
        };
        let [pre, z] = segment.chunks;
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(&FORWARD, &[], &[pre, &theta, z], &params, groups);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Backward {
    rows: u32,
    concepts: u32,
    pre_start: u32,
    grad_start: u32,
    slab: u32,
    bandwidth: f32,
}

pub(super) fn jump_backward(
    gpu: &Gpu,
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    grad: &mut Tensor,
    grad_thresholds: &mut Tensor,
) {
    let concepts = pre.cols();
    expect("thresholds", thresholds, [concepts, 1]);
    expect("gradient of the codes", grad, pre.shape());
    expect("gradient of the thresholds", grad_thresholds, [concepts, 1]);
    let theta = theta(gpu, thresholds);
    for segment in segments([pre.gpu(), grad.gpu()], pre.rows()) {
        let slabs = slabs(gpu, segment.rows, concepts);
        let partial = gpu.scratch("column slabs", slabs.count * concepts);
        let params = Backward {
            rows: segment.rows as u32,
            concepts: concepts as u32,
            pre_start: segment.start(0, concepts),
            grad_start: segment.start(1, concepts),
            slab: slabs.rows as u32,
            bandwidth,
        };
        let [pre, grad] = segment.chunks;
        let buffers = [pre, &theta, grad, &partial];
        gpu.dispatch(&BACKWARD, constants(kernel), &buffers, &params, slabs.groups);
        let out = grad_thresholds.gpu().single();
        column_totals(gpu, &partial, slabs.count, concepts, segment.row0 > 0, out);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Select {
    rows: u32,
    concepts: u32,
    pre_start: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    reach: f32,
}

pub(super) fn jump_sparse(
    gpu: &Gpu,
    pre: &Tensor,
    thresholds: &Tensor,
    reach: f32,
    codes: &mut Codes,
) {
    let concepts = pre.cols();
    expect("thresholds", thresholds, [concepts, 1]);
    assert_eq!(codes.concepts(), concepts, "concepts of the codes");
    assert_eq!(codes.width(), concepts, "jump may fill every place: the width of its codes");
    assert_eq!(codes.rows(), pre.rows(), "rows of the codes");
    let theta = theta(gpu, thresholds);
    let operands = [pre.gpu(), codes.indices.gpu(), codes.values.gpu(), codes.counts.gpu()];
    for segment in segments(operands, pre.rows()) {
        let params = Select {
            rows: segment.rows as u32,
            concepts: concepts as u32,
            pre_start: segment.start(0, concepts),
            indices_start: segment.start(1, concepts),
            values_start: segment.start(2, concepts),
            counts_start: segment.start(3, 1),
            // A shader may take it for granted that there is no infinity; no distance is beyond the largest number.
            reach: reach.min(f32::MAX),
        };
        let [pre, indices, values, counts] = segment.chunks;
        let buffers = [pre, &theta, indices, values, counts];
        gpu.dispatch(&SELECT, &[], &buffers, &params, segment.rows as u64);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct BackwardSparse {
    concepts: u32,
    width: u32,
    row0: u32,
    rows: u32,
    pre_start: u32,
    accumulate: u32,
    bandwidth: f32,
}

pub(super) fn jump_backward_sparse(
    gpu: &Gpu,
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    codes: &Codes,
    by_atom: &ByAtom,
    grad: &mut Tensor,
    grad_thresholds: &mut Tensor,
) {
    let (concepts, width) = (codes.concepts(), codes.width());
    expect("pre-codes", pre, [codes.rows(), concepts]);
    expect("thresholds", thresholds, [concepts, 1]);
    expect("gradient of the thresholds", grad_thresholds, [concepts, 1]);
    shapes::entries(codes, grad);
    shapes::index(codes, by_atom);
    let theta = theta(gpu, thresholds);
    // The index is never split, and it is longer than the entries: they are not split either.
    let (index, grad) = (by_atom.index.gpu().single(), grad.gpu().single());
    for segment in segments([pre.gpu()], pre.rows()) {
        let params = BackwardSparse {
            concepts: concepts as u32,
            width: width as u32,
            row0: segment.row0 as u32,
            rows: segment.rows as u32,
            pre_start: segment.start(0, concepts),
            accumulate: u32::from(segment.row0 > 0),
            bandwidth,
        };
        let buffers = [segment.chunks[0], &theta, index, grad, grad_thresholds.gpu().single()];
        gpu.dispatch(&BACKWARD_SPARSE, constants(kernel), &buffers, &params, concepts as u64);
    }
}
