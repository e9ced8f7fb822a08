//! Products in float32 of the concepts that are left.

use super::UNDECIDED;
use crate::device::{
    Codes,
    cpu::{
        order::Relu,
        scratch::Scratch,
        select::{Candidates, Kept, Place, RowRoom, capacity, concept, key, places, put, rank},
        simd::{dots, vectorize},
    },
};
use crate::parallel::*;

/// Rows that are multiplied with at once.
const AT_ONCE: usize = 4;

/// The operands.
pub(super) struct Exact<'a> {
    pub x: &'a [f32],
    pub weight: &'a [f32],
    pub bias: Option<&'a [f32]>,
    pub d: usize,
    /// Candidates that a row has room for.
    pub capacity: usize,
}

impl Exact<'_> {
    /// Selects from the candidates of each row; false, with nothing selected, if too many rows are undecided.
    pub(super) fn finish(&self, keys: &mut [u64], kept: &mut [Kept], codes: &mut Codes) -> bool {
        let undecided = kept.iter().filter(|kept| kept.is_undecided()).count();
        if undecided > kept.len() / UNDECIDED {
            return false;
        }
        let k = codes.width();
        let rows = self.x.par_chunks(self.d).zip(keys.par_chunks_mut(self.capacity));
        rows.zip(kept.par_iter_mut()).zip(places(codes)).for_each_init(
            || RowRoom::new(k, self.capacity),
            |room, (((x, keys), kept), place)| match kept.is_undecided() {
                true => self.among_all(x, k, place),
                false => self.among(x, Candidates { keys, kept, room }, place),
            },
        );
        true
    }

    /// A candidate's key holds what its product is at most. Multiplied are those of the k largest, and of the others only
    /// those that could then exceed the least product.
    fn among(&self, x: &[f32], mut candidates: Candidates<'_, Relu>, place: Place<'_>) {
        let kth = candidates.prune();
        let Candidates { keys, kept, room } = candidates;
        let candidates = &mut keys[..kept.len()];
        let mut order = Scratch::<u32>::new(candidates.len());
        order.iter_mut().zip(0..).for_each(|(place, i)| *place = i);
        let likely = gather(&mut order, |&i| candidates[i as usize] >= kth);
        let (likely, others) = order.split_at_mut(likely);
        let least = vectorize!(self.multiply(x, candidates, likely));
        let possible = gather(others, |&i| rank(candidates[i as usize]) >= least);
        let (possible, impossible) = others.split_at(possible);
        vectorize!(self.multiply(x, candidates, possible));
        impossible.iter().for_each(|&i| candidates[i as usize] = 0);
        let mut positive = 0;
        for i in 0..candidates.len() {
            candidates[positive] = candidates[i];
            positive += usize::from(rank(candidates[i]) > 0);
        }
        *kept = Kept::of(positive);
        let mut selected = Candidates { keys: &mut *keys, kept: &mut *kept, room };
        selected.prune();
        put::<Relu>(place, &keys[..kept.len()]);
    }

    /// Puts into the keys of those `which` their products; zero for what is not positive. Returns the least rank.
    #[inline(always)]
    fn multiply(&self, x: &[f32], keys: &mut [u64], which: &[u32]) -> u32 {
        let mut least = u32::MAX;
        for which in which.chunks(AT_ONCE) {
            let mut concepts = [concept(keys[which[0] as usize]); AT_ONCE];
            for (to, &i) in concepts.iter_mut().zip(which) {
                *to = concept(keys[i as usize]);
            }
            let found = self.products(x, concepts);
            for ((&i, concept), value) in which.iter().zip(concepts).zip(found) {
                let rank = if value > 0.0 { value.to_bits() } else { 0 };
                keys[i as usize] = key(rank, concept);
                least = least.min(rank);
            }
        }
        least
    }

    fn among_all(&self, x: &[f32], k: usize, place: Place<'_>) {
        let concepts = self.weight.len() / self.d;
        let mut values = Scratch::<f32>::new(concepts);
        let values = &mut *values;
        vectorize!(for (chunk, values) in values.chunks_mut(AT_ONCE).enumerate() {
            let concepts =
                std::array::from_fn(|i| (chunk * AT_ONCE + i.min(values.len() - 1)) as u32);
            let found = self.products(x, concepts);
            values.copy_from_slice(&found[..values.len()]);
        });
        let (mut keys, mut room) = (Scratch::new(capacity(k)), RowRoom::new(k, capacity(k)));
        let mut kept = Kept::default();
        let mut candidates =
            Candidates::<Relu> { keys: &mut keys, kept: &mut kept, room: &mut room };
        vectorize!(candidates.scan(0, values));
        candidates.prune();
        put::<Relu>(place, &keys[..kept.len()]);
    }

    #[inline(always)]
    fn products(&self, x: &[f32], concepts: [u32; AT_ONCE]) -> [f32; AT_ONCE] {
        let mut found = dots(concepts.map(|j| &self.weight[j as usize * self.d..][..self.d]), x);
        if let Some(bias) = self.bias {
            for (value, j) in found.iter_mut().zip(concepts) {
                *value += bias[j as usize];
            }
        }
        found
    }
}

/// Brings the items for which `is_first` holds to the front. Returns how many there are. Without a branch, which nothing
/// would predict.
fn gather<T>(items: &mut [T], is_first: impl Fn(&T) -> bool) -> usize {
    let mut count = 0;
    for i in 0..items.len() {
        items.swap(i, count);
        count += usize::from(is_first(&items[count]));
    }
    count
}
