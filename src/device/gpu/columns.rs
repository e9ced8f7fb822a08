//! Sums over the columns of batches: moments, and products with another batch.

use super::pipelines::{Access, Access::*, Constants, KernelSpec};
use super::reduce::{column_sums, column_totals, slabs};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use super::{Chunk, Gpu};
use crate::device::{Tensor, shapes::expect};
use bytemuck::{Pod, Zeroable};

const fn spec(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    KernelSpec {
        name,
        source: wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "columns.wgsl"),
        entry: name,
        storage,
        trusted: false,
    }
}

static SUMS_AND_DOTS: KernelSpec = spec("sums_and_dots", &[Read, Read, ReadWrite, ReadWrite]);
static MOMENTS: KernelSpec = spec("moments", &[Read, ReadWrite, ReadWrite]);

/// The sums of a and a ∘ b.
const PRODUCTS: Constants<'static> = &[("CENTRED", 0.0)];
/// The sums of x − centre and its square.
const CENTRED: Constants<'static> = &[("CENTRED", 1.0)];

pub(super) const FAMILY: Family = &[(&SUMS_AND_DOTS, &[PRODUCTS, CENTRED]), (&MOMENTS, PLAIN)];

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Slabs {
    rows: u32,
    cols: u32,
    a_start: u32,
    b_start: u32,
    slab: u32,
    inv_rows: f32,
}

/// The two sums of some rows, into `sums` where it is wanted, and into `dots`; both [n].
fn sum_rows(
    gpu: &Gpu,
    constants: Constants<'_>,
    [a, b]: [&Chunk; 2],
    params: Slabs,
    accumulate: bool,
    sums: Option<&Chunk>,
    dots: &Chunk,
) {
    let cols = params.cols as usize;
    let slabs = slabs(gpu, params.rows as usize, cols);
    let partial_sums = gpu.scratch("column slabs", slabs.count * cols);
    let partial_dots = gpu.scratch("column slabs of products", slabs.count * cols);
    let params = Slabs { slab: slabs.rows as u32, ..params };
    let buffers = [a, b, &partial_sums, &partial_dots];
    gpu.dispatch(&SUMS_AND_DOTS, constants, &buffers, &params, slabs.groups);
    if let Some(sums) = sums {
        column_totals(gpu, &partial_sums, slabs.count, cols, accumulate, sums);
    }
    column_totals(gpu, &partial_dots, slabs.count, cols, accumulate, dots);
}

/// sums [n] = Σ a where it is wanted, dots [n] = Σ a ∘ b, over the rows of a, b [B, n].
pub(super) fn sums_and_dots(gpu: &Gpu, a: &Tensor, b: &Tensor, sums: Option<&Chunk>, dots: &Chunk) {
    let cols = a.cols();
    for segment in segments([a.gpu(), b.gpu()], a.rows()) {
        let params = Slabs {
            rows: segment.rows as u32,
            cols: cols as u32,
            a_start: segment.start(0, cols),
            b_start: segment.start(1, cols),
            slab: 0,
            inv_rows: 0.0,
        };
        sum_rows(gpu, PRODUCTS, segment.chunks, params, segment.row0 > 0, sums, dots);
    }
}

pub(super) fn column_dots(gpu: &Gpu, a: &Tensor, b: &Tensor, out: &mut Tensor) {
    expect("the other factor", b, a.shape());
    expect("column dots", out, [a.cols(), 1]);
    sums_and_dots(gpu, a, b, None, out.gpu().single());
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Moments {
    cols: u32,
    inv_rows: f32,
}

/// The sums first, then the deviations from what they give as the mean: the variance loses nothing to a mean that
/// is large beside it.
pub(super) fn column_moments(gpu: &Gpu, x: &Tensor, mean: &mut Tensor, variance: &mut Tensor) {
    let [rows, cols] = x.shape();
    expect("means", mean, [cols, 1]);
    expect("variances", variance, [cols, 1]);
    if x.is_empty() {
        return;
    }
    let inv_rows = (1.0 / rows as f64) as f32;
    column_sums(gpu, x, mean);
    let (mean, variance) = (mean.gpu().single(), variance.gpu().single());
    let deviations = gpu.scratch("column deviations", cols);
    for segment in segments([x.gpu()], rows) {
        let params = Slabs {
            rows: segment.rows as u32,
            cols: cols as u32,
            a_start: segment.start(0, cols),
            b_start: 0,
            slab: 0,
            inv_rows,
        };
        let [x] = segment.chunks;
        let accumulate = segment.row0 > 0;
        sum_rows(gpu, CENTRED, [x, mean], params, accumulate, Some(&deviations), variance);
    }
    let params = Moments { cols: cols as u32, inv_rows };
    let groups = cols.div_ceil(256) as u64;
    gpu.dispatch(&MOMENTS, &[], &[&deviations, mean, variance], &params, groups);
}
