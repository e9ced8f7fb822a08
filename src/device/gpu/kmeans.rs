//! Distances and means for k-means.

use super::Gpu;
use super::pipelines::{Access, Access::*, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::{Source, wgsl};
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const SOURCE: Source = wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "kmeans.wgsl");

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec { name, source: SOURCE, entry: name, storage, trusted: false }
}

static NEAREST: KernelSpec = spec("nearest", &[Read, Read, Read, ReadWrite, ReadWrite]);
static CLOSER: KernelSpec = spec("closer", &[Read, Read, Read, ReadWrite]);
static MEAN_ROWS: KernelSpec = spec("mean_rows", &[Read, Read, ReadWrite]);

pub(super) const FAMILY: Family = &[(&NEAREST, PLAIN), (&CLOSER, PLAIN), (&MEAN_ROWS, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Nearest {
    rows: u32,
    centres: u32,
    products_start: u32,
    x_sq_start: u32,
    assignment_start: u32,
    distance_start: u32,
}

pub(super) fn nearest(
    gpu: &Gpu,
    products: &Tensor,
    x_sq: &Tensor,
    c_sq: &Tensor,
    assignment: &mut Tensor<u32>,
    distance: &mut Tensor,
) {
    let [rows, centres] = products.shape();
    expect("squared norms of the rows", x_sq, [rows, 1]);
    expect("squared norms of the centres", c_sq, [centres, 1]);
    expect("assignment", assignment, [rows, 1]);
    expect("distance", distance, [rows, 1]);
    assert!(centres > 0 || rows == 0, "no centre to be near to");
    let operands = [products.gpu(), x_sq.gpu(), assignment.gpu(), distance.gpu()];
    for segment in segments(operands, rows) {
        let params = Nearest {
            rows: segment.rows as u32,
            centres: centres as u32,
            products_start: segment.start(0, centres),
            x_sq_start: segment.start(1, 1),
            assignment_start: segment.start(2, 1),
            distance_start: segment.start(3, 1),
        };
        let [products, x_sq, assignment, distance] = segment.chunks;
        let buffers = [products, x_sq, c_sq.gpu().single(), assignment, distance];
        gpu.dispatch(&NEAREST, &[], &buffers, &params, segment.rows as u64);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Closer {
    rows: u32,
    cols: u32,
    candidates: u32,
    x_start: u32,
    distance_start: u32,
    out_start: u32,
}

pub(super) fn closer(
    gpu: &Gpu,
    x: &Tensor,
    candidates: &Tensor,
    distance: &Tensor,
    out: &mut Tensor,
) {
    let [rows, cols] = x.shape();
    let count = candidates.rows();
    expect("candidates", candidates, [count, cols]);
    expect("distance", distance, [rows, 1]);
    expect("distances with each candidate", out, [rows, count]);
    for segment in segments([x.gpu(), distance.gpu(), out.gpu()], rows) {
        let params = Closer {
            rows: segment.rows as u32,
            cols: cols as u32,
            candidates: count as u32,
            x_start: segment.start(0, cols),
            distance_start: segment.start(1, 1),
            out_start: segment.start(2, count),
        };
        let [x, distance, out] = segment.chunks;
        let buffers = [x, candidates.gpu().single(), distance, out];
        gpu.dispatch(&CLOSER, &[], &buffers, &params, segment.rows as u64 * count as u64);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Mean {
    count: u32,
    cols: u32,
    row0: u32,
    sums_start: u32,
    centres_start: u32,
}

pub(super) fn mean_rows(gpu: &Gpu, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
    let cols = sums.cols();
    expect("centres", centres, sums.shape());
    expect("counts", counts, [sums.rows(), 1]);
    for segment in segments([sums.gpu(), centres.gpu()], sums.rows()) {
        let params = Mean {
            count: segment.count(cols),
            cols: cols as u32,
            row0: segment.row0 as u32,
            sums_start: segment.start(0, cols),
            centres_start: segment.start(1, cols),
        };
        let [sums, centres] = segment.chunks;
        let buffers = [sums, counts.gpu().single(), centres];
        let groups = params.count.div_ceil(256).into();
        gpu.dispatch(&MEAN_ROWS, &[], &buffers, &params, groups);
    }
}
