//! The products at the entries together with the norm of the gradient that the same rows make: each row of the batch
//! matrix is read once for both, and each row of the parameter once for all of its entries.

use super::{
    index::{Index, halves},
    scratch::Scratch,
    simd::{self, block_rows, dots, sum_rows, vectorize},
};
use crate::device::{ByAtom, Codes, Tensor, shapes};
use crate::parallel::*;
use std::ops::Range;

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
    let mut products = Scratch::new(operands.index.entries().len());
    sumsq.cpu_mut()[slot] =
        operands.products(codes.concepts(), block_rows(n), &mut products) as f32;
    let out = out.cpu_mut();
    for (&entry, &product) in operands.index.entries().iter().zip(&*products) {
        let out = &mut out[entry as usize];
        *out = if accumulate { *out + product } else { product };
    }
}

/// Some atoms, where the products of their entries go, and a sum for each task.
struct Part<'a> {
    atoms: Range<usize>,
    products: &'a mut [f32],
    sums: &'a mut [f64],
}

impl Part<'_> {
    /// Two halves, each of whole tasks of `task` atoms, if there is more than one.
    fn halves(self, task: usize, index: Index<'_>) -> (Self, Option<Self>) {
        let Some((atoms, others)) = halves(&self.atoms, task) else { return (self, None) };
        let (products, more) = self.products.split_at_mut(index.count(&atoms));
        let (sums, later) = self.sums.split_at_mut(atoms.len() / task);
        (Self { atoms, products, sums }, Some(Part { atoms: others, products: more, sums: later }))
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
    /// The product of each entry, by atom, and the sum of squares, which is added up by tasks of `task` atoms.
    fn products(self, atoms: usize, task: usize, products: &mut [f32]) -> f64 {
        let mut sums = Scratch::<f64>::new(atoms.div_ceil(task));
        let all = Part { atoms: 0..atoms, products, sums: &mut sums };
        split(all, |part| part.halves(task, self.index)).for_each(|part| {
            let Part { atoms, mut products, sums } = part;
            for (first, sum) in atoms.clone().step_by(task).zip(sums) {
                *sum = 0.0;
                for atom in first..atoms.end.min(first + task) {
                    let (own, after) = products.split_at_mut(self.index.of(atom).len());
                    *sum += self.atom(atom, own);
                    products = after;
                }
            }
        });
        sums.iter().sum()
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
            _ => {
                let mut gradient = Scratch::new(self.n);
                let gradient = &mut *gradient;
                vectorize!(self.many(m, entries, products, gradient))
            }
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
///
/// What is left of the rows is added to the sums of the lanes: were a lane chosen at run time, all of them would live in
/// memory, and the loop would take half as long again.
#[inline(always)]
fn products_and_square<const M: usize>(m: &[f32], terms: [(f32, &[f32]); M]) -> ([f32; M], f32) {
    let (values, rows) = (terms.map(|term| term.0), terms.map(|term| &term.1[..m.len()]));
    let mut products = [[0.0_f32; LANES]; M];
    let mut squares = [0.0_f32; LANES];
    let (whole, rest) = m.as_chunks::<LANES>();
    let chunks = rows.map(|row| row.as_chunks::<LANES>().0);
    for (c, m) in whole.iter().enumerate() {
        let mut gradient = [0.0_f32; LANES];
        for ((products, row), value) in products.iter_mut().zip(chunks).zip(values) {
            for i in 0..LANES {
                products[i] += m[i] * row[c][i];
                gradient[i] += value * row[c][i];
            }
        }
        for i in 0..LANES {
            squares[i] += gradient[i] * gradient[i];
        }
    }
    let (mut products, mut square) =
        (products.map(|lanes| simd::tree(&lanes)), simd::tree(&squares));
    for at in m.len() - rest.len()..m.len() {
        let mut gradient = 0.0;
        for ((product, row), value) in products.iter_mut().zip(rows).zip(values) {
            *product += m[at] * row[at];
            gradient += value * row[at];
        }
        square += gradient * gradient;
    }
    (products, square)
}
