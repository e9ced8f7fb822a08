//! Matrices in float16: made, and multiplied. The CPU computes in float32, to which a block of them is widened at a time.

use super::{
    gemm::{put_bias, rows_by_rows},
    linear_top_k::{by_blocks, is_whole},
    scratch::Scratch,
    select,
    simd::block_rows,
};
use crate::device::{Codes, Halves, Tensor, TopKRoom, WIDENED_ROWS, shapes};
use crate::parallel::*;
use half::{f16, slice::HalfFloatSliceExt};

/// out = a, each value rounded to the nearest float16.
pub(super) fn narrow(a: &Tensor, out: &mut Halves) {
    shapes::narrow(a, out);
    let (cols, stride) = (a.cols(), out.stride());
    if cols == 0 {
        return;
    }
    let rows = a.cpu().par_chunks(cols).zip(out.cpu_mut().par_chunks_mut(stride));
    rows.with_min_len(block_rows(cols)).for_each(|(a, out)| {
        let (out, padding) = out.split_at_mut(cols);
        padding.fill(f16::ZERO);
        out.convert_from_f32_slice(a);
        for (out, a) in out.iter_mut().zip(a) {
            // A number that is too large is no infinity, of which a product would make NaN.
            if out.is_infinite() && a.is_finite() {
                *out = if out.is_sign_negative() { f16::MIN } else { f16::MAX };
            }
        }
    });
}

/// C = A Bᵀ (+ bias).
pub(super) fn gemm_halves(a: &Halves, b: &Halves, bias: Option<&Tensor>, c: &mut Tensor) {
    let (m, n, _) = shapes::gemm_halves(a, b, bias, c);
    if m == 0 || n == 0 {
        return;
    }
    let k = a.stride();
    if let Some(bias) = bias {
        put_bias(c.cpu_mut(), bias.cpu(), false);
    }
    let (mut wide, mut block) = (Scratch::new(m * k), Scratch::new(WIDENED_ROWS.min(n) * k));
    let a = widen(&a.cpu()[..m * k], &mut wide);
    for first in (0..n).step_by(WIDENED_ROWS) {
        let width = WIDENED_ROWS.min(n - first);
        let b = widen(&b.cpu()[first * k..][..width * k], &mut block);
        let c = &mut c.cpu_mut()[first..];
        rows_by_rows(a, b, c, (m, width, k, n), bias.is_some());
    }
}

/// Top-k of relu(X Eᵀ + b).
pub(super) fn linear_top_k_halves(
    x: &Halves,
    weight: &Halves,
    bias: Option<&Tensor>,
    room: &mut TopKRoom,
    codes: &mut Codes,
) {
    let (rows, concepts, _) = shapes::linear_top_k_halves(x, weight, bias, room, codes);
    if is_whole(room, concepts) {
        gemm_halves(x, weight, bias, &mut room.pre);
        return select::top_k(&room.pre, codes);
    }
    let (k, stride) = (x.stride(), room.pre.cols());
    let (mut wide, mut block) = (Scratch::new(rows * k), Scratch::new(stride * k));
    let x = widen(&x.cpu()[..rows * k], &mut wide);
    by_blocks(bias, room, codes, |first, width, out| {
        let weight = widen(&weight.cpu()[first * k..][..width * k], &mut block);
        rows_by_rows(x, weight, out, (rows, width, k, stride), false);
    });
}

/// `halves` as float32, at the start of `room`.
fn widen<'a>(halves: &[f16], room: &'a mut [f32]) -> &'a [f32] {
    /// Halves that one task takes.
    const PIECE: usize = 1 << 14;
    let wide = &mut room[..halves.len()];
    let pieces = wide.par_chunks_mut(PIECE).zip(halves.par_chunks(PIECE));
    pieces.for_each(|(wide, halves)| halves.convert_to_f32_slice(wide));
    wide
}
