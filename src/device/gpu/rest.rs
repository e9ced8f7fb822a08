//! Rows of a parameter that rest while their atom does not fire, and catch up when it does.

use super::Gpu;
use super::choice::Rounds;
use super::pipelines::{Access::*, KernelSpec};
use super::project::{ROW_WISE, constants};
use super::registry::Family;
use super::segments::segments;
use super::source::wgsl;
use crate::device::{AdamStep, ByAtom, Projection, REST, Tensor, shapes};
use bytemuck::{Pod, Zeroable};

static CATCH_UP: KernelSpec = KernelSpec {
    name: "rest",
    source: wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "shared/project.wgsl", "rest.wgsl"),
    entry: "main",
    storage: &[ReadWrite, ReadWrite, ReadWrite, ReadWrite, ReadWrite, Read],
    trusted: true,
};

pub(super) const FAMILY: Family = &[(&CATCH_UP, ROW_WISE)];

/// `Params` of shaders/rest.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    rows: u32,
    cols: u32,
    atom0: u32,
    param_start: u32,
    first_start: u32,
    second_start: u32,
    now: u32,
    firing: u32,
    one_minus_beta1: f32,
    beta2: f32,
    eps: f32,
    rest: f32,
    bound: f32,
    step_size: f32,
    inv_sqrt_bias2: f32,
    decay: f32,
}

pub(super) fn catch_up(
    gpu: &Gpu,
    param: &mut Tensor,
    first: &mut Tensor,
    second: &mut Tensor,
    done: &mut Tensor<u32>,
    firing: Option<&ByAtom>,
    steps: &mut Tensor,
    now: u32,
    numbers: AdamStep,
    projection: Projection,
) {
    let [rows, cols] = param.shape();
    shapes::expect("first moment", first, [rows, cols]);
    shapes::expect("second moment", second, [rows, cols]);
    shapes::catch_up(param, done, firing, steps, now);
    shapes::row_wise(projection);
    if cols == 0 {
        return;
    }
    let (constants, bound) = constants(projection);
    let steps = steps.gpu().single();
    // Something must be bound where all rows catch up.
    let unused = gpu.scratch("rest", 1);
    let index = firing.map_or(&*unused, |firing| firing.index.gpu().single());
    for segment in segments([param.gpu(), first.gpu(), second.gpu()], rows) {
        let [param, first, second] = segment.chunks;
        let params = Params {
            rows: segment.rows as u32,
            cols: cols as u32,
            atom0: segment.row0 as u32,
            param_start: segment.start(0, cols),
            first_start: segment.start(1, cols),
            second_start: segment.start(2, cols),
            now,
            firing: firing.is_some().into(),
            one_minus_beta1: numbers.one_minus_beta1,
            beta2: numbers.beta2,
            eps: numbers.eps,
            rest: REST,
            bound,
            step_size: numbers.step_size,
            inv_sqrt_bias2: numbers.inv_sqrt_bias2,
            decay: numbers.decay,
        };
        let buffers = [param, first, second, done.gpu().single(), steps, index];
        let rounds = Rounds { shared: cols, each: 3 * (now as usize + 1) };
        gpu.dispatch_rows((&CATCH_UP, rounds), constants, &buffers, &params, segment.rows as u64);
    }
}
