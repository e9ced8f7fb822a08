//! Products of packed whole numbers: pairs of 16 bits are multiplied and added up in 32 bits, which is exact.

use super::{
    kernel::{Operands, STRIP},
    narrow::SIDE,
};
use bytemuck::cast;
use std::arch::x86_64::*;

/// Rows that a loop takes at once: their sums fill half of the registers, or with AVX-512 for two panels of columns.
const ROWS: usize = 4;
const ROWS_512: usize = 8;

/// Whether the processor multiplies pairs and adds them to sums in one instruction.
pub(super) fn are_fused() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

/// Whether it multiplies pairs of 256 bits.
pub(super) fn are_there() -> bool {
    is_x86_feature_detected!("avx2")
}

/// See [`Kernel::scores`](super::Kernel::scores). Needs [`are_there`].
pub(super) fn scores(operands: Operands<'_>, out: &mut [f32], stride: usize) {
    assert!(are_there(), "AVX2");
    // SAFETY: it is there.
    unsafe { scores_256(operands, out, stride) }
}

/// See [`Kernel::scores`](super::Kernel::scores). Needs [`are_fused`].
pub(super) fn scores_fused(operands: Operands<'_>, out: &mut [f32], stride: usize) {
    assert!(are_fused(), "AVX-512 with VNNI");
    // SAFETY: both are there.
    unsafe { scores_512(operands, out, stride) }
}

/// The tiles of a panel of rows, each as rows.
fn tiles(panel: &[u32]) -> impl Iterator<Item = &[[u32; SIDE]; SIDE]> {
    let (tiles, _) = panel.as_chunks::<SIDE>().0.as_chunks::<SIDE>();
    tiles.iter()
}

#[target_feature(enable = "avx2")]
fn scores_256(operands: Operands<'_>, out: &mut [f32], stride: usize) {
    let Operands { rows, columns, panel, row_factors, column_factors } = operands;
    for (j, columns) in columns.chunks(panel).enumerate() {
        let factors: [__m256; 2] = cast(column_factors.as_chunks::<SIDE>().0[j]);
        for first in (0..STRIP).step_by(ROWS) {
            let mut sums = [[_mm256_setzero_si256(); 2]; ROWS];
            let rows = &rows[first / SIDE * panel..][..panel];
            for (x, y) in tiles(rows).zip(tiles(columns)) {
                let (x, _) = x[first % SIDE..].as_chunks::<ROWS>();
                for pair in 0..SIDE {
                    let y: [__m256i; 2] = cast(y[pair]);
                    for r in 0..ROWS {
                        let x = _mm256_set1_epi32(x[0][r][pair].cast_signed());
                        for half in 0..2 {
                            let products = _mm256_madd_epi16(x, y[half]);
                            sums[r][half] = _mm256_add_epi32(sums[r][half], products);
                        }
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let factor = _mm256_set1_ps(row_factors[first + r]);
                let out = &mut out[(first + r) * stride + j * SIDE..][..SIDE];
                for (half, out) in out.as_chunks_mut::<8>().0.iter_mut().enumerate() {
                    let factor = _mm256_mul_ps(factor, factors[half]);
                    *out = cast(_mm256_mul_ps(_mm256_cvtepi32_ps(sums[half]), factor));
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
fn scores_512(operands: Operands<'_>, out: &mut [f32], stride: usize) {
    let Operands { rows, columns, panel, row_factors, column_factors } = operands;
    for (j, columns) in columns.chunks(2 * panel).enumerate() {
        let (left, right) = columns.split_at(panel);
        let factors = column_factors[j * 2 * SIDE..][..2 * SIDE].as_chunks::<SIDE>().0;
        for first in (0..STRIP).step_by(ROWS_512) {
            let mut sums = [[_mm512_setzero_si512(); 2]; ROWS_512];
            let rows = &rows[first / SIDE * panel..][..panel];
            for (x, (left, right)) in tiles(rows).zip(tiles(left).zip(tiles(right))) {
                let (x, _) = x[first % SIDE..].as_chunks::<ROWS_512>();
                for pair in 0..SIDE {
                    let y: [__m512i; 2] = [cast(left[pair]), cast(right[pair])];
                    for r in 0..ROWS_512 {
                        let x = _mm512_set1_epi32(x[0][r][pair].cast_signed());
                        for half in 0..2 {
                            sums[r][half] = _mm512_dpwssd_epi32(sums[r][half], x, y[half]);
                        }
                    }
                }
            }
            for (r, sums) in sums.into_iter().enumerate() {
                let factor = _mm512_set1_ps(row_factors[first + r]);
                let out = &mut out[(first + r) * stride + j * 2 * SIDE..][..2 * SIDE];
                for (half, out) in out.as_chunks_mut::<SIDE>().0.iter_mut().enumerate() {
                    let factor = _mm512_mul_ps(factor, cast(factors[half]));
                    *out = cast(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[half]), factor));
                }
            }
        }
    }
}

const _: () = assert!(SIDE.is_multiple_of(ROWS_512) && ROWS_512.is_multiple_of(ROWS));
