//! The points that archetypal atoms are blends of: k-means centres of the data, or a sample of its rows.

mod kmeans;
mod seeding;

pub use kmeans::{KMeans, MOST_ITERATIONS, Progress, kmeans};

use crate::{
    data::{Normalizer, Source, read_normalized, sample_rows},
    device::Device,
    error::Result,
};
use serde::{Deserialize, Serialize};

/// How points are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Centres of k-means, from seeds of greedy k-means++.
    #[default]
    Kmeans,
    /// Rows of the data, drawn without replacement.
    Sample,
}

/// Rows that k-means looks at, for each of its centres …
const ROWS_PER_CENTRE: usize = 64;
/// … and at least,
const LEAST_ROWS: usize = 16_384;
/// … as long as they take no more values than this (64 MiB), except that there must be a row for each centre.
const MOST_VALUES: usize = 1 << 24;

/// Rows of the sample that are read before their pages are given back.
const PIECE: usize = 256;

/// `count` points of the normalised data, [count, d] row by row.
///
/// k-means works on a sample of at most 64 rows a centre (16 384 at least) and 64 MiB, twice on the host and twice on
/// the device; with the products of the rows and the centres it takes less than 384 MiB besides the centres, before
/// training has taken anything. A software driver's part is the CPU's, which is faster ([`Device::without_software`]).
///
/// # Errors
/// [`crate::Error::Setting`] if there are fewer rows than points, [`crate::Error::NotFinite`] at a NaN in a row
/// that is read; [`crate::Error::TooLarge`], [`crate::Error::Device`].
pub async fn find(
    device: &Device,
    source: &dyn Source,
    normalizer: &Normalizer,
    method: Method,
    count: usize,
    seed: u64,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<f32>> {
    let wanted = match method {
        Method::Sample => count,
        Method::Kmeans => (ROWS_PER_CENTRE * count)
            .max(LEAST_ROWS)
            .min(MOST_VALUES / source.width().max(1))
            .min(source.rows())
            .max(count),
    };
    let sample = sample_rows(source, wanted, seed)?;
    let mut rows = vec![0.0; sample.len() * source.width()];
    for (sample, rows) in sample.chunks(PIECE).zip(rows.chunks_mut(PIECE * source.width().max(1))) {
        read_normalized(source, normalizer, sample, rows)?;
        // Each row of a mapped file brings in its neighbours, which would add up to far more than the sample.
        source.release(sample[0]..sample[sample.len() - 1] + 1);
    }
    match method {
        Method::Sample => Ok(rows),
        Method::Kmeans => {
            let device = &device.without_software();
            kmeans(device, &rows, source.width(), KMeans::new(count, seed), on_progress).await
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    /// Two clusters far from 0, between which float32 could not tell by the squares of their lengths.
    #[test]
    fn data_far_from_zero_are_told_apart() {
        let row = |i: usize| (0..64).map(move |j| 1e4 + ((i % 2) as f32 - 0.5) * (j % 2) as f32);
        let rows: Vec<f32> = (0..40).flat_map(row).collect();
        let data = InMemory::new("far", 64, rows.clone()).unwrap();
        let (device, none) = (Device::cpu(), Normalizer::identity(64));
        let mut ignored = |_| {};
        let found = find(&device, &data, &none, Method::Kmeans, 2, 0, &mut ignored);
        let mut found = pollster::block_on(found).unwrap();
        let second = found.split_off(64);
        let pair = if found[1] < second[1] { [found, second] } else { [second, found] };
        assert_eq!(pair, [&rows[..64], &rows[64..128]]);
    }
}
