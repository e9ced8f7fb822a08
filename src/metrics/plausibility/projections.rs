//! How far the examples reach along given directions, as scores.

use super::{
    best::{Best, Scores, auc, better, chosen},
    classes::Classes,
};
use crate::{
    data::Loader,
    device::{Device, Tensor},
    error::Result,
    metrics::dictionary::{NT, normalize_rows},
    parallel::*,
};

/// Scores that are held at once (256 MiB).
const HELD: usize = 1 << 26;
/// Directions that are projected on at once.
const DIRECTIONS: std::ops::RangeInclusive<usize> = 16..=1024;

/// max(x·u/‖u‖, 0) for some directions u and every example, the largest over its rows.
struct Projections {
    examples: usize,
    first: usize,
    /// [directions, examples].
    values: Vec<f32>,
}

impl Scores for Projections {
    fn of(&self, direction: usize) -> impl Iterator<Item = (u32, f32)> {
        let values = &self.values[(direction - self.first) * self.examples..][..self.examples];
        (0..).zip(values.iter().copied())
    }
}

/// How many passes over the data `count` directions take.
pub(super) fn passes(classes: &Classes, count: usize) -> usize {
    count.div_ceil(block(classes))
}

fn block(classes: &Classes) -> usize {
    (HELD / classes.examples()).clamp(*DIRECTIONS.start(), *DIRECTIONS.end())
}

/// For each class the direction chosen on one half, with its area on the other one. `directions` are [M, d]; `on_progress`
/// gets the rows done in all passes.
pub(super) async fn choose(
    device: &Device,
    loader: &Loader,
    classes: &Classes,
    mut directions: Vec<f32>,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Vec<(Best, f64)>> {
    let (width, judged) = (loader.source().width(), classes.judged().len());
    normalize_rows(&mut directions, width);
    let mut found: Vec<(Best, f64)> =
        Best::none(judged).into_iter().map(|best| (best, 0.0)).collect();
    let (block, mut first, mut done) = (block(classes), 0, 0);
    for some in directions.chunks(block * width) {
        let mut tell = |rows| on_progress(done + rows);
        let scores = project(device, loader, classes, some, first, &mut tell).await?;
        done += classes.rows();
        let candidates = first..first + some.len() / width;
        first = candidates.end;
        let bests = found.iter().map(|found| found.0).collect();
        let bests = better(bests, chosen(classes, &scores, candidates.clone()));
        for (class, (found, best)) in found.iter_mut().zip(bests).enumerate() {
            // The scores are gone when the next block comes.
            if candidates.contains(&best.candidate) {
                *found = (best, auc(&classes.judging, &scores, best.candidate, class));
            }
        }
    }
    Ok(found)
}

async fn project(
    device: &Device,
    loader: &Loader,
    classes: &Classes,
    directions: &[f32],
    first: usize,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Projections> {
    let (width, examples) = (loader.source().width(), classes.examples());
    let count = directions.len() / width;
    let batch_rows = loader.batch_size().min(classes.rows());
    let directions = Tensor::from_slice(device, count, width, directions)?;
    let mut x = Tensor::zeros(device, batch_rows, width)?;
    let mut products = Tensor::zeros(device, count, batch_rows)?;
    // Zero is what a negative projection counts as.
    let mut values = vec![0.0_f32; count * examples];
    let mut padded = Vec::new();
    let (mut batches, mut done) = (loader.in_order()?, 0);
    while let Some(batch) = batches.next() {
        let batch = batch?;
        padded.clear();
        padded.extend_from_slice(&batch.data);
        // The products have a fixed number of columns; those past the last row are not looked at.
        padded.resize(batch_rows * width, 0.0);
        x.write(&padded);
        device.gemm(&directions, &x, &mut products, NT);
        let found = products.read().await?;
        values.par_chunks_mut(examples).zip(found.par_chunks(batch_rows)).for_each(
            |(values, found)| {
                for (&row, &value) in batch.rows.iter().zip(found) {
                    let largest = &mut values[row / classes.rows_per_example()];
                    *largest = largest.max(value);
                }
            },
        );
        done += batch.rows.len();
        batches.recycle(batch);
        on_progress(done);
    }
    Ok(Projections { examples, first, values })
}
