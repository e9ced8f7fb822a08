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

/// C = A Bᵀ, or with `add` C + A Bᵀ, with rows of C `stride` apart: A [m, k], B [n, k].
pub(super) fn rows_by_rows(
    a: &[f32],
    b: &[f32],
    c: &mut [f32],
    (m, n, k, stride): (usize, usize, usize, usize),
    add: bool,
) {
    assert!(a.len() >= m * k && b.len() >= n * k, "operands of a product");
    assert!(n <= stride && c.len() + stride >= m * stride + n, "room for a product");
    let a = Operand { data: a, cs: 1, rs: k as isize };
    let b = Operand { data: b, cs: k as isize, rs: 1 };
    // SAFETY: the lengths were checked just now.
    unsafe { product((m, n, k), a, b, c, stride, add) }
}

pub(super) fn put_bias(c: &mut [f32], bias: &[f32], accumulate: bool) {
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
    let read = spec.accumulate || spec.bias.is_some();
    let (a, b) = (Operand::new(a, spec.transpose_a), Operand::new(b, spec.transpose_b));
    // SAFETY: `shapes::gemm` has checked that op(A) is [m, k], op(B) [k, n] and C [m, n], each a whole slice.
    unsafe { product((m, n, k), a, b, c.cpu_mut(), n, read) }
}

/// A matrix whose element (i, j) stands at i · rs + j · cs.
struct Operand<'a> {
    data: &'a [f32],
    cs: isize,
    rs: isize,
}

impl<'a> Operand<'a> {
    /// op(tensor), whose rows are stored one after the other.
    fn new(tensor: &'a Tensor, transposed: bool) -> Self {
        let cols = tensor.cols() as isize;
        let (cs, rs) = if transposed { (cols, 1) } else { (1, cols) };
        Self { data: tensor.cpu(), cs, rs }
    }
}

/// C (+)= A·B, with rows of C `stride` apart.
///
/// # Safety
/// A has to hold [m, k], B [k, n] and C [m, n] at these strides.
unsafe fn product(
    (m, n, k): (usize, usize, usize),
    a: Operand<'_>,
    b: Operand<'_>,
    c: &mut [f32],
    stride: usize,
    read: bool,
) {
    let parallelism = if m * n * k < BLOCK { Parallelism::None } else { PARALLELISM };
    // SAFETY: the caller vouches for the extents; C is borrowed mutably, so it overlaps neither operand.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            stride as isize,
            read,
            a.data.as_ptr(),
            a.cs,
            a.rs,
            b.data.as_ptr(),
            b.cs,
            b.rs,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}
