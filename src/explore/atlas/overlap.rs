//! Which concepts fire in the same rows.

use super::{
    codes::{AllCodes, is_active},
    pairs::highest,
};
use crate::parallel::*;
use std::ops::Range;

/// Pairs of active codes that are counted at most; beyond that (dense codes of many rows) only on some of the rows.
const MOST_PAIRS: f64 = (1u64 << 34) as f64;

/// Counts for the Jaccard index of the sets of rows in which two concepts are active.
pub(super) struct Overlap<'a> {
    codes: &'a AllCodes,
    /// A row is looked at if the hash of its number is at most this.
    limit: u32,
    /// Rows looked at in which each concept is active.
    fired: Vec<u32>,
}

impl<'a> Overlap<'a> {
    pub fn new(codes: &'a AllCodes) -> Self {
        Self::of_at_most(codes, MOST_PAIRS)
    }

    fn of_at_most(codes: &'a AllCodes, most: f64) -> Self {
        let lengths = codes.by_row.indptr.windows(2).map(|ends| (ends[1] - ends[0]) as f64);
        let pairs: f64 = lengths.map(|length| length * length).sum();
        let limit = (f64::from(u32::MAX) * (most / pairs).min(1.0)) as u32;
        let mut overlap = Self { codes, limit, fired: Vec::new() };
        let concepts = (0..codes.by_row.concepts).into_par_iter();
        overlap.fired = concepts.map(|concept| overlap.rows_of(concept).count() as u32).collect();
        overlap
    }

    /// For each concept the `count` others of the largest index, with that.
    pub fn of(&self, concepts: Range<usize>, count: usize) -> Vec<Vec<(u32, f32)>> {
        let room = || vec![0; self.fired.len()];
        concepts.into_par_iter().map_init(room, |both, i| self.of_one(i, both, count)).collect()
    }

    /// `both` is all zero before and after.
    fn of_one(&self, concept: usize, both: &mut [u32], count: usize) -> Vec<(u32, f32)> {
        let mut met: Vec<u32> = Vec::new();
        for row in self.rows_of(concept) {
            for (other, _) in self.codes.by_row.row(row).filter(|(_, value)| is_active(*value)) {
                if both[other as usize] == 0 {
                    met.push(other);
                }
                both[other as usize] += 1;
            }
        }
        met.sort_unstable();
        let others = met.iter().filter(|&&other| other as usize != concept).map(|&other| {
            let (both, fired) = (both[other as usize], self.fired[other as usize]);
            let either = u64::from(self.fired[concept]) + u64::from(fired) - u64::from(both);
            (other, (f64::from(both) / either as f64) as f32)
        });
        let most = highest(others, count);
        met.iter().for_each(|&other| both[other as usize] = 0);
        most
    }

    /// The rows looked at in which a concept is active.
    fn rows_of(&self, concept: usize) -> impl Iterator<Item = usize> + '_ {
        let active = self.codes.of_concept(concept).filter(|(_, value)| is_active(*value));
        active.map(|(row, _)| row).filter(|row| hash(*row) <= self.limit).map(|row| row as usize)
    }
}

/// Spreads numbers evenly (Fibonacci hashing), so that a share of the rows is spread over all cells of the pictures.
fn hash(row: u32) -> u32 {
    row.wrapping_mul(2_654_435_769)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::CodeRows;

    #[test]
    fn dense_codes_are_counted_on_some_rows() {
        // Two concepts in every row, a third one in every second row.
        let mut codes = CodeRows { concepts: 3, indptr: vec![0], ..CodeRows::default() };
        for row in 0..4000 {
            codes.indices.extend_from_slice(if row % 2 == 0 { &[0, 1, 2] } else { &[0, 1] });
            codes.indptr.push(codes.indices.len() as u64);
        }
        codes.values = vec![1.0; codes.indices.len()];
        let codes = AllCodes::new(codes).unwrap();
        let all = Overlap::new(&codes);
        assert_eq!(all.fired, [4000, 4000, 2000]);
        assert_eq!(all.of(0..1, 2), [[(1, 1.0), (2, 0.5)]]);
        let some = Overlap::of_at_most(&codes, 2600.0);
        assert!((350..450).contains(&some.fired[0]), "{:?}", some.fired);
        let [(other, one), (third, half)] = some.of(0..1, 2)[0][..] else { panic!("two others") };
        assert_eq!((other, one, third), (1, 1.0, 2));
        assert!((half - 0.5).abs() < 0.05, "{half}");
    }
}
