//! The update of a parameter, and what holds it in its set.

use super::Gpu;
use super::gradient::{Entries, RowsParams};
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::Family;
use super::segments::segments;
use crate::device::{AdamStep, Grad, Projection, Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static DENSE: KernelSpec = KernelSpec {
    name: "adam_dense",
    source: concat!(
        include_str!("../../../shaders/shared/grid.wgsl"),
        include_str!("../../../shaders/shared/lanes.wgsl"),
        include_str!("../../../shaders/shared/adam_params.wgsl"),
        include_str!("../../../shaders/shared/project.wgsl"),
        include_str!("../../../shaders/shared/grad_dense.wgsl"),
        include_str!("../../../shaders/adam.wgsl"),
    ),
    entry: "main",
    storage: &[ReadWrite, ReadWrite, ReadWrite, Read, Read],
    trusted: true,
};

static ROWS: KernelSpec = KernelSpec {
    name: "adam_rows",
    source: concat!(
        include_str!("../../../shaders/shared/grid.wgsl"),
        include_str!("../../../shaders/shared/lanes.wgsl"),
        include_str!("../../../shaders/shared/adam_params.wgsl"),
        include_str!("../../../shaders/shared/project.wgsl"),
        include_str!("../../../shaders/shared/grad_rows.wgsl"),
        include_str!("../../../shaders/adam.wgsl"),
    ),
    entry: "main",
    storage: &[ReadWrite, ReadWrite, ReadWrite, Read, Read, Read, Read],
    trusted: true,
};

static PROJECT: KernelSpec = KernelSpec {
    name: "project",
    source: concat!(
        include_str!("../../../shaders/shared/grid.wgsl"),
        include_str!("../../../shaders/shared/lanes.wgsl"),
        include_str!("../../../shaders/shared/project.wgsl"),
        include_str!("../../../shaders/project.wgsl"),
    ),
    entry: "main",
    storage: &[ReadWrite],
    trusted: true,
};

const NONE: Constants<'static> = &[("PROJECTION", 0.0)];
const SIMPLEX: Constants<'static> = &[("PROJECTION", 1.0)];
const BALL: Constants<'static> = &[("PROJECTION", 2.0)];

pub(super) const FAMILY: Family = &[
    (&DENSE, &[NONE, SIMPLEX, BALL]),
    (&ROWS, &[NONE, SIMPLEX, BALL]),
    (&PROJECT, &[SIMPLEX, BALL]),
];

/// The shader's constant and the radius.
fn constants(projection: Projection) -> (Constants<'static>, f32) {
    match projection {
        Projection::None => (NONE, 0.0),
        Projection::Simplex => (SIMPLEX, 0.0),
        Projection::Ball(radius) => (BALL, radius),
    }
}

/// `Params` of shaders/shared/adam_params.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Default, Pod, Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    len: u32,
    param_start: u32,
    first_start: u32,
    second_start: u32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    step_size: f32,
    inv_sqrt_bias2: f32,
    radius: f32,
    grad_start: u32,
    entries: RowsParams,
}

pub(super) fn adam(
    gpu: &Gpu,
    param: &mut Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    grad: Grad<'_>,
    scale: &Tensor,
    step: AdamStep,
    projection: Projection,
) {
    let [rows, cols] = param.shape();
    shapes::expect("first moment", first, [rows, cols]);
    shapes::expect("second moment", second, [rows, cols]);
    shapes::grad(&grad, [rows, cols]);
    shapes::expect("scale", scale, [1, 1]);
    if cols == 0 {
        return;
    }
    let (constants, radius) = constants(projection);
    let scale = scale.gpu().single();
    // A gradient that is made has the rows of the parameter, whose chunks stand in for its own.
    let stored = if let Grad::Dense(dense) = grad { dense.gpu() } else { param.gpu() };
    for segment in segments([param.gpu(), first.gpu(), second.gpu(), stored], rows) {
        let [param, first, second, dense] = segment.chunks;
        let groups = segment.rows as u64;
        let mut params = Params {
            rows: segment.rows as u32,
            cols: cols as u32,
            len: segment.count(cols),
            param_start: segment.start(0, cols),
            first_start: segment.start(1, cols),
            second_start: segment.start(2, cols),
            one_minus_beta1: step.one_minus_beta1,
            beta2: step.beta2,
            one_minus_beta2: step.one_minus_beta2,
            eps: step.eps,
            step_size: step.step_size,
            inv_sqrt_bias2: step.inv_sqrt_bias2,
            radius,
            grad_start: segment.start(3, cols),
            entries: RowsParams::default(),
        };
        let Some(entries) = Entries::of(grad) else {
            let buffers = [param, first, second, scale, dense];
            gpu.dispatch(&DENSE, constants, &buffers, &params, groups);
            continue;
        };
        if let Some(([index, values, source], told)) = entries.whole(segment.row0) {
            params.entries = told;
            let buffers = [param, first, second, scale, index, values, source];
            gpu.dispatch(&ROWS, constants, &buffers, &params, groups);
        } else {
            // The batch is split: the gradient of these rows is added up first.
            let stored = gpu.scratch("gradient", segment.rows * cols);
            entries.store(gpu, segment.row0..segment.row0 + segment.rows, &stored, 0);
            params.grad_start = 0;
            let buffers = [param, first, second, scale, &*stored];
            gpu.dispatch(&DENSE, constants, &buffers, &params, groups);
        }
    }
}

/// `Params` of shaders/project.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Project {
    rows: u32,
    cols: u32,
    param_start: u32,
    radius: f32,
}

pub(super) fn project(gpu: &Gpu, param: &mut Tensor, projection: Projection) {
    if projection == Projection::None {
        return;
    }
    let (constants, radius) = constants(projection);
    let [rows, cols] = param.shape();
    for (chunk, rows) in param.gpu().in_use(rows) {
        let params = Project { rows: rows.len() as u32, cols: cols as u32, param_start: 0, radius };
        gpu.dispatch(&PROJECT, constants, &[chunk], &params, rows.len() as u64);
    }
}
