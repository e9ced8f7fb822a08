//! What the codes leave over, and how well the concepts that were left out tell it.

use super::Gpu;
use super::loss::zero;
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::term::{BLOCK, blocks, total};
use crate::device::{Tensor, log, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source =
    wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/lanes.wgsl", "residual.wgsl");

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry: name, storage, trusted: false }
}

static REMAINDER: KernelSpec = spec("remainder", &[Read, Read, Read, ReadWrite]);
static ERROR: KernelSpec =
    spec("residual_error", &[Read, Read, Read, ReadWrite, ReadWrite, ReadWrite]);
static DEAD_SHARE: KernelSpec = spec("dead_share", &[Read, ReadWrite]);

pub(super) const FAMILY: Family = &[(&REMAINDER, PLAIN), (&ERROR, PLAIN), (&DEAD_SHARE, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Remainder {
    count: u32,
    concepts: u32,
    pre_start: u32,
    z_start: u32,
    out_start: u32,
    limited: u32,
    limit: u32,
}

pub(super) fn remainder(
    gpu: &Gpu,
    pre: &Tensor,
    z: &Tensor,
    idle: Option<(&Tensor<u32>, u32)>,
    out: &mut Tensor,
) {
    let concepts = pre.cols();
    expect("codes", z, pre.shape());
    expect("remainder", out, pre.shape());
    let zero = zero(gpu);
    let (idle_chunk, limit) = match idle {
        Some((idle, limit)) => {
            expect("idle", idle, [concepts, 1]);
            (idle.gpu().single(), limit)
        }
        None => (&*zero, 0),
    };
    for part in segments([pre.gpu(), z.gpu(), out.gpu()], pre.rows()) {
        let params = Remainder {
            count: part.count(concepts),
            concepts: concepts as u32,
            pre_start: part.start(0, concepts),
            z_start: part.start(1, concepts),
            out_start: part.start(2, concepts),
            limited: u32::from(idle.is_some()),
            limit,
        };
        let [pre, z, out] = part.chunks;
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(&REMAINDER, &[], &[pre, z, idle_chunk, out], &params, groups);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Error {
    count: u32,
    x_start: u32,
    x_hat_start: u32,
    e_hat_start: u32,
    grad_start: u32,
    partial_start: u32,
    both: u32,
    mean: f32,
    scaled: u32,
}

pub(super) fn residual_error(
    gpu: &Gpu,
    x: &Tensor,
    x_hat: &Tensor,
    factor: f32,
    scale: Option<&Tensor>,
    e_hat: &mut Tensor,
    grad_x_hat: Option<&mut Tensor>,
    cell: log::Cell<'_>,
) {
    let dims = x.cols();
    expect("reconstruction", x_hat, x.shape());
    expect("told residual", e_hat, x.shape());
    if let Some(grad) = &grad_x_hat {
        expect("gradient of the reconstruction", grad, x.shape());
    }
    if let Some(scale) = scale {
        expect("scale", scale, [1, 1]);
    }
    let (zero, unwritten) = (zero(gpu), gpu.scratch("unwritten", 1));
    let scale_chunk = scale.map_or(&*zero, |scale| scale.gpu().single());
    let last = grad_x_hat.as_deref().unwrap_or(x).gpu();
    let parts = if x.is_empty() {
        Vec::new()
    } else {
        segments([x.gpu(), x_hat.gpu(), e_hat.gpu(), last], x.rows())
    };
    let partial = gpu.scratch("term", blocks(&parts, dims));
    let mut partial_start = 0;
    for part in &parts {
        let params = Error {
            count: part.count(dims),
            x_start: part.start(0, dims),
            x_hat_start: part.start(1, dims),
            e_hat_start: part.start(2, dims),
            grad_start: part.start(3, dims),
            partial_start,
            both: u32::from(grad_x_hat.is_some()),
            mean: (f64::from(factor) / x.len() as f64) as f32,
            scaled: u32::from(scale.is_some()),
        };
        let [x, x_hat, e_hat, last] = part.chunks;
        let grad = if grad_x_hat.is_some() { last } else { &*unwritten };
        let groups = params.count.div_ceil(BLOCK);
        let buffers = [x, x_hat, scale_chunk, e_hat, grad, &partial];
        gpu.dispatch(&ERROR, &[], &buffers, &params, groups.into());
        partial_start += groups;
    }
    total(gpu, &partial, partial_start, 1.0, &cell);
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Share {
    concepts: u32,
    limit: u32,
    at_most: f32,
}

pub(super) fn dead_share(
    gpu: &Gpu,
    idle: &Tensor<u32>,
    limit: u32,
    at_most: usize,
    out: &mut Tensor,
) {
    expect("idle", idle, [idle.rows(), 1]);
    expect("dead share", out, [1, 1]);
    let params = Share { concepts: idle.rows() as u32, limit, at_most: at_most as f32 };
    gpu.dispatch(&DEAD_SHARE, &[], &[idle.gpu().single(), out.gpu().single()], &params, 1);
}
