//! A penalty on the number of active codes, through the thresholds.

use super::Gpu;
use super::jump::{KERNELS, constants, theta};
use super::pipelines::{Access::*, KernelSpec};
use super::reduce::{cell_place, column_totals, log_place, slabs};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use super::term::total;
use crate::device::{Tensor, log, shapes::expect};
use crate::sae::Kernel;
use bytemuck::{Pod, Zeroable};

const SOURCE: Source =
    wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "shared/kappa.wgsl", "l0.wgsl");

static KAPPAS: KernelSpec = KernelSpec {
    name: "l0_kappas",
    source: SOURCE,
    entry: "kappas",
    storage: &[Read, Read, ReadWrite],
    trusted: false,
};
static GRADIENT: KernelSpec = KernelSpec {
    name: "l0_gradient",
    source: SOURCE,
    entry: "l0_gradient",
    storage: &[Read, Read, ReadWrite, ReadWrite],
    trusted: false,
};

pub(super) const FAMILY: Family = &[(&KAPPAS, KERNELS), (&GRADIENT, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Kappas {
    rows: u32,
    concepts: u32,
    pre_start: u32,
    slab: u32,
    bandwidth: f32,
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Gradient {
    concepts: u32,
    active_at: u32,
    cell_at: u32,
    rows: f32,
    factor: f32,
    target: f32,
}

pub(super) fn l0_penalty(
    gpu: &Gpu,
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    factor: f32,
    target: f32,
    grad_thresholds: &mut Tensor,
    cell: log::Cell<'_>,
) {
    let concepts = pre.cols();
    expect("thresholds", thresholds, [concepts, 1]);
    expect("gradient of the thresholds", grad_thresholds, [concepts, 1]);
    let sums = gpu.scratch("term columns", concepts);
    if pre.is_empty() {
        return total(gpu, &sums, 0, 0.0, &cell);
    }
    let theta = theta(gpu, thresholds);
    for segment in segments([pre.gpu()], pre.rows()) {
        let slabs = slabs(gpu, segment.rows, concepts);
        let partial = gpu.scratch("column slabs", slabs.count * concepts);
        let params = Kappas {
            rows: segment.rows as u32,
            concepts: concepts as u32,
            pre_start: segment.start(0, concepts),
            slab: slabs.rows as u32,
            bandwidth,
        };
        let buffers = [segment.chunks[0], &theta, &partial];
        gpu.dispatch(&KAPPAS, constants(kernel), &buffers, &params, slabs.groups);
        column_totals(gpu, &partial, slabs.count, concepts, segment.row0 > 0, &sums);
    }
    let (log, cell_at) = cell_place(&cell);
    let (_, active_at) = log_place(cell.log.gpu(), cell.row, log::ACTIVE);
    let rows = pre.rows() as f32;
    let params = Gradient { concepts: concepts as u32, active_at, cell_at, rows, factor, target };
    let buffers = [&theta, &sums, log, grad_thresholds.gpu().single()];
    gpu.dispatch(&GRADIENT, &[], &buffers, &params, concepts.div_ceil(64) as u64);
}
