//! Mean and variance of every dimension, in one pass over data of any size.

use super::{Partial, Source, Stack};
use crate::error::{Error, Result};
use crate::parallel::*;

/// Values in a block; the block is what one thread takes at a time and fits the second-level cache.
const BLOCK_VALUES: usize = 1 << 17;

/// Blocks between two merges.
const WAVE: usize = 64;

/// What one pass over the data finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// How many rows were read.
    pub rows: usize,
    /// The mean of each dimension, `[d]`.
    pub mean: Vec<f64>,
    /// The biased variance of each dimension (divided by the number of rows), `[d]`.
    pub variance: Vec<f64>,
}

impl Statistics {
    /// Reads every row once, on all threads.
    ///
    /// The result has the same bits on any number of threads: blocks depend on the width only and are merged
    /// pairwise in a fixed order.
    ///
    /// # Errors
    /// [`Error::NotFinite`] at the first NaN or infinity, [`Error::Empty`] without rows.
    pub fn compute(source: &dyn Source) -> Result<Self> {
        Self::compute_with(source, |_| {})
    }

    /// As [`Statistics::compute`], calling `progress` with the number of rows read so far.
    ///
    /// # Errors
    /// As [`Statistics::compute`].
    pub fn compute_with(source: &dyn Source, mut progress: impl FnMut(usize)) -> Result<Self> {
        let mut reading = Reading::new(source);
        while let Some(done) = reading.wave()? {
            progress(done);
        }
        reading.finish()
    }

    /// As [`Statistics::compute_with`], letting the page's event loop run meanwhile.
    ///
    /// # Errors
    /// As [`Statistics::compute`].
    #[cfg(all(target_arch = "wasm32", feature = "web"))]
    pub(crate) async fn compute_breathing(
        source: &dyn Source,
        mut progress: impl FnMut(usize),
    ) -> Result<Self> {
        let mut reading = Reading::new(source);
        while let Some(done) = reading.wave()? {
            progress(done);
            crate::device::pause::breathe().await;
        }
        reading.finish()
    }

    /// The variance of the data, summed over the dimensions.
    pub fn total_variance(&self) -> f64 {
        self.variance.iter().sum()
    }
}

/// A pass over the data, a wave of blocks at a time.
struct Reading<'a> {
    source: &'a dyn Source,
    block_rows: usize,
    /// The next block.
    next: usize,
    stack: Stack,
}

impl<'a> Reading<'a> {
    fn new(source: &'a dyn Source) -> Self {
        let block_rows = (BLOCK_VALUES / source.width().max(1)).clamp(16, 1024);
        Self { source, block_rows, next: 0, stack: Stack::default() }
    }

    /// Reads on; how many rows are read then, or nothing once all were.
    fn wave(&mut self) -> Result<Option<usize>> {
        let Self { source, block_rows, next: first, .. } = *self;
        let (rows, width) = (source.rows(), source.width());
        let end = (first + WAVE).min(rows.div_ceil(block_rows));
        if first == end {
            return Ok(None);
        }
        let partials: Vec<Result<Partial>> = (first..end)
            .into_par_iter()
            .map_init(Vec::new, |buffer, block| {
                let start = block * block_rows;
                let n = block_rows.min(rows - start);
                buffer.resize(block_rows * width, 0.0);
                let values = &mut buffer[..n * width];
                source.read_range(start, values)?;
                check_finite(source, values, |row| start + row)?;
                Ok(Partial::of(values, width))
            })
            .collect();
        // In the order of the blocks, so that the first bad value is reported and the sum is always the same.
        for partial in partials {
            self.stack.push(partial?);
        }
        let done = end.saturating_mul(block_rows).min(rows);
        // What is read once need not stay, however small the set: it may be meant to take even less memory.
        source.release(first * block_rows..done);
        self.next = end;
        Ok(Some(done))
    }

    fn finish(self) -> Result<Statistics> {
        let Some(total) = self.stack.finish() else {
            return Err(Error::Empty {
                what: "the data".into(),
                hint: "Give at least one row of activations.".into(),
            });
        };
        let variance = total.m2.iter().map(|m2| m2 / total.rows).collect();
        Ok(Statistics { rows: self.source.rows(), mean: total.mean, variance })
    }
}

/// Finds the first NaN or infinity in `values`, whose i-th row is row `row_of(i)` of `source`.
pub(crate) fn check_finite(
    source: &dyn Source,
    values: &[f32],
    row_of: impl Fn(usize) -> usize,
) -> Result<()> {
    if all_finite(values) {
        return Ok(());
    }
    let Some(place) = values.iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let location = source.locate(row_of(place / source.width()));
    Err(Error::NotFinite {
        file: location.file,
        row: location.row,
        column: place % source.width(),
        value: values[place],
    })
}

/// Whether there is neither NaN nor infinity.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    // The largest exponent, by integer comparison: the loop has no branch and runs on whole vectors.
    pulp::Arch::new().dispatch(|| {
        let largest = values.iter().fold(0, |m: u32, v| m.max(v.to_bits() & 0x7fff_ffff));
        largest < f32::INFINITY.to_bits()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    fn noise(rows: usize, width: usize, offset: f32) -> InMemory {
        let mut state = 1u32;
        let values = (0..rows * width)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                offset + (state >> 8) as f32 / 16_777_216.0 * (1 + i % width) as f32
            })
            .collect();
        InMemory::new("noise", width, values).unwrap()
    }

    fn naive(source: &InMemory) -> (Vec<f64>, Vec<f64>) {
        let (n, d) = (source.rows(), source.width());
        let column = |c: usize| source.values().iter().skip(c).step_by(d).map(|&v| f64::from(v));
        let mean: Vec<f64> = (0..d).map(|c| column(c).sum::<f64>() / n as f64).collect();
        let variance = (0..d)
            .map(|c| column(c).map(|v| (v - mean[c]).powi(2)).sum::<f64>() / n as f64)
            .collect();
        (mean, variance)
    }

    #[test]
    fn equals_the_definition_on_awkward_shapes() {
        // One row; one column; less than, exactly, and one more than a block; several waves.
        for (rows, width) in
            [(1, 5), (7, 1), (1023, 3), (1024, 3), (1025, 3), (70_001, 2), (33, 4099)]
        {
            let source = noise(rows, width, 1000.0);
            let found = Statistics::compute(&source).unwrap();
            let (mean, variance) = naive(&source);
            assert_eq!(found.rows, rows);
            for c in 0..width {
                assert!((found.mean[c] - mean[c]).abs() <= 1e-12 * mean[c].abs());
                assert!(
                    (found.variance[c] - variance[c]).abs() <= 1e-9 * variance[c] + 1e-18,
                    "{rows}×{width}: {} and {}",
                    found.variance[c],
                    variance[c]
                );
            }
        }
    }

    #[test]
    fn same_bits_on_any_number_of_threads() {
        let source = noise(200_000, 5, -3.0);
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| Statistics::compute(&source).unwrap())
        };
        let one = on(1);
        for threads in [2, 3, 7] {
            assert_eq!(one, on(threads));
        }
    }

    #[test]
    fn a_large_offset_does_not_hide_the_variance() {
        // Values 2²⁰ and 2²⁰ + 1: the textbook formula on f32 gives 0 or nonsense.
        let values = (0..100_000).map(|i| 1_048_576.0 + (i % 2) as f32).collect();
        let found = Statistics::compute(&InMemory::new("x", 1, values).unwrap()).unwrap();
        assert!((found.variance[0] - 0.25).abs() < 1e-12);
    }

    #[test]
    fn the_first_bad_value_is_named() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = vec![1.0; 3 * 80_000];
            values[3 * 70_123 + 2] = bad;
            values[3 * 79_000] = f32::NAN;
            let source = InMemory::new("some.npy", 3, values).unwrap();
            match Statistics::compute(&source).unwrap_err() {
                Error::NotFinite { file, row, column, value } => {
                    assert_eq!((file.as_str(), row, column), ("some.npy", 70_123, 2));
                    assert_eq!(value.to_bits(), bad.to_bits());
                }
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn progress_reaches_the_end() {
        let mut seen = Vec::new();
        Statistics::compute_with(&noise(100_000, 2, 0.0), |rows| seen.push(rows)).unwrap();
        assert!(seen.is_sorted() && seen.len() > 1);
        assert_eq!(seen.last(), Some(&100_000));
    }
}
