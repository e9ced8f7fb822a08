//! Seeded draws that are the same on every platform.
//!
//! Everything is drawn as u32 or u64 in a fixed manner, never as usize, and every stream is seeded by what it is for.

use super::Source;
use crate::error::{Error, Result};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;

/// What a stream of draws is for: streams of one seed that serve different ends must not be the same.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// The order of all rows, or of blocks of rows.
    Shuffle = 1,
    /// The order of rows within a window.
    Window = 2,
    /// A sample of rows.
    Sample = 3,
    /// Which examples a choice is made on.
    Halves = 4,
    /// Directions to compare with.
    Directions = 5,
}

/// A generator of its own for each seed, purpose and pair of counters (epoch and window, say).
pub(crate) fn generator(seed: u64, purpose: Purpose, counters: [u64; 2]) -> ChaCha8Rng {
    let mut key = [0; 32];
    let words = [seed, purpose as u64, counters[0], counters[1]];
    for (bytes, word) in key.chunks_exact_mut(8).zip(words) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}

/// A uniform draw from 0..n without bias (Lemire 2019). n must be at least 1.
pub(crate) fn below(rng: &mut impl Rng, n: u32) -> u32 {
    let mut product = u64::from(rng.next_u32()) * u64::from(n);
    if (product as u32) < n {
        let threshold = n.wrapping_neg() % n;
        while (product as u32) < threshold {
            product = u64::from(rng.next_u32()) * u64::from(n);
        }
    }
    (product >> 32) as u32
}

/// As [`below`], for n past u32.
fn below_u64(rng: &mut impl Rng, n: u64) -> u64 {
    if let Ok(n) = u32::try_from(n) {
        return u64::from(below(rng, n));
    }
    let mut product = u128::from(rng.next_u64()) * u128::from(n);
    if (product as u64) < n {
        let threshold = n.wrapping_neg() % n;
        while (product as u64) < threshold {
            product = u128::from(rng.next_u64()) * u128::from(n);
        }
    }
    (product >> 64) as u64
}

/// Puts `items` in a random order (Fisher and Yates). There must be fewer than 2³² of them.
pub(crate) fn shuffle(rng: &mut impl Rng, items: &mut [u32]) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last as u32 + 1) as usize);
    }
}

/// `count` different rows of `source`, ascending: the same for the same seed and number of rows.
///
/// # Errors
/// [`Error::Setting`] if there are fewer rows than that.
pub fn sample_rows(source: &dyn Source, count: usize, seed: u64) -> Result<Vec<usize>> {
    let rows = source.rows();
    if count > rows {
        return Err(Error::setting(
            "points",
            count,
            format!("at most the number of rows, {rows}"),
            "There are fewer rows than points: ask for fewer points, or give more data.",
        ));
    }
    // Floyd's sampling: one draw a row, memory for the sample only.
    let mut rng = generator(seed, Purpose::Sample, [0, 0]);
    let mut taken = HashSet::with_capacity(count);
    for last in rows - count..rows {
        let row = below_u64(&mut rng, last as u64 + 1) as usize;
        if !taken.insert(row) {
            taken.insert(last);
        }
    }
    let mut sample: Vec<usize> = taken.into_iter().collect();
    sample.sort_unstable();
    Ok(sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    #[test]
    fn draws_are_pinned() {
        // Computed with another implementation of ChaCha8. If this changes, every run with a given seed changes.
        let mut rng = generator(7, Purpose::Shuffle, [3, 0]);
        let mut items: Vec<u32> = (0..8).collect();
        shuffle(&mut rng, &mut items);
        assert_eq!(items, [1, 6, 3, 0, 4, 7, 2, 5]);
        assert_eq!(below_u64(&mut rng, 1 << 40), 14_345_082_250);
    }

    #[test]
    fn draws_are_uniform() {
        let mut rng = generator(1, Purpose::Shuffle, [0, 0]);
        let mut counts = [0u32; 7];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
        }
        // Six standard deviations of a count around 10 000.
        assert!(counts.iter().all(|c| c.abs_diff(10_000) < 560), "{counts:?}");
        let n = 3u64 << 32;
        let mut thirds = [0u32; 3];
        for _ in 0..30_000 {
            thirds[(below_u64(&mut rng, n) >> 32) as usize] += 1;
        }
        assert!(thirds.iter().all(|c| c.abs_diff(10_000) < 500), "{thirds:?}");
    }

    #[test]
    fn streams_differ_by_purpose_and_counter() {
        let first = |purpose, counters| generator(5, purpose, counters).next_u64();
        let all = [
            first(Purpose::Shuffle, [0, 0]),
            first(Purpose::Window, [0, 0]),
            first(Purpose::Sample, [0, 0]),
            first(Purpose::Shuffle, [1, 0]),
            first(Purpose::Shuffle, [0, 1]),
        ];
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
    }

    #[test]
    fn a_sample_has_different_rows_in_order_and_depends_on_the_seed() {
        let source = InMemory::new("x", 1, vec![0.0; 100]).unwrap();
        for count in [0, 1, 37, 99, 100] {
            let sample = sample_rows(&source, count, 4).unwrap();
            assert_eq!(sample.len(), count);
            assert!(sample.is_sorted_by(|a, b| a < b) && sample.iter().all(|&row| row < 100));
            assert_eq!(sample, sample_rows(&source, count, 4).unwrap());
        }
        assert_ne!(sample_rows(&source, 37, 4).unwrap(), sample_rows(&source, 37, 5).unwrap());
    }

    #[test]
    fn every_row_is_equally_likely_in_a_sample() {
        let source = InMemory::new("x", 1, vec![0.0; 10]).unwrap();
        let mut counts = [0u32; 10];
        for seed in 0..10_000 {
            for row in sample_rows(&source, 3, seed).unwrap() {
                counts[row] += 1;
            }
        }
        assert!(counts.iter().all(|c| c.abs_diff(3_000) < 280), "{counts:?}");
    }

    #[test]
    fn more_points_than_rows_are_refused() {
        let source = InMemory::new("x", 1, vec![0.0; 10]).unwrap();
        let message = sample_rows(&source, 11, 0).unwrap_err().to_string();
        assert!(message.contains("fewer rows than points") && message.contains("10"), "{message}");
    }
}
