//! The normalisation of each column over a batch, its backward pass, and the moments that stay for evaluation.

use super::Gpu;
use super::columns::sums_and_dots;
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use crate::device::{NORM_EPS, NORM_MOMENTUM, Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const fn spec(name: &'static str, entry: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec {
        name,
        source: wgsl!("shared/grid.wgsl", "batch_norm.wgsl"),
        entry,
        storage,
        trusted: false,
    }
}

static FORWARD: KernelSpec =
    spec("batch_norm", "forward", &[Read, Read, Read, Read, Read, ReadWrite, ReadWrite]);
static BACKWARD: KernelSpec =
    spec("batch_norm_backward", "backward", &[Read, Read, Read, Read, Read, ReadWrite]);
static RUNNING: KernelSpec =
    spec("running_moments", "running", &[Read, Read, ReadWrite, ReadWrite]);

pub(super) const FAMILY: Family = &[(&FORWARD, PLAIN), (&BACKWARD, PLAIN), (&RUNNING, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Forward {
    count: u32,
    cols: u32,
    x_start: u32,
    normed_start: u32,
    out_start: u32,
    eps: f32,
}

pub(super) fn batch_norm(
    gpu: &Gpu,
    x: &Tensor,
    mean: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    normed: &mut Tensor,
    out: &mut Tensor,
) {
    let [rows, cols] = x.shape();
    expect("means", mean, [cols, 1]);
    expect("variances", variance, [cols, 1]);
    expect("weight", weight, [cols, 1]);
    expect("bias", bias, [cols, 1]);
    expect("normed", normed, [rows, cols]);
    expect("output of the norm", out, [rows, cols]);
    let [mean, variance, weight, bias] =
        [mean, variance, weight, bias].map(|vector| vector.gpu().single());
    for segment in segments([x.gpu(), normed.gpu(), out.gpu()], rows) {
        let params = Forward {
            count: segment.count(cols),
            cols: cols as u32,
            x_start: segment.start(0, cols),
            normed_start: segment.start(1, cols),
            out_start: segment.start(2, cols),
            eps: NORM_EPS,
        };
        let [x, normed, out] = segment.chunks;
        let buffers = [x, mean, variance, weight, bias, normed, out];
        gpu.dispatch(&FORWARD, &[], &buffers, &params, params.count.div_ceil(256).into());
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Backward {
    count: u32,
    cols: u32,
    normed_start: u32,
    grad_start: u32,
    inv_rows: f32,
    eps: f32,
}

pub(super) fn batch_norm_backward(
    gpu: &Gpu,
    normed: &Tensor,
    variance: &Tensor,
    weight: &Tensor,
    grad: &mut Tensor,
) {
    let [rows, cols] = normed.shape();
    expect("variances", variance, [cols, 1]);
    expect("weight", weight, [cols, 1]);
    expect("gradient of the norm", grad, [rows, cols]);
    let sums = gpu.scratch("column sums of a gradient", cols);
    let dots = gpu.scratch("column dots of a gradient", cols);
    sums_and_dots(gpu, grad, normed, Some(&sums), &dots);
    let (variance, weight) = (variance.gpu().single(), weight.gpu().single());
    for segment in segments([normed.gpu(), grad.gpu()], rows) {
        let params = Backward {
            count: segment.count(cols),
            cols: cols as u32,
            normed_start: segment.start(0, cols),
            grad_start: segment.start(1, cols),
            inv_rows: (1.0 / rows as f64) as f32,
            eps: NORM_EPS,
        };
        let [normed, grad] = segment.chunks;
        let buffers = [normed, variance, weight, &sums, &dots, grad];
        gpu.dispatch(&BACKWARD, &[], &buffers, &params, params.count.div_ceil(256).into());
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Running {
    cols: u32,
    unbias: f32,
    momentum: f32,
}

pub(super) fn running_moments(
    gpu: &Gpu,
    mean: &Tensor,
    variance: &Tensor,
    rows: usize,
    running_mean: &mut Tensor,
    running_variance: &mut Tensor,
) {
    assert!(rows >= 2, "the variance of {rows} rows");
    let cols = mean.rows();
    expect("means", mean, [cols, 1]);
    expect("variances", variance, [cols, 1]);
    expect("running means", running_mean, [cols, 1]);
    expect("running variances", running_variance, [cols, 1]);
    let params = Running {
        cols: cols as u32,
        unbias: (rows as f64 / (rows - 1) as f64) as f32,
        momentum: NORM_MOMENTUM,
    };
    let [mean, variance] = [mean, variance].map(|vector| vector.gpu().single());
    let buffers = [mean, variance, running_mean.gpu().single(), running_variance.gpu().single()];
    gpu.dispatch(&RUNNING, &[], &buffers, &params, cols.div_ceil(256) as u64);
}
