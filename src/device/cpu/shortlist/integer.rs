//! Rows as whole numbers of 16 bits.
//!
//! The factor makes the norm of the whole numbers 46 000, unless the largest would then have more than 16 bits. So no
//! sum of products of two such rows, nor any part of it, reaches 2³¹ (Cauchy–Schwarz), and sums in 32 bits are exact.

use super::narrow::{Norms, Row, SIDE, SPAN, by_tiles};
use crate::device::cpu::simd::{sumsq, tree};
use bytemuck::cast;

const NORM: f64 = 46_000.0;
const LARGEST: f64 = 32_767.0;
/// Added to a number of up to 22 bits, leaves it rounded in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// Narrows a row, of which `put` gets 16 pairs after the other.
#[inline(always)]
pub(super) fn narrow_row(row: &[f32], mut put: impl FnMut(usize, &[u32; SIDE])) -> Row {
    let norm = sumsq(row).sqrt();
    let largest = f64::from(largest(row));
    let scale = ((NORM / norm).min(LARGEST / largest) * (1.0 - 1e-6)) as f32;
    let factor = 1.0 / scale;
    if norm == 0.0 || !(scale.is_normal() && factor.is_normal()) {
        by_tiles(row, |tile, _| put(tile, &[0; SIDE]));
        let norms = if norm == 0.0 { Norms::NONE } else { Norms::UNKNOWN };
        return Row { factor: 0.0, norms };
    }
    let mut lost = [0.0_f32; SPAN];
    by_tiles(row, |tile, values| {
        let mut numbers = [0_u16; SPAN];
        for i in 0..SPAN {
            let rounded = values[i] * scale + ROUND;
            numbers[i] = rounded.to_bits() as u16;
            let gone = values[i] * scale - (rounded - ROUND);
            lost[i] += gone * gone;
        }
        put(tile, &cast(numbers));
    });
    // Values times the scale are rounded too, by a 2²⁴th.
    let lost = (f64::from(tree(&lost)).sqrt() * (1.0 + 1e-3)) * f64::from(factor) + 1e-6 * norm;
    let norms = Norms { narrowed: ((norm + lost) * (1.0 + 1e-6)) as f32, lost: lost as f32 };
    Row { factor, norms }
}

/// The largest magnitude.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let mut lanes = [0_u32; SPAN];
    by_tiles(row, |_, values| {
        for i in 0..SPAN {
            lanes[i] = lanes[i].max(values[i].abs().to_bits());
        }
    });
    f32::from_bits(lanes.into_iter().max().unwrap_or(0))
}
