//! Top-k, and sparse codes made dense.

use super::{
    order::{Order, Relu, Signed},
    simd::{any, block_rows, vectorize},
};
use crate::device::{Codes, Tensor, shapes};
use crate::parallel::*;

/// Pre-codes that are looked at together: most such groups hold nothing above the threshold.
const GROUP: usize = 32;

/// Of relu(pre) the k largest of each row, ascending by concept.
pub(super) fn top_k(pre: &Tensor, codes: &mut Codes) {
    select::<Relu>(pre, codes);
}

/// Of pre the k largest of each row, ascending by concept.
pub(super) fn top_k_signed(pre: &Tensor, codes: &mut Codes) {
    select::<Signed>(pre, codes);
}

fn select<O: Order>(pre: &Tensor, codes: &mut Codes) {
    shapes::expect("pre-codes", pre, [codes.rows(), codes.concepts()]);
    let (n, k) = (pre.cols(), codes.width());
    if n == 0 || k == 0 {
        codes.counts.cpu_mut().fill(0);
        return;
    }
    let rows = pre.cpu().par_chunks(n);
    let indices = codes.indices.cpu_mut().par_chunks_mut(k);
    let values = codes.values.cpu_mut().par_chunks_mut(k);
    let counts = codes.counts.cpu_mut().par_iter_mut();
    let places = indices.zip(values).zip(counts);
    rows.zip(places).with_min_len(block_rows(n)).for_each_init(
        || Candidates::<O>::new(k.min(n)),
        |candidates, (row, ((indices, values), count))| {
            let kept = vectorize!(candidates.scan(row));
            *count = kept as u32;
            let kept = &candidates.keys[..kept];
            for ((index, value), &key) in indices.iter_mut().zip(values).zip(kept) {
                (*index, *value) = (concept(key), O::value(rank(key)));
            }
        },
    );
}

/// The order of the selection in one number: a larger value first, then a lower concept.
#[inline(always)]
fn key(rank: u32, concept: u32) -> u64 {
    (u64::from(rank) << 32) | u64::from(!concept)
}

#[inline(always)]
fn rank(key: u64) -> u32 {
    (key >> 32) as u32
}

#[inline(always)]
fn concept(key: u64) -> u32 {
    !(key as u32)
}

/// Pre-codes above a threshold that rises as better ones turn up; always ascending by concept.
struct Candidates<O: Order> {
    k: usize,
    keys: Vec<u64>,
    order: Vec<u64>,
    /// The largest value of each of as many classes of concepts.
    greatest: Vec<O::Place>,
}

impl<O: Order> Candidates<O> {
    fn new(k: usize) -> Self {
        let capacity = (4 * k).max(2 * GROUP) + GROUP;
        let classes = (2 * k).next_multiple_of(2 * GROUP);
        let greatest = vec![O::NEVER; classes];
        Self { k, keys: vec![0; capacity], order: vec![0; capacity], greatest }
    }

    /// Puts the at most k largest values of `row` that may be taken first and returns how many there are.
    #[inline(always)]
    fn scan(&mut self, row: &[f32]) -> usize {
        let (mut len, mut threshold) = (0, self.first_threshold(row));
        for (group, values) in row.chunks(GROUP).enumerate() {
            if !any(values.iter().map(|&value| O::place(value) > threshold)) {
                continue;
            }
            for (concept, &value) in (group * GROUP..).zip(values) {
                let place = O::place(value);
                self.keys[len] = key(O::rank(place), concept as u32);
                len += usize::from(place > threshold);
            }
            if len + GROUP > self.keys.len() {
                threshold = O::place(O::value(rank(self.prune(len))));
                len = self.k;
            }
        }
        if len > self.k {
            self.prune(len);
            len = self.k;
        }
        len
    }

    /// What the k largest are certainly above. With the concepts dealt out to classes, k classes hold a value of at
    /// least the k-th largest of the classes' greatest, so that no smaller one is taken; a tie with it may be.
    #[inline(always)]
    fn first_threshold(&mut self, row: &[f32]) -> O::Place {
        let classes = self.greatest.len();
        if row.len() < 2 * classes {
            return O::NEVER;
        }
        self.greatest.fill(O::NEVER);
        for values in row.chunks(classes) {
            for (greatest, &value) in self.greatest.iter_mut().zip(values) {
                let place = O::place(value);
                *greatest = if place > *greatest { place } else { *greatest };
            }
        }
        let nth = classes - self.k;
        let order = |a: &O::Place, b: &O::Place| O::rank(*a).cmp(&O::rank(*b));
        let (_, &mut least, _) = self.greatest.select_nth_unstable_by(nth, order);
        O::below(least)
    }

    /// Keeps the k largest of the first `len` keys, in their order, and returns the smallest of them.
    fn prune(&mut self, len: usize) -> u64 {
        let order = &mut self.order[..len];
        order.copy_from_slice(&self.keys[..len]);
        let (_, &mut least, _) = order.select_nth_unstable(len - self.k);
        let mut kept = 0;
        for i in 0..len {
            let key = self.keys[i];
            self.keys[kept] = key;
            kept += usize::from(key >= least);
        }
        least
    }
}

/// dense = the codes, zero elsewhere.
pub(super) fn scatter(codes: &Codes, dense: &mut Tensor) {
    shapes::expect("dense codes", dense, [codes.rows(), codes.concepts()]);
    let (n, width) = (dense.cols(), codes.width());
    if n == 0 {
        return;
    }
    let (indices, values) = (codes.indices.cpu(), codes.values.cpu());
    let rows = dense.cpu_mut().par_chunks_mut(n).zip(codes.counts.cpu()).enumerate();
    rows.with_min_len(block_rows(n)).for_each(|(row, (dense, &count))| {
        dense.fill(0.0);
        let places = row * width..row * width + count as usize;
        for (&concept, &value) in indices[places.clone()].iter().zip(&values[places]) {
            dense[concept as usize] = value;
        }
    });
}

/// `dense[b, indices[b, i]]` += factor · `values[b, i]` at the entries.
pub(super) fn scatter_add(codes: &Codes, values: &Tensor, factor: f32, dense: &mut Tensor) {
    shapes::expect("dense matrix", dense, [codes.rows(), codes.concepts()]);
    shapes::entries(codes, values);
    let (n, width) = (dense.cols(), codes.width());
    if n == 0 {
        return;
    }
    let (indices, values) = (codes.indices.cpu(), values.cpu());
    let rows = dense.cpu_mut().par_chunks_mut(n).zip(codes.counts.cpu()).enumerate();
    rows.with_min_len(block_rows(width)).for_each(|(row, (dense, &count))| {
        let places = row * width..row * width + count as usize;
        for (&concept, &value) in indices[places.clone()].iter().zip(&values[places]) {
            dense[concept as usize] += factor * value;
        }
    });
}
