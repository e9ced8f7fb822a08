//! The products at the entries together with the norm of the gradient that the same rows make: each row of the batch
//! matrix is read once for both, and each row of the parameter once for all of its entries.

use super::{
    index::Index,
    simd::{self, block_rows, dots, sum_rows, vectorize, with_scratch},
};
use crate::device::{ByAtom, Codes, Tensor, shapes};
use crate::parallel::*;

/// Entries that are taken at once; an atom with no more needs no gradient in memory.
const AT_ONCE: usize = 4;
/// Independent sums of a product and of the squares.
const LANES: usize = 16;

/// out (+)= M Aᵀ at the entries, `sumsq[0, slot]` = Σ over the atoms of ‖Σ values · rows of A‖².
pub(super) fn sddmm_sumsq(
    codes: &Codes,
    by_atom: &ByAtom,
    m: &Tensor,
    a: &Tensor,
    out: &mut Tensor,
    accumulate: bool,
    sumsq: &mut Tensor,
    slot: usize,
) {
    shapes::sparse_product(codes, m, a);
    shapes::entries(codes, out);
    shapes::index(codes, by_atom);
    let n = a.cols();
    let operands = Operands {
        index: Index::new(by_atom),
        values: codes.values.cpu(),
        m: m.cpu(),
        a: a.cpu(),
        n,
    };
    let (products, sum) = operands.products(codes.concepts(), block_rows(n));
    sumsq.cpu_mut()[slot] = sum as f32;
    let out = out.cpu_mut();
    for (&entry, product) in operands.index.entries().iter().zip(products) {
        let out = &mut out[entry as usize];
        *out = if accumulate { *out + product } else { product };
    }
}

#[derive(Clone, Copy)]
struct Operands<'a> {
    index: Index<'a>,
    values: &'a [f32],
    m: &'a [f32],
    a: &'a [f32],
    n: usize,
}

impl<'a> Operands<'a> {
    /// The product of each entry, by atom, and the sum of squares; `block` atoms a task.
    fn products(self, atoms: usize, block: usize) -> (Vec<f32>, f64) {
        let mut products = vec![0.0; self.index.entries().len()];
        let mut tasks = Vec::with_capacity(atoms.div_ceil(block));
        let mut rest = &mut products[..];
        for first in (0..atoms).step_by(block) {
            let atoms = first..(first + block).min(atoms);
            let entries = atoms.clone().map(|atom| self.index.of(atom).len()).sum();
            let (own, after) = rest.split_at_mut(entries);
            tasks.push((atoms, own));
            rest = after;
        }
        let sums: Vec<f64> = tasks
            .into_par_iter()
            .map(|(atoms, mut products)| {
                let mut sum = 0.0;
                for atom in atoms {
                    let (own, after) = products.split_at_mut(self.index.of(atom).len());
                    sum += self.atom(atom, own);
                    products = after;
                }
                sum
            })
            .collect();
        (products, sums.iter().sum())
    }

    /// The products of an atom; the square of its gradient's norm.
    fn atom(self, atom: usize, products: &mut [f32]) -> f64 {
        let m = &self.m[atom * self.n..][..self.n];
        let entries = self.index.of(atom);
        match *entries {
            [] => 0.0,
            [a] => self.few(m, [a], products),
            [a, b] => self.few(m, [a, b], products),
            [a, b, c] => self.few(m, [a, b, c], products),
            [a, b, c, d] => self.few(m, [a, b, c, d], products),
            _ => with_scratch(self.n, |gradient| {
                vectorize!(self.many(m, entries, products, gradient))
            }),
        }
    }

    /// The value of an entry and the row of A that it stands for.
    #[inline(always)]
    fn term(self, entry: u32) -> (f32, &'a [f32]) {
        (self.values[entry as usize], &self.a[self.index.row(entry) * self.n..][..self.n])
    }

    fn few<const M: usize>(self, m: &[f32], entries: [u32; M], products: &mut [f32]) -> f64 {
        let terms = entries.map(|entry| self.term(entry));
        let (found, sum) = vectorize!(products_and_square(m, terms));
        products.copy_from_slice(&found);
        f64::from(sum)
    }

    #[inline(always)]
    fn many(self, m: &[f32], entries: &[u32], products: &mut [f32], gradient: &mut [f32]) -> f64 {
        let fours = products.chunks_mut(AT_ONCE).zip(entries.chunks(AT_ONCE));
        for (products, entries) in fours {
            // The last few repeat the first of them.
            let row = |i: usize| self.term(entries[if i < entries.len() { i } else { 0 }]).1;
            let found = dots([row(0), row(1), row(2), row(3)], m);
            products.copy_from_slice(&found[..entries.len()]);
        }
        sum_rows(gradient, false, entries.len(), |i| self.term(entries[i]));
        simd::sumsq(gradient)
    }
}

/// The products of `m` with a few rows, and ‖Σ value · row‖², in one pass.
#[inline(always)]
fn products_and_square<const M: usize>(m: &[f32], terms: [(f32, &[f32]); M]) -> ([f32; M], f32) {
    let (values, rows) = (terms.map(|term| term.0), terms.map(|term| &term.1[..m.len()]));
    let mut products = [[0.0_f32; LANES]; M];
    let mut squares = [0.0_f32; LANES];
    let whole = m.len() / LANES * LANES;
    for first in (0..whole).step_by(LANES) {
        let m: &[f32; LANES] = m[first..].first_chunk().expect("a whole chunk");
        let mut gradient = [0.0_f32; LANES];
        for ((products, row), value) in products.iter_mut().zip(rows).zip(values) {
            let row: &[f32; LANES] = row[first..].first_chunk().expect("a whole chunk");
            for i in 0..LANES {
                products[i] += m[i] * row[i];
                gradient[i] += value * row[i];
            }
        }
        for i in 0..LANES {
            squares[i] += gradient[i] * gradient[i];
        }
    }
    for at in whole..m.len() {
        let lane = at - whole;
        let mut gradient = 0.0;
        for ((products, row), value) in products.iter_mut().zip(rows).zip(values) {
            products[lane] += m[at] * row[at];
            gradient += value * row[at];
        }
        squares[lane] += gradient * gradient;
    }
    (products.map(|lanes| simd::tree(&lanes)), simd::tree(&squares))
}
