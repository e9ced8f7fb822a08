//! What the device can do at best: a large product and a large copy, measured through the same operations.

use super::{
    clock::{self, Runs},
    cost::Cost,
};
use crate::failure::Outcome;
use archetypal::{Device, Tensor, device::Gemm};
use serde::Serialize;
use std::{hint::black_box, time::Instant};

/// Of the product: [M, K] · [K, N] …
const PRODUCT: [usize; 3] = [2048, 2048, 2048];
/// … and of the copy, in values: far more than any cache holds.
const COPY: [usize; 2] = [16_384, 2048];

/// Rates of the device.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Roofline {
    /// Floating-point operations a second.
    pub flops: f64,
    /// Bytes a second between the device and its memory, read and written.
    pub bandwidth: f64,
}

impl Roofline {
    /// Measures both, the best of `runs`.
    pub async fn measure(device: &Device, runs: Runs) -> Outcome<Self> {
        Ok(Self { flops: product(device, runs).await?, bandwidth: bandwidth(device, runs).await? })
    }

    /// The least seconds that `costs` can take, one after the other: each bound by its arithmetic or by its memory.
    pub fn limit<'a>(&self, costs: impl IntoIterator<Item = &'a Cost>) -> f64 {
        let least = |cost: &Cost| (cost.flops / self.flops).max(cost.bytes / self.bandwidth);
        costs.into_iter().map(least).sum()
    }
}

async fn product(device: &Device, runs: Runs) -> Outcome<f64> {
    let [m, k, n] = PRODUCT;
    let (a, b) = (filled(device, m, k)?, filled(device, k, n)?);
    let mut c = Tensor::zeros(device, m, n)?;
    let flops = 2.0 * (m * k * n) as f64;
    let mut best: f64 = 0.0;
    for transpose_b in [false, true] {
        let spec = Gemm { transpose_b, ..Gemm::default() };
        let time = clock::operation(device, runs, || device.gemm(&a, &b, &mut c, spec)).await?;
        best = best.max(flops / time.least);
    }
    Ok(best)
}

/// The best of a copy, of an addition in place, and on the CPU of the standard library's copy on all threads.
async fn bandwidth(device: &Device, runs: Runs) -> Outcome<f64> {
    let [rows, cols] = COPY;
    let a = filled(device, rows, cols)?;
    let mut b = filled(device, rows, cols)?;
    let bytes = (4 * rows * cols) as f64;
    let copy = clock::operation(device, runs, || device.copy(&a, &mut b)).await?;
    let add = clock::operation(device, runs, || device.add(&mut b, &a)).await?;
    let mut best = (2.0 * bytes / copy.least).max(3.0 * bytes / add.least);
    if let Some(from) = a.as_cpu() {
        drop(b);
        best = best.max(2.0 * bytes / plain_copy(from, runs.timed));
    }
    Ok(best)
}

/// The least seconds of a copy by threads of our own.
fn plain_copy(from: &[f32], runs: usize) -> f64 {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut to = vec![0.0; from.len()];
    let piece = from.len().div_ceil(threads);
    let mut least = f64::INFINITY;
    for _ in 0..runs + 1 {
        let started = Instant::now();
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(piece).zip(from.chunks(piece)) {
                scope.spawn(|| to.copy_from_slice(black_box(from)));
            }
        });
        least = least.min(started.elapsed().as_secs_f64());
    }
    black_box(&to);
    least
}

fn filled(device: &Device, rows: usize, cols: usize) -> Outcome<Tensor> {
    let mut tensor = Tensor::zeros(device, rows, cols)?;
    device.fill(&mut tensor, 1e-3);
    Ok(tensor)
}
