//! The mean squared error and its gradient.

use super::pipelines::{Access::*, KernelSpec};
use super::reduce::log_place;
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::{Chunk, Gpu};
use crate::device::{Tensor, log, shapes::expect};
use bytemuck::{Pod, Zeroable};
use std::sync::Arc;

const SOURCE: Source =
    wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/lanes.wgsl", "loss.wgsl");

static SQUARED_ERROR: KernelSpec = KernelSpec {
    name: "squared_error",
    source: SOURCE,
    entry: "squared_error",
    storage: &[Read, Read, ReadWrite, ReadWrite, ReadWrite],
    trusted: false,
};
static ERROR_TOTALS: KernelSpec = KernelSpec {
    name: "error_totals",
    source: SOURCE,
    entry: "error_totals",
    storage: &[Read, ReadWrite, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&SQUARED_ERROR, PLAIN), (&ERROR_TOTALS, PLAIN)];

/// Elements a workgroup, as in the shader.
const BLOCK: u32 = 4096;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct SquaredError {
    count: u32,
    x_start: u32,
    raw_start: u32,
    h_start: u32,
    partial_start: u32,
    factor: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Totals {
    count: u32,
    sse_at: u32,
}

pub(super) fn mse(
    gpu: &Gpu,
    x: &Tensor,
    raw: &mut Tensor,
    multiplier: Option<&Tensor>,
    weight: f32,
    h: &mut Tensor,
    grad_multiplier: &mut Tensor,
    log: &mut Tensor,
    row: usize,
) {
    expect("reconstruction", raw, x.shape());
    expect("gradient of the reconstruction", h, x.shape());
    expect("gradient of the multiplier", grad_multiplier, [1, 1]);
    assert!(row < log.rows() && log.cols() == log::WIDTH, "row {row} of the log {:?}", log.shape());
    if x.is_empty() {
        return;
    }
    let cols = x.cols();
    let zero = zero(gpu);
    let multiplier = exponent(multiplier, &zero);
    let parts = segments([x.gpu(), raw.gpu(), h.gpu()], x.rows());
    let groups: usize = parts.iter().map(|part| part.count(cols).div_ceil(BLOCK) as usize).sum();
    let partial = gpu.scratch("squared error", 2 * groups);
    let mut partial_start = 0;
    for part in &parts {
        let params = SquaredError {
            count: part.count(cols),
            x_start: part.start(0, cols),
            raw_start: part.start(1, cols),
            h_start: part.start(2, cols),
            partial_start,
            factor: (f64::from(weight) * 2.0 / x.len() as f64) as f32,
        };
        let [x, raw, h] = part.chunks;
        let groups = params.count.div_ceil(BLOCK);
        let buffers = [x, multiplier, raw, h, &partial];
        let kernel = (&SQUARED_ERROR, BLOCK as usize);
        gpu.dispatch_rows(kernel, &[], &buffers, &params, groups.into());
        partial_start += groups;
    }
    let (log, sse_at) = log_place(log.gpu(), row, log::SSE);
    let buffers = [&partial, grad_multiplier.gpu().single(), log];
    gpu.dispatch(&ERROR_TOTALS, &[], &buffers, &Totals { count: partial_start, sse_at }, 1);
}

/// A number that no kernel writes to, and that is therefore 0.
pub(super) fn zero(gpu: &Gpu) -> Arc<Chunk> {
    gpu.scratch("zero", 1)
}

/// The log-multiplier m, or 0 where there is none: e⁰ is exactly 1.
pub(super) fn exponent<'a>(multiplier: Option<&'a Tensor>, zero: &'a Chunk) -> &'a Chunk {
    match multiplier {
        Some(multiplier) => {
            expect("multiplier", multiplier, [1, 1]);
            multiplier.gpu().single()
        }
        None => zero,
    }
}
