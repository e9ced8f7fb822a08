//! The normalisation of each row, and its backward pass.

use super::Gpu;
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use crate::device::{NORM_EPS, Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const fn spec(name: &'static str, entry: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec {
        name,
        source: wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "layer_norm.wgsl"),
        entry,
        storage,
        trusted: false,
    }
}

static FORWARD: KernelSpec =
    spec("layer_norm", "forward", &[Read, Read, Read, ReadWrite, ReadWrite, ReadWrite]);
static BACKWARD: KernelSpec =
    spec("layer_norm_backward", "backward", &[Read, Read, Read, ReadWrite]);

pub(super) const FAMILY: Family = &[(&FORWARD, PLAIN), (&BACKWARD, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Forward {
    rows: u32,
    cols: u32,
    x_start: u32,
    normed_start: u32,
    inv_std_start: u32,
    out_start: u32,
    eps: f32,
}

pub(super) fn layer_norm(
    gpu: &Gpu,
    x: &Tensor,
    weight: &Tensor,
    bias: &Tensor,
    normed: &mut Tensor,
    inv_std: &mut Tensor,
    out: &mut Tensor,
) {
    let [rows, cols] = x.shape();
    expect("weight", weight, [cols, 1]);
    expect("bias", bias, [cols, 1]);
    expect("normed", normed, [rows, cols]);
    expect("inverse deviations", inv_std, [rows, 1]);
    expect("output of the norm", out, [rows, cols]);
    if cols == 0 {
        return;
    }
    for segment in segments([x.gpu(), normed.gpu(), inv_std.gpu(), out.gpu()], rows) {
        let params = Forward {
            rows: segment.rows as u32,
            cols: cols as u32,
            x_start: segment.start(0, cols),
            normed_start: segment.start(1, cols),
            inv_std_start: segment.start(2, 1),
            out_start: segment.start(3, cols),
            eps: NORM_EPS,
        };
        let [x, normed, inv_std, out] = segment.chunks;
        let buffers = [x, weight.gpu().single(), bias.gpu().single(), normed, inv_std, out];
        gpu.dispatch(&FORWARD, &[], &buffers, &params, segment.rows as u64);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Backward {
    rows: u32,
    cols: u32,
    normed_start: u32,
    inv_std_start: u32,
    grad_start: u32,
}

pub(super) fn layer_norm_backward(
    gpu: &Gpu,
    normed: &Tensor,
    inv_std: &Tensor,
    weight: &Tensor,
    grad: &mut Tensor,
) {
    let [rows, cols] = normed.shape();
    expect("inverse deviations", inv_std, [rows, 1]);
    expect("weight", weight, [cols, 1]);
    expect("gradient of the norm", grad, [rows, cols]);
    for segment in segments([normed.gpu(), inv_std.gpu(), grad.gpu()], rows) {
        let params = Backward {
            rows: segment.rows as u32,
            cols: cols as u32,
            normed_start: segment.start(0, cols),
            inv_std_start: segment.start(1, 1),
            grad_start: segment.start(2, cols),
        };
        let [normed, inv_std, grad] = segment.chunks;
        let buffers = [normed, inv_std, weight.gpu().single(), grad];
        gpu.dispatch(&BACKWARD, &[], &buffers, &params, segment.rows as u64);
    }
}
