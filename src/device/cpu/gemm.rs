//! Dense products.

use super::simd::{BLOCK, block_rows};
use crate::device::{Gemm, Tensor, shapes};
use crate::parallel::*;
use gemm::Parallelism;

#[cfg(not(target_arch = "wasm32"))]
const PARALLELISM: Parallelism = Parallelism::Rayon(0);
#[cfg(target_arch = "wasm32")]
const PARALLELISM: Parallelism = Parallelism::None;

/// C (+)= op(A)·op(B) (+ bias).
pub(super) fn gemm(a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
    let (m, n, k) = shapes::gemm(a, b, c, &spec);
    if m == 0 || n == 0 {
        return;
    }
    // The bias goes into C first: the product then adds to it, which costs no pass of its own.
    match spec.bias {
        Some(bias) => put_bias(c.cpu_mut(), bias.cpu(), spec.accumulate),
        None if k == 0 && !spec.accumulate => c.cpu_mut().fill(0.0),
        None => {}
    }
    if k > 0 {
        multiply(a, b, c, (m, n, k), spec);
    }
}

fn put_bias(c: &mut [f32], bias: &[f32], accumulate: bool) {
    let n = bias.len();
    c.par_chunks_mut(n).with_min_len(block_rows(n)).for_each(|row| {
        if accumulate {
            row.iter_mut().zip(bias).for_each(|(c, &b)| *c += b);
        } else {
            row.copy_from_slice(bias);
        }
    });
}

fn multiply(
    a: &Tensor,
    b: &Tensor,
    c: &mut Tensor,
    (m, n, k): (usize, usize, usize),
    spec: Gemm<'_>,
) {
    // (column stride, row stride) of op(A) and op(B), whose rows are stored one after the other.
    let strides = |tensor: &Tensor, transposed: bool| {
        let cols = tensor.cols() as isize;
        if transposed { (cols, 1) } else { (1, cols) }
    };
    let (a_cs, a_rs) = strides(a, spec.transpose_a);
    let (b_cs, b_rs) = strides(b, spec.transpose_b);
    let read = spec.accumulate || spec.bias.is_some();
    let parallelism = if m * n * k < BLOCK { Parallelism::None } else { PARALLELISM };
    // SAFETY: `shapes::gemm` has checked that op(A) is [m, k], op(B) [k, n] and C [m, n], each a whole slice with
    // these strides; C is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.cpu_mut().as_mut_ptr(),
            1,
            n as isize,
            read,
            a.cpu().as_ptr(),
            a_cs,
            a_rs,
            b.cpu().as_ptr(),
            b_cs,
            b_rs,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
