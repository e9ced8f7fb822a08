//! Products with sparse codes.

use super::{
    index::Index,
    simd::{block_rows, dots, sum_rows, vectorize},
};
use crate::device::{Codes, Grad, Tensor, shapes};
use crate::parallel::*;

/// out (+)= Z M.
pub(super) fn spmm(codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool) {
    shapes::sparse_product(codes, m, out);
    let (n, width) = (out.cols(), codes.width());
    if n == 0 {
        return;
    }
    let (m, indices, values) = (m.cpu(), codes.indices.cpu(), codes.values.cpu());
    let rows = out.cpu_mut().par_chunks_mut(n).zip(codes.counts.cpu()).enumerate();
    rows.with_min_len(block_rows(n * width)).for_each(|(row, (out, &count))| {
        let place = row * width;
        let (indices, values) = (&indices[place..], &values[place..]);
        let term = |i: usize| (values[i], &m[indices[i] as usize * n..][..n]);
        vectorize!(sum_rows(out, accumulate, count as usize, term));
    });
}

/// out (+)= M Aᵀ at the entries only.
pub(super) fn sddmm(codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool) {
    shapes::sparse_product(codes, m, a);
    shapes::entries(codes, out);
    let (n, width) = (a.cols(), codes.width());
    if width == 0 {
        return;
    }
    let (m, a, indices) = (m.cpu(), a.cpu(), codes.indices.cpu());
    let rows = out.cpu_mut().par_chunks_mut(width).zip(codes.counts.cpu()).enumerate();
    rows.with_min_len(block_rows(n * width)).for_each(|(row, (out, &count))| {
        let a = &a[row * n..][..n];
        let (out, indices) = (&mut out[..count as usize], &indices[row * width..]);
        let row = |&atom: &u32| &m[atom as usize * n..][..n];
        let put = |out: &mut f32, product: f32| {
            *out = if accumulate { *out + product } else { product };
        };
        vectorize!({
            let (fours, rest) = out.as_chunks_mut::<4>();
            let (four_atoms, atoms) = indices[..count as usize].as_chunks::<4>();
            for (out, atoms) in fours.iter_mut().zip(four_atoms) {
                let products = dots(atoms.each_ref().map(row), a);
                out.iter_mut().zip(products).for_each(|(out, product)| put(out, product));
            }
            for (out, atom) in rest.iter_mut().zip(atoms) {
                put(out, dots([row(atom)], a)[0]);
            }
        });
    });
}

/// A gradient on the CPU, made a block of rows at a time.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    Dense(&'a [f32]),
    Sparse { index: Index<'a>, values: &'a [f32], source: &'a [f32] },
}

impl<'a> Rows<'a> {
    /// Whether a row has entries; a stored one counts as if it had.
    #[inline(always)]
    pub(super) fn has_entries(self, row: usize) -> bool {
        match self {
            Self::Dense(_) => true,
            Self::Sparse { index, .. } => !index.of(row).is_empty(),
        }
    }

    pub(super) fn new(grad: &Grad<'a>) -> Self {
        match *grad {
            Grad::Dense(dense) => Self::Dense(dense.cpu()),
            Grad::Rows { by_atom, values, source } => Self::Sparse {
                index: Index::new(by_atom),
                values: values.cpu(),
                source: source.cpu(),
            },
        }
    }

    /// The rows of `n` elements from row `first` on: borrowed, or made in `buffer`, whose length says how many.
    #[inline(always)]
    pub(super) fn block<'b>(self, first: usize, n: usize, buffer: &'b mut [f32]) -> &'b [f32]
    where
        'a: 'b,
    {
        match self {
            Self::Dense(dense) => &dense[first * n..][..buffer.len()],
            Self::Sparse { index, values, source } => {
                for (atom, row) in (first..).zip(buffer.chunks_exact_mut(n)) {
                    let entries = index.of(atom);
                    sum_rows(row, false, entries.len(), |i| {
                        let entry = entries[i];
                        (values[entry as usize], &source[index.row(entry) * n..][..n])
                    });
                }
                buffer
            }
        }
    }
}

/// out = `grad`, stored.
pub(super) fn spmm_t(grad: Grad<'_>, out: &mut Tensor) {
    shapes::grad(&grad, out.shape());
    let n = out.cols();
    if n == 0 {
        return;
    }
    let (rows, block) = (Rows::new(&grad), block_rows(n));
    out.cpu_mut().par_chunks_mut(block * n).enumerate().for_each(|(task, out)| {
        vectorize!(match rows {
            Rows::Dense(dense) => out.copy_from_slice(&dense[task * block * n..][..out.len()]),
            Rows::Sparse { .. } => {
                rows.block(task * block, n, out);
            }
        });
    });
}
