//! The end of building a dictionary, and the beginning of its backward pass.

use super::Gpu;
use super::loss::{exponent, zero};
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use super::sumsq::total;
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    let source =
        wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/lanes.wgsl", "dictionary.wgsl");
    KernelSpec { name, source, entry: name, storage, trusted: false }
}

static ADD_RELAXATION: KernelSpec = spec("add_relaxation", &[Read, Read, ReadWrite]);
static BACKWARD: KernelSpec = spec("dictionary_backward", &[Read, Read, ReadWrite, ReadWrite]);

pub(super) const FAMILY: Family = &[(&ADD_RELAXATION, PLAIN), (&BACKWARD, PLAIN)];

/// Elements that one workgroup of the backward pass sums, as in the shader.
const BLOCK: u32 = 4096;

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Relax {
    count: u32,
    wc_start: u32,
    r_start: u32,
}

pub(super) fn add_relaxation(gpu: &Gpu, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
    expect("R", r, wc.shape());
    let cols = wc.cols();
    let zero = zero(gpu);
    let multiplier = exponent(multiplier, &zero);
    for segment in segments([wc.gpu(), r.gpu()], wc.rows()) {
        let params = Relax {
            count: segment.count(cols),
            wc_start: segment.start(0, cols),
            r_start: segment.start(1, cols),
        };
        let [wc, r] = segment.chunks;
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(&ADD_RELAXATION, &[], &[r, multiplier, wc], &params, groups);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Backward {
    count: u32,
    dictionary_start: u32,
    grad_start: u32,
    partial_start: u32,
}

pub(super) fn dictionary_backward(
    gpu: &Gpu,
    dictionary: &Tensor,
    multiplier: Option<&Tensor>,
    grad: &mut Tensor,
    grad_multiplier: &mut Tensor,
) {
    let [rows, cols] = dictionary.shape();
    expect("gradient of the dictionary", grad, [rows, cols]);
    expect("gradient of the multiplier", grad_multiplier, [1, 1]);
    let zero = zero(gpu);
    let multiplier = exponent(multiplier, &zero);
    let parts = segments([dictionary.gpu(), grad.gpu()], rows);
    let groups = parts.iter().map(|part| part.count(cols).div_ceil(BLOCK)).sum::<u32>();
    let partial = gpu.scratch("dictionary", groups as usize);
    let mut partial_start = 0;
    for part in &parts {
        let params = Backward {
            count: part.count(cols),
            dictionary_start: part.start(0, cols),
            grad_start: part.start(1, cols),
            partial_start,
        };
        let [dictionary, grad] = part.chunks;
        let groups = params.count.div_ceil(BLOCK);
        let buffers = [dictionary, multiplier, grad, &*partial];
        gpu.dispatch(&BACKWARD, &[], &buffers, &params, groups.into());
        partial_start += groups;
    }
    total(gpu, &partial, groups as usize, grad_multiplier.gpu().single(), 0);
}
