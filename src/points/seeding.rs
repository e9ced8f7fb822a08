//! k-means++: each next centre is a row drawn with probability ∝ its squared distance to the nearest one so far.

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
    let x = Tensor::from_slice(device, used, d, &rows)?;
    let mut centre = Tensor::zeros(device, 1, d)?;
    let mut distance = Tensor::from_slice(device, used, 1, &vec![f32::MAX; used])?;
    let mut centres = Vec::with_capacity(count * d);
    let mut next = below(&mut rng, used);
    loop {
        let chosen = &rows[next * d..][..d];
        centres.extend_from_slice(chosen);
        let done = centres.len() / d;
        on_progress(Progress::Seeding { done, total: count });
        if done == count {
            return Ok(centres);
        }
        centre.write(chosen);
        device.closer(&x, &centre, &mut distance);
        next = draw(&mut rng, &distance.read().await?);
    }
}

/// Where distances are measured. They are read back for every centre, which in a browser takes longer than to measure
/// them on the CPU.
fn drawing_device(device: &Device) -> Device {
    if cfg!(target_arch = "wasm32") { Device::cpu() } else { device.clone() }
}

/// An index with probability ∝ its weight; any index if all weights are zero.
fn draw(rng: &mut ChaCha8Rng, weights: &[f32]) -> usize {
    let total: f64 = weights.iter().copied().map(f64::from).sum();
    if total <= 0.0 {
        return below(rng, weights.len());
    }
    let mut left = unit(rng) * total;
    let mut last = 0;
    for (index, &weight) in weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
        last = index;
        left -= f64::from(weight);
        if left < 0.0 {
            break;
        }
    }
    last
}

/// Uniform in [0, 1), from 53 random bits.
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    (rng.random::<u64>() >> 11) as f64 / (1u64 << 53) as f64
}

fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    ((unit(rng) * end as f64) as usize).min(end - 1)
}
