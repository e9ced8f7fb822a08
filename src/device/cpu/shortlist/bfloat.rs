//! Rows as bfloat16.

use super::narrow::{Norms, Row, SIDE, SPAN, by_tiles};
use crate::device::cpu::simd::tree;
use bytemuck::cast;

/// Narrows a row, of which `put` gets 16 pairs after the other.
#[inline(always)]
pub(super) fn narrow_row(row: &[f32], mut put: impl FnMut(usize, &[u32; SIDE])) -> Row {
    let mut sums = Sums { narrowed: [0.0; SPAN], lost: [0.0; SPAN], bits: [0; SPAN] };
    by_tiles(row, |tile, values| put(tile, &sums.narrow(values)));
    Row { factor: 1.0, norms: sums.norms(row.len()) }
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
