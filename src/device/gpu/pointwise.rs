//! A penalty that is a sum of f(v): a kernel is written for every expression.

use super::Gpu;
use super::pipelines::{Access::*, KernelSpec};
use super::source::{Source, wgsl};
use super::term::{BLOCK, blocks, entry_parts, total};
use crate::device::{Entries, Tensor, log};
use crate::expression::Expression;
use bytemuck::{Pod, Zeroable};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

const SOURCE: Source = wgsl!(
    "shared/grid.wgsl",
    "shared/numbers.wgsl",
    "shared/functions.wgsl",
    "shared/lanes.wgsl",
    "pointwise.wgsl"
);

/// Every operation and function, for the test that puts all shaders through all writers.
const EXAMPLE: &str = "-max(abs(v), 3 - v) * sqrt(v^2 + 1) / (exp(v) + v^-3) + min(log(v^4 + 2), relu(v)) \
    - tanh(2 * v) * sin(v / 3) + cos(v + 1e-3) * (v^2 + 1)^0.3";

/// The kernel of an expression, made once for each text and never dropped: kernels are static, like their pipelines,
/// and a process sees only the few expressions that its user writes.
fn kernel(f: &Expression) -> &'static KernelSpec {
    static KERNELS: LazyLock<Mutex<HashMap<String, &'static KernelSpec>>> =
        LazyLock::new(Default::default);
    let mut kernels = KERNELS.lock().unwrap_or_else(PoisonError::into_inner);
    let text = f.to_string();
    let make = || -> &'static KernelSpec {
        Box::leak(Box::new(KernelSpec {
            name: format!("pointwise {text}").leak(),
            source: [SOURCE, &[f.wgsl().leak()]].concat().leak(),
            entry: "pointwise",
            storage: &[Read, Read, ReadWrite, ReadWrite],
            trusted: false,
        }))
    };
    kernels.entry(text.clone()).or_insert_with(make)
}

/// A kernel that stands for all of them.
pub(super) fn example() -> &'static KernelSpec {
    kernel(&EXAMPLE.parse().expect("the example is an expression"))
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Params {
    count: u32,
    width: u32,
    counted: u32,
    values_start: u32,
    counts_start: u32,
    grad_start: u32,
    partial_start: u32,
    factor: f32,
}

pub(super) fn pointwise(
    gpu: &Gpu,
    f: &Expression,
    factor: f32,
    at: Entries<'_>,
    grad: &mut Tensor,
    cell: log::Cell<'_>,
) {
    let (spec, width) = (kernel(f), grad.cols());
    let parts = entry_parts(at, grad);
    let partial = gpu.scratch("term", blocks(&parts, width));
    let mut partial_start = 0;
    for part in &parts {
        let params = Params {
            count: part.count(width),
            width: width as u32,
            counted: u32::from(at.counts.is_some()),
            values_start: part.start(0, width),
            counts_start: part.start(1, 1),
            grad_start: part.start(2, width),
            partial_start,
            factor,
        };
        let [values, counts, grad] = part.chunks;
        let groups = params.count.div_ceil(BLOCK);
        gpu.dispatch(spec, &[], &[values, counts, grad, &partial], &params, groups.into());
        partial_start += groups;
    }
    total(gpu, &partial, partial_start, factor, &cell);
}
