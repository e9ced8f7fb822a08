//! What holds a parameter in its set.

use super::Gpu;
use super::pipelines::{Access, Access::*, Constants, KernelSpec};
use super::registry::{Family, PLAIN};
use super::source::wgsl;
use crate::device::{Projection, Tensor};
use bytemuck::{Pod, Zeroable};

static ROWS: KernelSpec = KernelSpec {
    name: "project",
    source: wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "shared/project.wgsl", "project.wgsl"),
    entry: "main",
    storage: &[ReadWrite],
    trusted: true,
};

const fn all(name: &'static str, storage: &'static [Access]) -> KernelSpec {
    let source =
        wgsl!("shared/grid.wgsl", "shared/lanes.wgsl", "shared/counts.wgsl", "project_all.wgsl");
    KernelSpec { name, source, entry: name, storage, trusted: false }
}

static NORMS: KernelSpec = all("row_norms", &[Read, ReadWrite]);
static LARGEST: KernelSpec = all("largest_norm", &[Read, ReadWrite]);
static DIVIDE: KernelSpec = all("divide_rows", &[Read, ReadWrite]);

const NONE: Constants<'static> = &[("PROJECTION", 0.0)];
const SIMPLEX: Constants<'static> = &[("PROJECTION", 1.0)];
const BALL: Constants<'static> = &[("PROJECTION", 2.0)];
const UNIT_L2: Constants<'static> = &[("PROJECTION", 3.0)];
const UNIT_L1: Constants<'static> = &[("PROJECTION", 4.0)];
const AT_LEAST: Constants<'static> = &[("PROJECTION", 5.0)];

/// The constants of the projections that take one row after another.
pub(super) const ROW_WISE: &[Constants<'static>] =
    &[NONE, SIMPLEX, BALL, UNIT_L2, UNIT_L1, AT_LEAST];

/// The same, of the rows that fire only.
pub(super) const ACTIVE_ROWS: &[Constants<'static>] = &[
    &[("PROJECTION", 0.0), ("ACTIVE", 1.0)],
    &[("PROJECTION", 1.0), ("ACTIVE", 1.0)],
    &[("PROJECTION", 2.0), ("ACTIVE", 1.0)],
    &[("PROJECTION", 3.0), ("ACTIVE", 1.0)],
    &[("PROJECTION", 4.0), ("ACTIVE", 1.0)],
    &[("PROJECTION", 5.0), ("ACTIVE", 1.0)],
];

/// The constants of `among` that have this projection.
pub(super) fn of_rows(
    among: &'static [Constants<'static>],
    projection: Projection,
) -> (Constants<'static>, f32) {
    let (plain, bound) = constants(projection);
    let found = among.iter().find(|constants| constants[0] == plain[0]);
    (found.expect("every projection of rows is listed"), bound)
}

const MAX_L2: Constants<'static> = &[("L1", 0.0)];
const MAX_L1: Constants<'static> = &[("L1", 1.0)];

pub(super) const FAMILY: Family = &[
    (&ROWS, &[SIMPLEX, BALL, UNIT_L2, UNIT_L1, AT_LEAST]),
    (&NORMS, &[MAX_L2, MAX_L1]),
    (&LARGEST, PLAIN),
    (&DIVIDE, PLAIN),
];

/// The constants of the shader that makes a projection, and the number that it is told beside.
pub(super) fn constants(projection: Projection) -> (Constants<'static>, f32) {
    match projection {
        Projection::None => (NONE, 0.0),
        Projection::Simplex => (SIMPLEX, 0.0),
        Projection::Ball(radius) => (BALL, radius),
        Projection::UnitL2 => (UNIT_L2, 0.0),
        Projection::UnitL1 => (UNIT_L1, 0.0),
        Projection::MaxL2 => (MAX_L2, 0.0),
        Projection::MaxL1 => (MAX_L1, 0.0),
        Projection::AtLeast(least) => (AT_LEAST, least),
    }
}

/// `Params` of shaders/project.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Rows {
    rows: u32,
    cols: u32,
    param_start: u32,
    bound: f32,
}

pub(super) fn project(gpu: &Gpu, param: &mut Tensor, projection: Projection) {
    if projection == Projection::None {
        return;
    }
    let (constants, bound) = constants(projection);
    if projection.is_global() {
        return divide_by_largest(gpu, param, constants);
    }
    let [rows, cols] = param.shape();
    for (chunk, rows) in param.gpu().in_use(rows) {
        let params = Rows { rows: rows.len() as u32, cols: cols as u32, param_start: 0, bound };
        gpu.dispatch_rows((&ROWS, 2 * cols), constants, &[chunk], &params, rows.len() as u64);
    }
}

#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Norms {
    rows: u32,
    cols: u32,
    out_start: u32,
}

/// Divides all rows by their largest norm, over all chunks.
fn divide_by_largest(gpu: &Gpu, param: &mut Tensor, constants: Constants<'static>) {
    let [rows, cols] = param.shape();
    let norms = gpu.scratch("row norms", rows);
    let largest = gpu.scratch("largest norm", 1);
    for (chunk, rows) in param.gpu().in_use(rows) {
        let out_start = rows.start as u32;
        let params = Norms { rows: rows.len() as u32, cols: cols as u32, out_start };
        gpu.dispatch(&NORMS, constants, &[chunk, &*norms], &params, rows.len() as u64);
    }
    gpu.dispatch(&LARGEST, &[], &[&norms, &largest], &(rows as u32), 1);
    for (chunk, rows) in param.gpu().in_use(rows) {
        let count = (rows.len() * cols) as u32;
        gpu.dispatch(&DIVIDE, &[], &[&*largest, chunk], &count, count.div_ceil(128).into());
    }
}
