//! Greedy k-means++ (Arthur and Vassilvitskii 2007, section 5): each next centre is the best of a few rows that are drawn
//! with probability ∝ their squared distance to the nearest centre so far, the one that leaves the smallest sum of them.
//! Two seeds then agree more, before training and after it.

use super::{KMeans, Progress};
use crate::{
    device::{Device, Tensor},
    error::Result,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Rows that the seeding looks at: enough for the draw to matter, few enough for its quadratic cost.
const ROWS_PER_CENTRE: usize = 8;
const LEAST_ROWS: usize = 4096;
/// Differences that are taken for candidates beyond the first, at most: some ten seconds on two cores. Thousands of
/// centres of long rows have fewer candidates.
const MOST_DIFFERENCES: u64 = 1 << 39;

/// The first centres [count, d], rows of `rows` [n, d].
pub(super) async fn seed(
    device: &Device,
    rows: &[f32],
    d: usize,
    options: &KMeans,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<f32>> {
    let count = options.count;
    let given = rows.len() / d;
    let used = (ROWS_PER_CENTRE * count).max(LEAST_ROWS).min(given);
    // Evenly spaced, for neighbours are often alike.
    let rows: Vec<f32> =
        (0..used).flat_map(|i| &rows[i * given / used * d..][..d]).copied().collect();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let device = &drawing_device(device);
    let tries = candidates(used, d, count);
    let x = Tensor::from_slice(device, used, d, &rows)?;
    let mut candidates = Tensor::zeros(device, tries, d)?;
    let mut nearest = vec![f32::MAX; used];
    let mut distance = Tensor::from_slice(device, used, 1, &nearest)?;
    let mut with_each = Tensor::zeros(device, used, tries)?;
    let mut centres = Vec::with_capacity(count * d);
    for done in 1..=count {
        let draws = Draws::new(&nearest);
        let drawn: Vec<usize> = (0..tries).map(|_| draws.draw(&mut rng)).collect();
        let drawn_rows: Vec<f32> =
            drawn.iter().flat_map(|&row| &rows[row * d..][..d]).copied().collect();
        candidates.write(&drawn_rows);
        device.closer(&x, &candidates, &distance, &mut with_each);
        let distances = with_each.read().await?;
        let best = best(&distances, tries);
        nearest = distances.into_iter().skip(best).step_by(tries).collect();
        distance.write(&nearest);
        centres.extend_from_slice(&drawn_rows[best * d..][..d]);
        on_progress(Progress::Seeding { done, total: count });
    }
    Ok(centres)
}

/// Where distances are measured. They are read back for every centre, which in a browser takes longer than to measure
/// them on the CPU.
fn drawing_device(device: &Device) -> Device {
    if cfg!(target_arch = "wasm32") { Device::cpu() } else { device.clone() }
}

/// Rows that are drawn for each centre: 2 + ln `count`, as is usual, where that does not take too long.
fn candidates(rows: usize, d: usize, count: usize) -> usize {
    let usual = 2 + (count as f64).ln() as u64;
    let for_each = [d, count].iter().fold(rows as u64, |all, &n| all.saturating_mul(n as u64));
    usual.min(MOST_DIFFERENCES / for_each.max(1)).max(1) as usize
}

/// The first column of `distances` [n, `tries`] that has the smallest sum.
fn best(distances: &[f32], tries: usize) -> usize {
    let mut sums = vec![0.0; tries];
    for row in distances.chunks_exact(tries) {
        sums.iter_mut().zip(row).for_each(|(sum, &distance)| *sum += f64::from(distance));
    }
    (0..tries).min_by(|&a, &b| sums[a].total_cmp(&sums[b])).unwrap_or(0)
}

/// Draws of an index with probability ∝ its weight; of any index if all weights are zero.
struct Draws {
    /// Sums of the weights up to and with each.
    sums: Vec<f64>,
}

impl Draws {
    fn new(weights: &[f32]) -> Self {
        let mut sum = 0.0;
        let sums = weights.iter().map(|&weight| {
            sum += f64::from(weight);
            sum
        });
        Self { sums: sums.collect() }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> usize {
        let count = self.sums.len();
        let total = self.sums[count - 1];
        let place = unit(rng) * total;
        // An index without weight has the sum of the one before it, and is passed over with it.
        match self.sums.partition_point(|&sum| sum <= place) {
            found if found < count => found,
            _ => below(rng, count),
        }
    }
}

/// Uniform in [0, 1), from 53 random bits.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.random::<u64>() >> 11) as f64 / (1u64 << 53) as f64
}

fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    ((unit(rng) * end as f64) as usize).min(end - 1)
}
