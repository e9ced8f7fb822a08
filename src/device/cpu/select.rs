//! Top-k, and sparse codes made dense.

use super::simd::{any, block_rows, vectorize};
use crate::device::{Codes, Tensor, shapes};
use rayon::prelude::*;

/// Pre-codes that are looked at together: most such groups hold nothing above the threshold.
const GROUP: usize = 32;

/// Of relu(pre) the k largest of each row, ascending by concept.
pub(super) fn top_k(pre: &Tensor, codes: &mut Codes) {
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
        || Candidates::new(k.min(n)),
        |candidates, (row, ((indices, values), count))| {
            let kept = vectorize!(candidates.scan(row));
            *count = kept as u32;
            let kept = &candidates.keys[..kept];
            for ((index, value), &key) in indices.iter_mut().zip(values).zip(kept) {
                (*index, *value) = (concept(key), value_of(key));
            }
        },
    );
}

/// The order of the selection in one number: a larger value first, then a lower concept. Positive values only,
/// whose bits ascend as they do.
#[inline(always)]
fn key(value: f32, concept: u32) -> u64 {
    (u64::from(value.to_bits()) << 32) | u64::from(!concept)
}

#[inline(always)]
fn value_of(key: u64) -> f32 {
    f32::from_bits((key >> 32) as u32)
}

#[inline(always)]
fn concept(key: u64) -> u32 {
    !(key as u32)
}

/// Pre-codes above a threshold that rises as better ones turn up; always ascending by concept.
struct Candidates {
    k: usize,
    keys: Vec<u64>,
    order: Vec<u64>,
    /// The largest value of each of as many classes of concepts.
    greatest: Vec<f32>,
}

impl Candidates {
    fn new(k: usize) -> Self {
        let capacity = (4 * k).max(2 * GROUP) + GROUP;
        let classes = (2 * k).next_multiple_of(2 * GROUP);
        Self { k, keys: vec![0; capacity], order: vec![0; capacity], greatest: vec![0.0; classes] }
    }

    /// Puts the at most k largest positive values of `row` first and returns how many there are.
    #[inline(always)]
    fn scan(&mut self, row: &[f32]) -> usize {
        let (mut len, mut threshold) = (0, self.first_threshold(row));
        for (group, values) in row.chunks(GROUP).enumerate() {
            if !any(values.iter().map(|&value| value > threshold)) {
                continue;
            }
            for (concept, &value) in (group * GROUP..).zip(values) {
                self.keys[len] = key(value, concept as u32);
                len += usize::from(value > threshold);
            }
            if len + GROUP > self.keys.len() {
                threshold = value_of(self.prune(len));
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
    fn first_threshold(&mut self, row: &[f32]) -> f32 {
        let classes = self.greatest.len();
        if row.len() < 2 * classes {
            return 0.0;
        }
        self.greatest.fill(0.0);
        for values in row.chunks(classes) {
            for (greatest, &value) in self.greatest.iter_mut().zip(values) {
                *greatest = if value > *greatest { value } else { *greatest };
            }
        }
        let nth = classes - self.k;
        let (_, least, _) = self.greatest.select_nth_unstable_by(nth, f32::total_cmp);
        if *least > 0.0 { least.next_down() } else { 0.0 }
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
