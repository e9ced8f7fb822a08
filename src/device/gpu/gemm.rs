//! Dense products.

use super::choice::Products;
use super::pipelines::{Access::*, Constants, KernelSpec};
use super::registry::{Family, PLAIN};
use super::source::wgsl;
use super::{Chunk, Gpu, RowBuffers};
use crate::device::{Gemm, Tensor, shapes};
use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// A product: of A, B and a bias, and into C.
macro_rules! product {
    ($name:literal, $($text:tt),+) => {
        KernelSpec {
            name: $name,
            source: wgsl!($($text),+),
            entry: "main",
            storage: &[Read, Read, Read, ReadWrite],
            trusted: true,
        }
    };
}
pub(super) use product;

static TILED: KernelSpec = product!(
    "gemm_tiled",
    "shared/grid.wgsl",
    "shared/gemm.wgsl",
    "shared/store.wgsl",
    "shared/fours.wgsl",
    "shared/gemm_tile.wgsl",
    "gemm_tiled.wgsl"
);
/// The same where C can be written as vec4.
static TILED_FOURS: KernelSpec = product!(
    "gemm_tiled_fours",
    "shared/grid.wgsl",
    "shared/gemm.wgsl",
    "shared/store_fours.wgsl",
    "shared/fours.wgsl",
    "shared/gemm_tile.wgsl",
    "gemm_tiled.wgsl"
);
static REGISTERS: KernelSpec = product!(
    "gemm_registers",
    "shared/grid.wgsl",
    "shared/gemm.wgsl",
    "shared/store.wgsl",
    "gemm_registers.wgsl"
);
static SUBGROUPS: KernelSpec = product!(
    "gemm_subgroups",
    "shared/grid.wgsl",
    "shared/gemm.wgsl",
    "shared/store.wgsl",
    "shared/fours.wgsl",
    "gemm_subgroups.wgsl"
);

/// Both sizes of tiles, each with A and B as they are stored, and read as they can be.
const TILES: &[Constants<'static>] = &[
    &of_tiles(64, false, false, false, false),
    &of_tiles(64, false, false, false, true),
    &of_tiles(64, false, true, false, false),
    &of_tiles(64, true, false, false, false),
    &of_tiles(64, true, false, false, true),
    &of_tiles(64, true, false, true, false),
    &of_tiles(64, true, false, true, true),
    &of_tiles(128, false, false, false, false),
    &of_tiles(128, false, false, false, true),
    &of_tiles(128, false, true, false, false),
    &of_tiles(128, true, false, false, false),
    &of_tiles(128, true, false, false, true),
    &of_tiles(128, true, false, true, false),
    &of_tiles(128, true, false, true, true),
];

/// The constants of shaders/gemm_tiled.wgsl.
const fn of_tiles(
    tile: u32,
    transpose_a: bool,
    transpose_b: bool,
    fours_a: bool,
    fours_b: bool,
) -> [(&'static str, f64); 5] {
    [
        ("TILE", tile as f64),
        ("TRANSPOSE_A", transpose_a as u8 as f64),
        ("TRANSPOSE_B", transpose_b as u8 as f64),
        ("FOURS_A", fours_a as u8 as f64),
        ("FOURS_B", fours_b as u8 as f64),
    ]
}

pub(super) const FAMILY: Family = &[
    (&TILED, TILES),
    (&TILED_FOURS, TILES),
    (&REGISTERS, PLAIN),
    // No page takes it (`choice::features`), and a browser's compiler wants the extension enabled by name.
    #[cfg(not(target_arch = "wasm32"))]
    (
        &SUBGROUPS,
        &[
            &[("TRANSPOSE_A", 0.0), ("TRANSPOSE_B", 0.0)],
            &[("TRANSPOSE_A", 0.0), ("TRANSPOSE_B", 1.0)],
            &[("TRANSPOSE_A", 1.0), ("TRANSPOSE_B", 0.0)],
        ],
    ),
];

/// Large tiles do twice the work for each value read, once there are enough of them to fill a device: how many that
/// takes where nobody has timed it.
pub(super) const ENOUGH_TILES: usize = 128;

/// `Params` of shaders/shared/gemm.wgsl.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct Params {
    pub m: u32,
    pub n: u32,
    pub k: u32,
    pub a_start: u32,
    pub a_row: u32,
    pub a_col: u32,
    pub b_start: u32,
    pub b_row: u32,
    pub b_col: u32,
    pub c_start: u32,
    pub c_row: u32,
    pub bias_start: u32,
    pub accumulate: u32,
    pub has_bias: u32,
}

impl Params {
    /// Whether a quad of a tile is an aligned vec4: four rows of A, where it is stored [k, m]; four columns of B, where it is
    /// stored [k, n]; four columns of C.
    fn fours(&self, spec: &Gemm<'_>, a_cols: usize, b_cols: usize) -> [bool; 3] {
        let multiples = |values: [u32; 3]| values.iter().all(|value| value.is_multiple_of(4));
        [
            spec.transpose_a && multiples([self.m, self.a_start, a_cols as u32]),
            !spec.transpose_b && multiples([self.n, self.b_start, b_cols as u32]),
            multiples([self.n, self.c_start, self.c_row]),
        ]
    }

    /// Whether every four values along a row of A or B, of these lengths, make an aligned vec4 that lies within
    /// the product.
    fn aligned(&self, spec: &Gemm<'_>, a_cols: usize, b_cols: usize) -> bool {
        let along_a = if spec.transpose_a { self.m } else { self.k };
        let along_b = if spec.transpose_b { self.k } else { self.n };
        [along_a, along_b, self.k, self.a_start, self.b_start, a_cols as u32, b_cols as u32]
            .iter()
            .all(|value| value.is_multiple_of(4))
    }
}

/// The ranges of 0..len within which no operand goes on to its next chunk.
pub(super) fn ranges(len: usize, split: &[&RowBuffers]) -> Vec<Range<usize>> {
    let mut cuts: Vec<usize> = split
        .iter()
        .flat_map(|operand| operand.chunks.iter().map(|chunk| chunk.row0))
        .filter(|&row0| row0 < len)
        .collect();
    cuts.extend([0, len]);
    cuts.sort_unstable();
    cuts.dedup();
    cuts.windows(2).map(|pair| pair[0]..pair[1]).collect()
}

/// The chunk that holds element (row, col), and where in it.
pub(super) fn find(operand: &RowBuffers, row: usize, col: usize) -> (&Chunk, u32) {
    let chunk = &operand.chunks[operand.chunks.partition_point(|chunk| chunk.row0 <= row) - 1];
    (chunk, ((row - chunk.row0) * operand.cols + col) as u32)
}

/// The chunk that holds element j of a bias, and where in it.
pub(super) fn find_bias(bias: Option<&Tensor>, j: usize) -> Option<(&Chunk, u32)> {
    let bias = bias?;
    Some(if bias.cols() == 1 { find(bias.gpu(), j, 0) } else { find(bias.gpu(), 0, j) })
}

/// How large the tiles of a real GPU are for a product of `rows` × `cols`.
pub(super) fn tile(gpu: &Gpu, rows: usize, cols: usize) -> usize {
    let large = rows.div_ceil(128) * cols.div_ceil(128);
    if large >= gpu.enough_tiles { 128 } else { 64 }
}

pub(super) fn gemm(gpu: &Gpu, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
    let (m, n, k) = shapes::gemm(a, b, c, &spec);
    let (a, b, c) = (a.gpu(), b.gpu(), c.gpu());
    // Rows of each operand run along one of the three dimensions.
    let (mut along_m, mut along_n, mut along_k) = (vec![c], vec![], vec![]);
    if spec.transpose_a {
        along_k.push(a)
    } else {
        along_m.push(a)
    }
    if spec.transpose_b {
        along_n.push(b)
    } else {
        along_k.push(b)
    }
    let column_bias = spec.bias.filter(|bias| bias.cols() == 1);
    along_n.extend(column_bias.map(|bias| bias.gpu()));
    let mut ranges_k = ranges(k, &along_k);
    if k == 0 {
        // The empty sum is zero, and still has a bias.
        ranges_k.push(0..0);
    }
    for rows in ranges(m, &along_m) {
        for cols in ranges(n, &along_n) {
            for depth in &ranges_k {
                let first = depth.start == 0;
                piece(gpu, [a, b, c], [&rows, &cols, depth], first, &spec);
            }
        }
    }
}

/// One range of each dimension, in one chunk of each operand.
pub(super) fn piece(
    gpu: &Gpu,
    [a, b, c]: [&RowBuffers; 3],
    [rows, cols, depth]: [&Range<usize>; 3],
    first: bool,
    spec: &Gemm<'_>,
) {
    let (i, j, l) = (rows.start, cols.start, depth.start);
    let (a_chunk, a_start) = if spec.transpose_a { find(a, l, i) } else { find(a, i, l) };
    let (b_chunk, b_start) = if spec.transpose_b { find(b, j, l) } else { find(b, l, j) };
    let (c_chunk, c_start) = find(c, i, j);
    let bias = spec.bias.filter(|_| first);
    let (bias_chunk, bias_start) = find_bias(bias, j).unwrap_or((a_chunk, 0)); // something must be bound
    let strides = |width: usize, transposed| {
        if transposed { (1, width as u32) } else { (width as u32, 1) }
    };
    let (a_row, a_col) = strides(a.cols, spec.transpose_a);
    let (b_row, b_col) = strides(b.cols, spec.transpose_b);
    let params = Params {
        m: rows.len() as u32,
        n: cols.len() as u32,
        k: depth.len() as u32,
        a_start,
        a_row,
        a_col,
        b_start,
        b_row,
        b_col,
        c_start,
        c_row: c.cols as u32,
        bias_start,
        accumulate: (spec.accumulate || !first).into(),
        has_bias: bias.is_some().into(),
    };
    let buffers = [a_chunk, b_chunk, bias_chunk, c_chunk];
    let tiles = |tile_m, tile_n| rows.len().div_ceil(tile_m) * cols.len().div_ceil(tile_n);
    let flag = |set: bool| f64::from(u8::from(set));
    let transposes =
        [("TRANSPOSE_A", flag(spec.transpose_a)), ("TRANSPOSE_B", flag(spec.transpose_b))];
    match gpu.kernels.products {
        Products::Subgroups if params.aligned(spec, a.cols, b.cols) => {
            gpu.dispatch(&SUBGROUPS, &transposes, &buffers, &params, tiles(32, 64) as u64);
        }
        Products::Subgroups | Products::Registers => {
            gpu.dispatch(&REGISTERS, &[], &buffers, &params, tiles(16, 128) as u64);
        }
        Products::Tiles => {
            let tile = tile(gpu, rows.len(), cols.len());
            let [fours_a, fours_b, fours_c] = params.fours(spec, a.cols, b.cols);
            let text = if fours_c { &TILED_FOURS } else { &TILED };
            let (transpose_a, transpose_b) = (spec.transpose_a, spec.transpose_b);
            let constants = of_tiles(tile as u32, transpose_a, transpose_b, fours_a, fours_b);
            gpu.dispatch(text, &constants, &buffers, &params, tiles(tile, tile) as u64);
        }
    }
}
