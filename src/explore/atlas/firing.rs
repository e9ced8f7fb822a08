//! The rows that a concept fires in, by the strength of its code.

use super::codes::{AllCodes, is_active};

/// Top rows of a concept.
pub(super) const TOP: usize = 24;
/// Parts that the active codes are divided into.
pub(super) const FIFTHS: usize = 5;
/// Rows shown of each part.
pub(super) const OF_FIFTH: usize = 6;
/// Bins of the histogram.
pub(super) const BINS: usize = 32;

/// (row, code) of the active codes of one concept, largest first and the first row first of equals.
pub(super) struct Firing(Vec<(u32, f32)>);

impl Firing {
    pub fn of(codes: &AllCodes, concept: usize) -> Self {
        let mut active: Vec<_> =
            codes.of_concept(concept).filter(|(_, value)| is_active(*value)).collect();
        active.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self(active)
    }

    /// The largest code; 0 of none.
    pub fn max(&self) -> f32 {
        self.0.first().map_or(0.0, |pair| pair.1)
    }

    /// The largest codes, of each example of `cells` rows only one.
    pub fn top(&self, cells: usize) -> Vec<(u32, f32)> {
        let mut top: Vec<(u32, f32)> = Vec::with_capacity(TOP);
        let example = |row: u32| row as usize / cells;
        for &(row, value) in &self.0 {
            if top.len() == TOP {
                break;
            }
            if !top.iter().any(|other| example(other.0) == example(row)) {
                top.push((row, value));
            }
        }
        top
    }

    /// Codes evenly spread over each fifth, the highest fifth first.
    pub fn fifths(&self) -> [Vec<(u32, f32)>; FIFTHS] {
        std::array::from_fn(|fifth| {
            let end = |fifth: usize| fifth * self.0.len() / FIFTHS;
            let part = &self.0[end(fifth)..end(fifth + 1)];
            let shown = part.len().min(OF_FIFTH);
            // The middles of equal parts.
            (0..shown).map(|i| part[(2 * i + 1) * part.len() / (2 * shown)]).collect()
        })
    }

    /// How many codes lie in each of equal bins from 0 to the largest.
    pub fn histogram(&self) -> [u32; BINS] {
        let mut counts = [0; BINS];
        let max = f64::from(self.max());
        for &(_, value) in &self.0 {
            let bin = (f64::from(value) / max * BINS as f64) as usize;
            counts[bin.min(BINS - 1)] += 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn falling(count: u32) -> Firing {
        Firing((0..count).map(|row| (row, (count - row) as f32)).collect())
    }

    #[test]
    fn fifths_are_spread_and_short_where_there_is_little() {
        let rows = |firing: Firing| {
            firing.fifths().map(|part| part.iter().map(|pair| pair.0).collect::<Vec<_>>())
        };
        assert_eq!(rows(falling(0)), [const { Vec::<u32>::new() }; 5]);
        assert_eq!(rows(falling(3)), [vec![], vec![0], vec![], vec![1], vec![2]]);
        let many = rows(falling(60));
        assert_eq!(many[0], [1, 3, 5, 7, 9, 11]);
        assert_eq!(many[4], [49, 51, 53, 55, 57, 59]);
        let all: Vec<u32> = rows(falling(30)).concat();
        assert_eq!(all, (0..30).collect::<Vec<_>>());
    }

    #[test]
    fn histogram_and_examples() {
        let firing = falling(64);
        assert_eq!(firing.histogram()[..2], [1, 2]);
        assert_eq!(firing.histogram()[31], 3);
        assert_eq!(firing.histogram().iter().sum::<u32>(), 64);
        let top: Vec<_> = firing.top(4).iter().map(|pair| pair.0).collect();
        assert_eq!(top, (0..16).map(|i| 4 * i).collect::<Vec<_>>());
        assert_eq!(falling(64).top(1).len(), TOP);
        assert_eq!(falling(0).histogram(), [0; BINS]);
    }
}
