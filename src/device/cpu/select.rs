//! Top-k, and sparse codes made dense.

use super::{
    order::{Order, Relu, Signed},
    scratch::Scratch,
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
    let k_of_row = k.min(n);
    let rows = pre.cpu().par_chunks(n).zip(places(codes));
    rows.with_min_len(block_rows(n)).for_each_init(
        || (Scratch::new(capacity(k_of_row)), RowRoom::<O>::new(k_of_row)),
        |(keys, room), (row, place)| {
            let mut kept = Kept::default();
            let mut candidates = Candidates { keys, kept: &mut kept, room };
            vectorize!(candidates.scan(0, row));
            candidates.prune();
            put::<O>(place, &keys[..kept.len]);
        },
    );
}

/// Where the entries of a row go: indices, values and their count.
type Place<'a> = ((&'a mut [u32], &'a mut [f32]), &'a mut u32);

fn places(codes: &mut Codes) -> impl IndexedParallelIterator<Item = Place<'_>> {
    let width = codes.width();
    let indices = codes.indices.cpu_mut().par_chunks_mut(width);
    let values = codes.values.cpu_mut().par_chunks_mut(width);
    indices.zip(values).zip(codes.counts.cpu_mut().par_iter_mut())
}

fn put<O: Order>(((indices, values), count): Place<'_>, kept: &[u64]) {
    *count = kept.len() as u32;
    for ((index, value), &key) in indices.iter_mut().zip(values).zip(kept) {
        (*index, *value) = (concept(key), O::value(rank(key)));
    }
}

/// Room for the candidates of a row of which k are wanted.
pub(crate) fn capacity(k: usize) -> usize {
    (4 * k).max(2 * GROUP) + GROUP
}

/// Takes a block of each row's relu(pre-codes) into the row's candidates, of which there is `capacity(k)` room each:
/// products in rows of `stride` for the `width` concepts from `first` on, and the bias of these, which is yet to be added.
pub(super) fn take_block(
    products: &[f32],
    bias: Option<&[f32]>,
    (stride, first, width): (usize, usize, usize),
    k: usize,
    keys: &mut [u64],
    kept: &mut [Kept],
) {
    let rows = products.par_chunks(stride).zip(keys.par_chunks_mut(capacity(k)));
    rows.zip(kept.par_iter_mut()).with_min_len(block_rows(width)).for_each_init(
        || (RowRoom::<Relu>::new(k), Scratch::<f32>::new(width)),
        |(room, sums), ((row, keys), kept)| {
            let mut candidates = Candidates { keys, kept, room };
            vectorize!(match bias {
                Some(bias) => {
                    for ((sum, product), bias) in sums.iter_mut().zip(row).zip(bias) {
                        *sum = product + bias;
                    }
                    candidates.scan(first, sums)
                }
                None => candidates.scan(first, &row[..width]),
            });
        },
    );
}

/// The k largest of each row's candidates.
pub(super) fn finish_blocks(k: usize, keys: &mut [u64], kept: &mut [Kept], codes: &mut Codes) {
    let rows = keys.par_chunks_mut(capacity(k)).zip(kept.par_iter_mut()).zip(places(codes));
    rows.with_min_len(block_rows(k)).for_each_init(
        || RowRoom::<Relu>::new(k),
        |room, ((keys, kept), place)| {
            Candidates { keys: &mut *keys, kept: &mut *kept, room }.prune();
            put::<Relu>(place, &keys[..kept.len]);
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

/// How many candidates a row has, and the rank that further ones must exceed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    len: usize,
    threshold: u32,
}

/// What is needed for one row at a time.
struct RowRoom<O: Order> {
    k: usize,
    order: Scratch<u64>,
    /// The largest value of each of as many classes of concepts.
    greatest: Scratch<O::Place>,
}

impl<O: Order> RowRoom<O> {
    fn new(k: usize) -> Self {
        let classes = (2 * k).next_multiple_of(2 * GROUP);
        Self { k, order: Scratch::new(capacity(k)), greatest: Scratch::new(classes) }
    }

    /// What the k largest are certainly above. With the concepts dealt out to classes, k classes hold a value of at
    /// least the k-th largest of the classes' greatest, so that no smaller one is taken; a tie with it may be.
    #[inline(always)]
    fn first_threshold(&mut self, row: &[f32]) -> O::Place {
        let classes = self.greatest.len();
        if row.len() < 2 * classes {
            return O::NEVER;
        }
        let all = &mut *self.greatest;
        all.fill(O::NEVER);
        for values in row.chunks(classes) {
            for (greatest, &value) in all.iter_mut().zip(values) {
                let place = O::place(value);
                *greatest = if place > *greatest { place } else { *greatest };
            }
        }
        let nth = classes - self.k;
        let order = |a: &O::Place, b: &O::Place| O::rank(*a).cmp(&O::rank(*b));
        let (_, &mut least, _) = all.select_nth_unstable_by(nth, order);
        O::below(least)
    }
}

/// Pre-codes of a row above a threshold that rises as better ones turn up; always ascending by concept.
struct Candidates<'a, O: Order> {
    keys: &'a mut [u64],
    kept: &'a mut Kept,
    room: &'a mut RowRoom<O>,
}

impl<O: Order> Candidates<'_, O> {
    /// Takes in the values of the concepts from `first` on.
    #[inline(always)]
    fn scan(&mut self, first: usize, row: &[f32]) {
        if self.kept.len == 0 {
            self.kept.threshold = O::rank(self.room.first_threshold(row));
        }
        let mut threshold = O::of_rank(self.kept.threshold);
        let mut len = self.kept.len;
        for (group, values) in row.chunks(GROUP).enumerate() {
            if !any(values.iter().map(|&value| O::place(value) > threshold)) {
                continue;
            }
            for (concept, &value) in (first + group * GROUP..).zip(values) {
                let place = O::place(value);
                self.keys[len] = key(O::rank(place), concept as u32);
                len += usize::from(place > threshold);
            }
            if len + GROUP > self.keys.len() {
                self.kept.len = len;
                self.prune();
                len = self.kept.len;
                threshold = O::of_rank(self.kept.threshold);
            }
        }
        self.kept.len = len;
    }

    /// Keeps the k largest candidates, in their order, if there are more; the threshold is then the smallest of them.
    fn prune(&mut self) {
        let (k, len) = (self.room.k, self.kept.len);
        if len <= k {
            return;
        }
        let order = &mut self.room.order[..len];
        order.copy_from_slice(&self.keys[..len]);
        let (_, &mut least, _) = order.select_nth_unstable(len - k);
        let mut kept = 0;
        for i in 0..len {
            let key = self.keys[i];
            self.keys[kept] = key;
            kept += usize::from(key >= least);
        }
        *self.kept = Kept { len: k, threshold: rank(least) };
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
