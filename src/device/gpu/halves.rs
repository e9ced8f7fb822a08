//! Matrices in float16: made, and multiplied.
//!
//! Halves lie in memory two in a u32, as every device can take them apart; the ones that have a type of their own for them
//! (`SHADER_F16`) read them as that.

#[cfg(not(target_arch = "wasm32"))]
use super::choice::{Cooperative, Products};
use super::gemm::{Params, find, find_bias, product, ranges, tile};
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::{Family, PLAIN};
use super::segments::segments;
use super::source::wgsl;
use super::{Gpu, top_k};
use crate::device::{Codes, Halves, Tensor, TopKRoom, shapes};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

static NARROW: KernelSpec = KernelSpec {
    name: "narrow",
    source: wgsl!("shared/grid.wgsl", "shared/numbers.wgsl", "narrow.wgsl"),
    entry: "main",
    storage: &[Read, ReadWrite],
    trusted: true,
};

/// What reads halves comes first, for a device's own type has to be enabled before all else.
macro_rules! product_of_halves {
    ($name:literal, $fours:tt, $($text:tt),+) => {
        product!(
            $name,
            $fours,
            "shared/grid.wgsl",
            "shared/gemm.wgsl",
            "shared/store.wgsl",
            $($text),+
        )
    };
}

static TILED: KernelSpec = product_of_halves!(
    "gemm_halves",
    "shared/fours_packed.wgsl",
    "shared/gemm_tile.wgsl",
    "gemm_halves.wgsl"
);
#[cfg(not(target_arch = "wasm32"))]
static TILED_F16: KernelSpec = product_of_halves!(
    "gemm_halves_f16",
    "shared/fours_f16.wgsl",
    "shared/gemm_tile.wgsl",
    "gemm_halves.wgsl"
);
#[cfg(not(target_arch = "wasm32"))]
static SUBGROUPS: KernelSpec =
    product_of_halves!("gemm_halves_subgroups", "shared/fours_packed.wgsl", "gemm_subgroups.wgsl");
#[cfg(not(target_arch = "wasm32"))]
static SUBGROUPS_F16: KernelSpec =
    product_of_halves!("gemm_halves_subgroups_f16", "shared/fours_f16.wgsl", "gemm_subgroups.wgsl");

/// For matrix units of either size.
#[cfg(not(target_arch = "wasm32"))]
static COOPERATIVE_8: KernelSpec =
    product_of_halves!("gemm_cooperative_8", "shared/cooperative_8.wgsl", "gemm_cooperative.wgsl");
#[cfg(not(target_arch = "wasm32"))]
static COOPERATIVE_16: KernelSpec = product_of_halves!(
    "gemm_cooperative_16",
    "shared/cooperative_16.wgsl",
    "gemm_cooperative.wgsl"
);

const TILES: &[Constants<'static>] = &[&[("TILE", 64.0)], &[("TILE", 128.0)]];
#[cfg(not(target_arch = "wasm32"))]
const FOUR_SUBGROUPS: &[Constants<'static>] =
    &[&[("THREADS", 32.0)], &[("THREADS", 64.0)], &[("THREADS", 128.0)], &[("THREADS", 256.0)]];
#[cfg(not(target_arch = "wasm32"))]
const TRANSPOSED: Constants<'static> = &[("TRANSPOSE_A", 0.0), ("TRANSPOSE_B", 1.0)];

pub(super) const FAMILY: Family = &[
    (&NARROW, PLAIN),
    (&TILED, TILES),
    // No page takes these (`choice::features`).
    #[cfg(not(target_arch = "wasm32"))]
    (&TILED_F16, TILES),
    #[cfg(not(target_arch = "wasm32"))]
    (&SUBGROUPS, &[TRANSPOSED]),
    #[cfg(not(target_arch = "wasm32"))]
    (&SUBGROUPS_F16, &[TRANSPOSED]),
    #[cfg(not(target_arch = "wasm32"))]
    (&COOPERATIVE_8, FOUR_SUBGROUPS),
    #[cfg(not(target_arch = "wasm32"))]
    (&COOPERATIVE_16, FOUR_SUBGROUPS),
];

/// `Params` of shaders/narrow.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct NarrowParams {
    cols: u32,
    pairs: u32,
    count: u32,
    a_start: u32,
    out_start: u32,
}

pub(super) fn narrow(gpu: &Gpu, a: &Tensor, out: &mut Halves) {
    shapes::narrow(a, out);
    let (cols, pairs) = (a.cols(), out.pairs.cols());
    for segment in segments([a.gpu(), out.pairs.gpu()], a.rows()) {
        let params = NarrowParams {
            cols: cols as u32,
            pairs: pairs as u32,
            count: segment.count(pairs),
            a_start: segment.start(0, cols),
            out_start: segment.start(1, pairs),
        };
        gpu.dispatch(&NARROW, &[], &segment.chunks, &params, params.count.div_ceil(256).into());
    }
}

/// C = A Bᵀ (+ bias), in pieces within which no operand goes on to its next chunk.
pub(super) fn gemm_halves(
    gpu: &Gpu,
    a: &Halves,
    b: &Halves,
    bias: Option<&Tensor>,
    c: &mut Tensor,
) {
    let (m, n, _) = shapes::gemm_halves(a, b, bias, c);
    let mut along_n = vec![b.pairs.gpu()];
    along_n.extend(bias.filter(|bias| bias.cols() == 1).map(|bias| bias.gpu()));
    for rows in ranges(m, &[a.pairs.gpu(), c.gpu()]) {
        for cols in ranges(n, &along_n) {
            piece(gpu, a, b, bias, c, [&rows, &cols]);
        }
    }
}

fn piece(
    gpu: &Gpu,
    a: &Halves,
    b: &Halves,
    bias: Option<&Tensor>,
    c: &Tensor,
    [rows, cols]: [&Range<usize>; 2],
) {
    let (a_chunk, a_pair) = find(a.pairs.gpu(), rows.start, 0);
    let (b_chunk, b_pair) = find(b.pairs.gpu(), cols.start, 0);
    let (c_chunk, c_start) = find(c.gpu(), rows.start, cols.start);
    let (bias_chunk, bias_start) = find_bias(bias, cols.start).unwrap_or((a_chunk, 0)); // something must be bound
    let stride = a.stride() as u32;
    let params = Params {
        m: rows.len() as u32,
        n: cols.len() as u32,
        k: stride,
        a_start: 2 * a_pair,
        a_row: stride,
        a_col: 1,
        b_start: 2 * b_pair,
        b_row: 1,
        b_col: stride,
        c_start,
        c_row: c.cols() as u32,
        bias_start,
        accumulate: 0,
        has_bias: bias.is_some().into(),
    };
    let buffers = [a_chunk, b_chunk, bias_chunk, c_chunk];
    let tiles = |tile_m, tile_n| (rows.len().div_ceil(tile_m) * cols.len().div_ceil(tile_n)) as u64;
    #[cfg(not(target_arch = "wasm32"))]
    if let Some(Cooperative { side, threads }) = gpu.kernels.cooperative {
        let spec = if side == 16 { &COOPERATIVE_16 } else { &COOPERATIVE_8 };
        return gpu.dispatch(
            spec,
            &[("THREADS", threads.into())],
            &buffers,
            &params,
            tiles(64, 64),
        );
    }
    #[cfg(not(target_arch = "wasm32"))]
    if gpu.kernels.products == Products::Subgroups {
        let spec = if gpu.has_f16 { &SUBGROUPS_F16 } else { &SUBGROUPS };
        return gpu.dispatch(spec, TRANSPOSED, &buffers, &params, tiles(32, 64));
    }
    let tile = tile(gpu, rows.len(), cols.len());
    let constants = [("TILE", tile as f64)];
    gpu.dispatch(tiled(gpu), &constants, &buffers, &params, tiles(tile, tile));
}

#[cfg(not(target_arch = "wasm32"))]
fn tiled(gpu: &Gpu) -> &'static KernelSpec {
    if gpu.has_f16 { &TILED_F16 } else { &TILED }
}

#[cfg(target_arch = "wasm32")]
fn tiled(_gpu: &Gpu) -> &'static KernelSpec {
    &TILED
}

pub(super) fn linear_top_k_halves(
    gpu: &Gpu,
    x: &Halves,
    weight: &Halves,
    bias: Option<&Tensor>,
    room: &mut TopKRoom,
    codes: &mut Codes,
) {
    shapes::linear_top_k_halves(x, weight, bias, room, codes);
    gemm_halves(gpu, x, weight, bias, &mut room.pre);
    top_k::top_k(gpu, &room.pre, codes);
}
