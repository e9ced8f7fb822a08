//! Top-k, and sparse codes made dense.

use super::{
    order::{Order, Relu, Signed},
    scratch::Scratch,
    simd::{any, block_rows, vectorize},
};
use crate::device::{Codes, Tensor, shapes};
use crate::parallel::*;

/// Pre-codes that are looked at together: most such groups hold nothing above the threshold. As many as a word has bits.
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
        || {
            let capacity = capacity(k_of_row);
            (Scratch::new(capacity), RowRoom::<O>::new(k_of_row, capacity))
        },
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
pub(super) type Place<'a> = ((&'a mut [u32], &'a mut [f32]), &'a mut u32);

pub(super) fn places(codes: &mut Codes) -> impl IndexedParallelIterator<Item = Place<'_>> {
    let width = codes.width();
    let indices = codes.indices.cpu_mut().par_chunks_mut(width);
    let values = codes.values.cpu_mut().par_chunks_mut(width);
    indices.zip(values).zip(codes.counts.cpu_mut().par_iter_mut())
}

pub(super) fn put<O: Order>(((indices, values), count): Place<'_>, kept: &[u64]) {
    *count = kept.len() as u32;
    for ((index, value), &key) in indices.iter_mut().zip(values).zip(kept) {
        (*index, *value) = (concept(key), O::value(rank(key)));
    }
}

/// Room for the candidates of a row of which k are wanted.
pub(crate) fn capacity(k: usize) -> usize {
    (4 * k).max(2 * GROUP) + GROUP
}

/// Takes a block of each row's relu(pre-codes) into the row's candidates, of which there is room for `capacity` each:
/// products in rows of `stride` for the `width` concepts from `first` on, and the bias of these, which is yet to be added.
pub(super) fn take_block(
    products: &[f32],
    bias: Option<&[f32]>,
    (stride, first, width): (usize, usize, usize),
    (k, capacity): (usize, usize),
    keys: &mut [u64],
    kept: &mut [Kept],
) {
    let rows = products.par_chunks(stride).zip(keys.par_chunks_mut(capacity));
    rows.zip(kept.par_iter_mut()).with_min_len(block_rows(width)).for_each_init(
        || (RowRoom::<Relu>::new(k, capacity), Scratch::<f32>::new(width)),
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
pub(super) fn finish_blocks(
    (k, capacity): (usize, usize),
    keys: &mut [u64],
    kept: &mut [Kept],
    codes: &mut Codes,
) {
    let rows = keys.par_chunks_mut(capacity).zip(kept.par_iter_mut()).zip(places(codes));
    rows.with_min_len(block_rows(k)).for_each_init(
        || RowRoom::<Relu>::new(k, capacity),
        |room, ((keys, kept), place)| {
            Candidates { keys: &mut *keys, kept: &mut *kept, room }.prune();
            put::<Relu>(place, &keys[..kept.len]);
        },
    );
}

/// The order of the selection in one number: a larger value first, then a lower concept.
#[inline(always)]
pub(super) fn key(rank: u32, concept: u32) -> u64 {
    (u64::from(rank) << 32) | u64::from(!concept)
}

#[inline(always)]
pub(super) fn rank(key: u64) -> u32 {
    (key >> 32) as u32
}

#[inline(always)]
pub(super) fn concept(key: u64) -> u32 {
    !(key as u32)
}

/// How many candidates a row has, and the rank that further ones must exceed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    len: usize,
    threshold: u32,
    slack: f32,
    /// Candidates beyond k that were within the slack when they were last pruned.
    excess: usize,
    undecided: bool,
}

impl Kept {
    /// Of so many candidates that were found in another way.
    pub(super) fn of(len: usize) -> Self {
        Self { len, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Values from now on may be up to `slack` too large beside others: candidates are all within `slack` of the k-th
    /// largest. Undecided if that is not finite.
    pub(super) fn widen(&mut self, slack: f32) {
        self.slack = self.slack.max(slack);
        self.undecided |= !slack.is_finite();
    }

    /// Whether there was no room for all candidates, so that none are kept.
    pub(super) fn is_undecided(&self) -> bool {
        self.undecided
    }
}

/// What is needed for one row at a time.
pub(super) struct RowRoom<O: Order> {
    k: usize,
    order: Scratch<u64>,
    /// The largest value of each of as many classes of concepts.
    greatest: Scratch<O::Place>,
}

impl<O: Order> RowRoom<O> {
    /// For rows that have room for `capacity` candidates.
    pub(super) fn new(k: usize, capacity: usize) -> Self {
        let classes = (2 * k).next_multiple_of(2 * GROUP);
        Self { k, order: Scratch::new(capacity), greatest: Scratch::new(classes) }
    }

    /// What the k largest are certainly above. With the concepts dealt out to classes, k classes hold a value of at
    /// least the k-th largest of the classes' greatest, so that no smaller one is taken; a tie with it may be.
    #[inline(always)]
    fn first_threshold(&mut self, row: &[f32], slack: f32) -> O::Place {
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
        O::below(O::lowered(least, slack))
    }
}

/// Pre-codes of a row above a threshold that rises as better ones turn up; always ascending by concept.
pub(super) struct Candidates<'a, O: Order> {
    pub keys: &'a mut [u64],
    pub kept: &'a mut Kept,
    pub room: &'a mut RowRoom<O>,
}

impl<O: Order> Candidates<'_, O> {
    /// Takes in the values of the concepts from `first` on.
    #[inline(always)]
    pub(super) fn scan(&mut self, first: usize, row: &[f32]) {
        if self.kept.undecided {
            return;
        }
        if self.kept.len == 0 {
            let first = self.room.first_threshold(row, self.kept.slack);
            self.kept.threshold = self.kept.threshold.max(O::rank(first));
        }
        let mut threshold = O::of_rank(self.kept.threshold);
        let mut len = self.kept.len;
        let mut limit = self.limit();
        for (group, values) in row.chunks(GROUP).enumerate() {
            if !any(values.iter().map(|&value| O::place(value) > threshold)) {
                continue;
            }
            let mut hits = 0_u32;
            for (i, &value) in values.iter().enumerate() {
                hits |= u32::from(O::place(value) > threshold) << i;
            }
            while hits != 0 {
                let i = hits.trailing_zeros() as usize;
                hits &= hits - 1;
                self.keys[len] =
                    key(O::rank(O::place(values[i])), (first + group * GROUP + i) as u32);
                len += 1;
            }
            if len + GROUP > limit {
                self.kept.len = len;
                self.prune();
                len = self.kept.len;
                limit = self.limit();
                threshold = O::of_rank(self.kept.threshold);
                if len + GROUP > self.keys.len() {
                    *self.kept = Kept { len: 0, undecided: true, ..*self.kept };
                    return;
                }
            }
        }
        self.kept.len = len;
    }

    /// Candidates from which on they are pruned.
    #[inline(always)]
    fn limit(&self) -> usize {
        (capacity(self.room.k) + self.kept.excess).min(self.keys.len())
    }

    /// Keeps the k largest candidates, in their order, if there are more, and what is within the slack of them; the
    /// threshold is then what further ones must exceed. Returns the k-th largest key, 0 if there are no more than k.
    pub(super) fn prune(&mut self) -> u64 {
        let (k, len) = (self.room.k, self.kept.len);
        if len <= k {
            return 0;
        }
        let order = &mut self.room.order[..len];
        order.copy_from_slice(&self.keys[..len]);
        let (_, &mut kth, _) = order.select_nth_unstable(len - k);
        let (least, threshold) = self.lowered(kth);
        let mut kept = 0;
        for i in 0..len {
            let key = self.keys[i];
            self.keys[kept] = key;
            kept += usize::from(key >= least);
        }
        *self.kept = Kept { len: kept, threshold, excess: kept - k, ..*self.kept };
        kth
    }

    /// The least key that stays beside a k-th largest of `least`, and the rank that further ones must exceed: without
    /// slack they lose to one of the same value, which has a lower concept.
    fn lowered(&self, least: u64) -> (u64, u32) {
        if self.kept.slack == 0.0 {
            return (least, rank(least));
        }
        let lowered = O::lowered(O::of_rank(rank(least)), self.kept.slack);
        let threshold = O::rank(O::below(lowered));
        (u64::from(threshold + 1) << 32, threshold)
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
