//! Products in float32 of the concepts that are left.

use super::UNDECIDED;
use crate::device::{
    Codes,
    cpu::{
        order::Relu,
        scratch::Scratch,
        select::{Candidates, Kept, Place, RowRoom, capacity, concept, key, places, put},
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

    fn among(&self, x: &[f32], mut candidates: Candidates<'_, Relu>, place: Place<'_>) {
        candidates.prune();
        let Candidates { keys, kept, room } = candidates;
        let candidates = &mut keys[..kept.len()];
        vectorize!(for keys in candidates.chunks_mut(AT_ONCE) {
            let mut concepts = [concept(keys[0]); AT_ONCE];
            for (to, &key) in concepts.iter_mut().zip(&*keys) {
                *to = concept(key);
            }
            let found = self.products(x, concepts);
            for ((to, concept), value) in keys.iter_mut().zip(concepts).zip(found) {
                *to = key(if value > 0.0 { value.to_bits() } else { 0 }, concept);
            }
        });
        let mut positive = 0;
        for i in 0..candidates.len() {
            candidates[positive] = candidates[i];
            positive += usize::from(candidates[i] >> 32 > 0);
        }
        *kept = Kept::of(positive);
        let mut selected = Candidates { keys: &mut *keys, kept: &mut *kept, room };
        selected.prune();
        put::<Relu>(place, &keys[..kept.len()]);
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
