//! The update of a parameter.

use super::Gpu;
use super::gradient::{Entries, RowsParams};
use super::pipelines::{Access::*, KernelSpec};
use super::project::{ACTIVE_ROWS, ROW_WISE, constants, of_rows};
use super::registry::Family;
use super::segments::segments;
use super::source::wgsl;
use crate::device::{AdamStep, Grad, Projection, Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static DENSE: KernelSpec = KernelSpec {
    name: "adam_dense",
    source: wgsl!(
        "shared/grid.wgsl",
        "shared/lanes.wgsl",
        "shared/adam_params.wgsl",
        "shared/project.wgsl",
        "shared/part.wgsl",
        "shared/grad_dense.wgsl",
        "adam.wgsl"
    ),
    entry: "main",
    storage: &[ReadWrite, ReadWrite, ReadWrite, Read, Read],
    trusted: true,
};

static ROWS: KernelSpec = KernelSpec {
    name: "adam_rows",
    source: wgsl!(
        "shared/grid.wgsl",
        "shared/lanes.wgsl",
        "shared/adam_params.wgsl",
        "shared/project.wgsl",
        "shared/part.wgsl",
        "shared/grad_rows.wgsl",
        "adam.wgsl"
    ),
    entry: "main",
    storage: &[ReadWrite, ReadWrite, ReadWrite, Read, Read, Read, Read],
    trusted: true,
};

pub(super) const FAMILY: Family = &[(&DENSE, ROW_WISE), (&ROWS, ROW_WISE), (&ROWS, ACTIVE_ROWS)];

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
    decay: f32,
    bound: f32,
    grad_start: u32,
    entries: RowsParams,
}

/// With `active` only the rows that have entries; the batch is whole then.
pub(super) fn adam(
    gpu: &Gpu,
    param: &mut Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    grad: Grad<'_>,
    scale: &Tensor,
    step: AdamStep,
    projection: Projection,
    active: bool,
) {
    let [rows, cols] = param.shape();
    shapes::expect("first moment", first, [rows, cols]);
    shapes::expect("second moment", second, [rows, cols]);
    shapes::grad(&grad, [rows, cols]);
    shapes::expect("scale", scale, [1, 1]);
    shapes::row_wise(projection);
    let whole = Entries::of(grad).is_some_and(|entries| entries.is_whole());
    assert!(!active || whole, "rows that can rest");
    if cols == 0 {
        return;
    }
    let (constants, bound) = match active {
        true => of_rows(ACTIVE_ROWS, projection),
        false => constants(projection),
    };
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
            decay: step.decay,
            bound,
            grad_start: segment.start(3, cols),
            entries: RowsParams::default(),
        };
        let Some(entries) = Entries::of(grad) else {
            let buffers = [param, first, second, scale, dense];
            gpu.dispatch_rows((&DENSE, 2 * cols), constants, &buffers, &params, groups);
            continue;
        };
        if let Some(([index, values, source], told)) = entries.whole(segment.row0) {
            params.entries = told;
            let buffers = [param, first, second, scale, index, values, source];
            gpu.dispatch_rows((&ROWS, told.rounds(cols)), constants, &buffers, &params, groups);
        } else {
            // The batch is split: the gradient of these rows is added up first.
            let stored = gpu.scratch("gradient", segment.rows * cols);
            entries.store(gpu, segment.row0..segment.row0 + segment.rows, &stored, 0);
            params.grad_start = 0;
            let buffers = [param, first, second, scale, &*stored];
            gpu.dispatch_rows((&DENSE, 2 * cols), constants, &buffers, &params, groups);
        }
    }
}
