//! relu and its backward pass.

use super::Gpu;
use super::pipelines::{Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const fn spec(name: &'static str) -> KernelSpec {
    KernelSpec {
        name,
        source: wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "relu.wgsl"),
        entry: name,
        storage: &[Read, ReadWrite],
        trusted: false,
    }
}

static RELU: KernelSpec = spec("relu");
static RELU_BACKWARD: KernelSpec = spec("relu_backward");

pub(super) const FAMILY: Family = &[(&RELU, PLAIN), (&RELU_BACKWARD, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Elements {
    count: u32,
    from_start: u32,
    to_start: u32,
}

fn elementwise(gpu: &Gpu, spec: &'static KernelSpec, from: &Tensor, to: &mut Tensor) {
    let cols = from.cols();
    expect("what relu writes", to, from.shape());
    for segment in segments([from.gpu(), to.gpu()], from.rows()) {
        let params = Elements {
            count: segment.count(cols),
            from_start: segment.start(0, cols),
            to_start: segment.start(1, cols),
        };
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(spec, &[], &segment.chunks, &params, groups);
    }
}

pub(super) fn relu(gpu: &Gpu, x: &Tensor, out: &mut Tensor) {
    elementwise(gpu, &RELU, x, out);
}

pub(super) fn relu_backward(gpu: &Gpu, out: &Tensor, grad: &mut Tensor) {
    elementwise(gpu, &RELU_BACKWARD, out, grad);
}
