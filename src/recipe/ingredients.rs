//! Data with what is known of them.

use crate::{
    data::{Normalize, Normalizer, Source, Statistics, read_normalized, sample_rows},
    device::Device,
    error::Result,
    points::{KMeans, Progress, kmeans},
};
use std::sync::Arc;

/// Data, their statistics, and what is done to them.
#[derive(Clone)]
pub struct Ingredients {
    /// The rows.
    pub source: Arc<dyn Source>,
    /// Mean and variance of each dimension.
    pub statistics: Statistics,
    /// Normalises a row.
    pub normalizer: Normalizer,
}

/// Rows for each rough centre, as long as they take no more values than this, and iterations for them.
const ROWS_PER_CENTRE: usize = 32;
const MOST_VALUES: usize = 1 << 24;
const ITERATIONS: usize = 15;
/// The seeds of rough centres have a stream of their own too …
const CENTRES_STREAM: u64 = 0x5eed_ce47;
/// … and so has the sample: neither is that of the points.
const SAMPLE_STREAM: u64 = 0x5eed_5a4d;

impl Ingredients {
    /// Reads all rows once; `on_progress` gets the rows done.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite) at a NaN or infinity, and those of reading.
    pub fn gather(
        source: Arc<dyn Source>,
        normalize: Normalize,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let statistics = Statistics::compute_with(&*source, on_progress)?;
        Ok(Self::new(source, normalize, statistics))
    }

    /// From statistics that are known already.
    pub fn new(source: Arc<dyn Source>, normalize: Normalize, statistics: Statistics) -> Self {
        let normalizer = Normalizer::new(normalize, &statistics);
        Self { source, statistics, normalizer }
    }

    /// At most `count` normalised rows [n, d], drawn without replacement, in the order of the data.
    ///
    /// # Errors
    /// Those of reading.
    pub fn sample(&self, count: usize, seed: u64) -> Result<Vec<f32>> {
        let count = count.min(self.source.rows());
        let rows = sample_rows(&*self.source, count, seed ^ SAMPLE_STREAM)?;
        let mut out = vec![0.0; count * self.source.width()];
        read_normalized(&*self.source, &self.normalizer, &rows, &mut out)?;
        Ok(out)
    }

    /// At most `count` centres of the normalised data, [count, d], by a few iterations of k-means on a sample: rough
    /// ones, that atoms start near. `on_progress` gets how much is done, of how much.
    ///
    /// # Errors
    /// Those of reading and of [`kmeans`].
    pub async fn centres(
        &self,
        device: &Device,
        count: usize,
        seed: u64,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Vec<f32>> {
        let width = self.source.width();
        let most = (MOST_VALUES / width).max(count).min(self.source.rows());
        let sample = self.sample((ROWS_PER_CENTRE * count).min(most), seed)?;
        if sample.len() / width <= count {
            return Ok(sample); // each row is a centre
        }
        let options =
            KMeans { iterations: ITERATIONS, ..KMeans::new(count, seed ^ CENTRES_STREAM) };
        let mut tell = |progress: Progress| {
            let (done, of) = progress.share(ITERATIONS);
            on_progress(done, of);
        };
        kmeans(&device.without_software(), &sample, width, options, &mut tell).await
    }
}
