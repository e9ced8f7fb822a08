//! Operands in 16 bits, cut into the tiles that a product takes.

use super::{bfloat, integer};
use bytemuck::{Pod, Zeroable};

/// Rows of a tile: of the batch, or pairs of dimensions of atoms.
pub(super) const SIDE: usize = 16;
/// Dimensions that a tile spans.
pub(super) const SPAN: usize = 2 * SIDE;
/// Pairs in a tile.
pub(super) const TILE: usize = SIDE * SIDE;

/// Pairs in a panel, which is `SIDE` rows of d dimensions: tile after tile.
pub(super) fn panel(d: usize) -> usize {
    d.div_ceil(SPAN) * TILE
}

/// What 16 bits stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// The upper half of a float32.
    Bfloat,
    /// Multiples of a factor, which each row has for itself.
    Integer,
}

/// Upper bounds of the norm of what a row became, and of what it lost.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Norms {
    pub narrowed: f32,
    pub lost: f32,
}

impl Norms {
    pub(super) const NONE: Self = Self { narrowed: 0.0, lost: 0.0 };
    /// Of a row about which nothing can be said.
    pub(super) const UNKNOWN: Self = Self { narrowed: f32::INFINITY, lost: f32::INFINITY };

    /// Whether all is zero.
    pub(super) fn is_none(self) -> bool {
        self.narrowed == 0.0 && self.lost == 0.0
    }

    /// The larger ones of both; NaN counts as infinite.
    pub(super) fn or_larger(self, other: Self) -> Self {
        let larger = |a: f32, b: f32| match a.is_nan() || b.is_nan() {
            true => f32::INFINITY,
            false => a.max(b),
        };
        Self {
            narrowed: larger(self.narrowed, other.narrowed),
            lost: larger(self.lost, other.lost),
        }
    }
}

/// A narrowed row: what its numbers are to be multiplied by, and its norms.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(super) struct Row {
    pub factor: f32,
    pub norms: Norms,
}

impl Row {
    pub(super) const NONE: Self = Self { factor: 0.0, norms: Norms::NONE };
}

/// How the rows of a panel lie in its tiles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// Rows of the batch: a tile holds 16 rows, each of 16 pairs of dimensions.
    Rows,
    /// Atoms: a tile holds 16 pairs of dimensions, each of 16 atoms.
    Columns,
}

/// Packs up to 16 rows of d dimensions into a panel, whose other rows and dimensions are zero.
#[inline(always)]
pub(super) fn pack(
    format: Format,
    rows: &[f32],
    d: usize,
    layout: Layout,
    out: &mut [u32],
) -> [Row; SIDE] {
    let mut narrowed = [Row::NONE; SIDE];
    if rows.len() < SIDE * d {
        out.fill(0);
    }
    let (tiles, _) = out.as_chunks_mut::<TILE>();
    for (i, (row, narrowed)) in rows.chunks(d).zip(&mut narrowed).enumerate() {
        let put = |tile: usize, pairs: &[u32; SIDE]| match layout {
            Layout::Rows => tiles[tile][i * SIDE..][..SIDE].copy_from_slice(pairs),
            Layout::Columns => {
                for (column, &pair) in tiles[tile].as_chunks_mut::<SIDE>().0.iter_mut().zip(pairs) {
                    column[i] = pair;
                }
            }
        };
        *narrowed = match format {
            Format::Bfloat => bfloat::narrow_row(row, put),
            Format::Integer => integer::narrow_row(row, put),
        };
    }
    narrowed
}

/// Calls `take` for the parts of a row that tiles span, with zeros after the last.
#[inline(always)]
pub(super) fn by_tiles(row: &[f32], mut take: impl FnMut(usize, &[f32; SPAN])) {
    let (whole, rest) = row.as_chunks::<SPAN>();
    for (tile, values) in whole.iter().enumerate() {
        take(tile, values);
    }
    if !rest.is_empty() {
        let mut last = [0.0; SPAN];
        last[..rest.len()].copy_from_slice(rest);
        take(whole.len(), &last);
    }
}
