//! Operands as bfloat16, cut into the tiles that a product takes, and what that leaves out.

use crate::device::cpu::simd::tree;
use bytemuck::cast;

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

/// Upper bounds of the norm of what a row became, and of what it lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Norms {
    pub narrowed: f32,
    pub lost: f32,
}

impl Norms {
    pub(super) const NONE: Self = Self { narrowed: 0.0, lost: 0.0 };

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

/// A float's upper half, rounded to nearest, ties to even. What a product of bfloat16 would take for zero is zero.
#[inline(always)]
fn narrow(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
    if bits & 0x7f80_0000 == 0 { 0 } else { rounded as u16 }
}

#[inline(always)]
pub(super) fn widen(x: u16) -> f32 {
    f32::from_bits(u32::from(x) << 16)
}

/// How the rows of a panel lie in its tiles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Layout {
    /// Rows of the batch: a tile holds 16 rows, each of 16 pairs of dimensions.
    Rows,
    /// Atoms: a tile holds 16 pairs of dimensions, each of 16 atoms.
    Columns,
}

/// Packs up to 16 rows of d dimensions into a panel, whose other rows and dimensions are zero. Returns the norms of each.
#[inline(always)]
pub(super) fn pack(rows: &[f32], d: usize, layout: Layout, out: &mut [u32]) -> [Norms; SIDE] {
    let mut norms = [Norms::NONE; SIDE];
    if rows.len() < SIDE * d {
        out.fill(0);
    }
    let (tiles, _) = out.as_chunks_mut::<TILE>();
    for (i, (row, norms)) in rows.chunks(d).zip(&mut norms).enumerate() {
        *norms = narrow_row(row, |tile, pairs| match layout {
            Layout::Rows => tiles[tile][i * SIDE..][..SIDE].copy_from_slice(pairs),
            Layout::Columns => {
                for (column, &pair) in tiles[tile].as_chunks_mut::<SIDE>().0.iter_mut().zip(pairs) {
                    column[i] = pair;
                }
            }
        });
    }
    norms
}

/// Narrows a row, of which `put` gets 16 pairs after the other; what the last lack is zero.
#[inline(always)]
fn narrow_row(row: &[f32], mut put: impl FnMut(usize, &[u32; SIDE])) -> Norms {
    let mut sums = Sums { narrowed: [0.0; SPAN], lost: [0.0; SPAN], bits: [0; SPAN] };
    let (whole, rest) = row.as_chunks::<SPAN>();
    for (tile, values) in whole.iter().enumerate() {
        put(tile, &sums.narrow(values));
    }
    if !rest.is_empty() {
        let mut last = [0.0; SPAN];
        last[..rest.len()].copy_from_slice(rest);
        put(whole.len(), &sums.narrow(&last));
    }
    sums.norms(row.len())
}

/// Sums of squares over a row, and all of its bits but signs.
struct Sums {
    narrowed: [f32; SPAN],
    lost: [f32; SPAN],
    bits: [u32; SPAN],
}

impl Sums {
    /// The row's part in one tile.
    #[inline(always)]
    fn narrow(&mut self, values: &[f32; SPAN]) -> [u32; SIDE] {
        let mut halves = [0; SPAN];
        for i in 0..SPAN {
            halves[i] = narrow(values[i]);
            let wide = widen(halves[i]);
            self.narrowed[i] += wide * wide;
            self.lost[i] += (values[i] - wide) * (values[i] - wide);
            self.bits[i] |= values[i].abs().to_bits();
        }
        cast(halves)
    }

    /// Not below the norms: sums of up to 2¹⁶ squares lose less than a thousandth by rounding, and each square no more
    /// than the smallest normal float.
    fn norms(&self, d: usize) -> Norms {
        if self.bits == [0; SPAN] {
            return Norms::NONE;
        }
        let vanished = (d as f32 * f32::MIN_POSITIVE).sqrt();
        let bound = |squares: &[f32; SPAN]| tree(squares).sqrt() * (1.0 + 1e-3) + vanished;
        Norms { narrowed: bound(&self.narrowed), lost: bound(&self.lost) }
    }
}
