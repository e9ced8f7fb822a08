//! Lloyd's k-means on the device, from seeds of greedy k-means++. Empty clusters are re-seeded with the rows farthest from
//! their centres.

use super::seeding;
use crate::{
    device::{ByAtom, Codes, Device, Gemm, Grad, Tensor, log},
    error::{Error, Result},
};
use std::borrow::Cow;

/// What to look for.
#[derive(Clone, Copy, Debug)]
pub struct KMeans {
    /// Centres, N.
    pub count: usize,
    /// Seed of the first centres.
    pub seed: u64,
    /// Most iterations.
    pub iterations: usize,
    /// Stop once the mean squared distance falls by less than this share in an iteration.
    pub tolerance: f64,
}

/// Iterations that k-means takes at most unless told otherwise.
pub const MOST_ITERATIONS: usize = 100;

impl KMeans {
    /// `count` centres, at most [`MOST_ITERATIONS`], until the error falls by less than 0.001 %.
    pub fn new(count: usize, seed: u64) -> Self {
        Self { count, seed, iterations: MOST_ITERATIONS, tolerance: 1e-5 }
    }
}

/// How far k-means is.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// First centres are being drawn.
    Seeding {
        /// Drawn so far.
        done: usize,
        /// To be drawn.
        total: usize,
    },
    /// An iteration was done.
    Iteration {
        /// Number, from 1.
        iteration: usize,
        /// Mean squared distance of a row to its centre, before this iteration's update.
        error: f64,
        /// Clusters that were empty and got a new centre.
        reseeded: usize,
    },
}

impl Progress {
    /// How much is done, of how much, if at most `iterations` follow the seeds, which take about as long.
    pub fn share(self, iterations: usize) -> (usize, usize) {
        let done = match self {
            Self::Seeding { done, total } => done * iterations / total,
            Self::Iteration { iteration, .. } => iterations + iteration,
        };
        (done, 2 * iterations)
    }
}

/// Rows assigned at once: bounds the product [rows, N] with the centres.
const CHUNK_VALUES: usize = 1 << 22;

/// k-means centres [count, d] of `rows` [n, d], in the space of `rows`.
///
/// # Errors
/// [`Error::Setting`] if there are fewer rows than centres; [`Error::TooLarge`], [`Error::Device`].
pub async fn kmeans(
    device: &Device,
    rows: &[f32],
    d: usize,
    options: KMeans,
    on_progress: &mut dyn FnMut(Progress),
) -> Result<Vec<f32>> {
    let n = rows.len() / d;
    if options.count == 0 || options.count > n {
        return Err(Error::setting(
            "points",
            options.count,
            format!("between 1 and the number of rows, {n}"),
            "Ask for fewer points or give more data.",
        ));
    }
    let mean = far_mean(rows, d);
    let mut near = Cow::Borrowed(rows);
    if let Some(mean) = &mean {
        add_to_rows(near.to_mut(), mean, -1.0);
    }
    let rows = &*near;
    let mut lloyd = Lloyd::new(device, rows, d, options.count)?;
    let mut centres = seeding::seed(device, rows, d, &options, on_progress).await?;
    lloyd.centres.write(&centres);
    let mut previous = f64::INFINITY;
    for iteration in 1..=options.iterations {
        let distances = lloyd.iterate(device).await?;
        let error = distances.iter().copied().map(f64::from).sum::<f64>() / n as f64;
        let reseeded = lloyd.reseed(rows, d, distances).await?;
        on_progress(Progress::Iteration { iteration, error, reseeded });
        if reseeded == 0 && error >= previous * (1.0 - options.tolerance) {
            break;
        }
        previous = error;
    }
    centres = lloyd.centres.read().await?;
    if let Some(mean) = &mean {
        add_to_rows(&mut centres, mean, 1.0);
    }
    Ok(centres)
}

/// The mean of rows whose distances would be the small differences of large squares: of those that lie further from 0, on
/// average, than eight times their spread.
fn far_mean(rows: &[f32], d: usize) -> Option<Vec<f32>> {
    let n = (rows.len() / d) as f64;
    let (mut sums, mut squares) = (vec![0.0_f64; d], 0.0_f64);
    for row in rows.chunks_exact(d) {
        sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        squares += row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>();
    }
    let mean_squared: f64 = sums.iter().map(|sum| (sum / n).powi(2)).sum();
    let variance = (squares / n - mean_squared).max(0.0);
    (mean_squared > 64.0 * variance).then(|| sums.iter().map(|sum| (sum / n) as f32).collect())
}

fn add_to_rows(rows: &mut [f32], shift: &[f32], factor: f32) {
    for row in rows.chunks_exact_mut(shift.len()) {
        row.iter_mut().zip(shift).for_each(|(value, shift)| *value += factor * shift);
    }
}

/// Buffers of the iterations.
struct Lloyd {
    chunks: Vec<Chunk>,
    /// [N, d].
    centres: Tensor,
    /// ‖centre‖², [N, 1].
    centres_sq: Tensor,
    /// Σ of the rows of each cluster, over all chunks and over one, [N, d].
    sums: Tensor,
    chunk_sums: Tensor,
    /// Rows of each cluster, [N, 1].
    counts: Tensor<u32>,
    /// X Cᵀ of one chunk, [rows, N].
    products: Tensor,
    /// Unused figures of the counting.
    log: Tensor,
}

/// Some of the rows.
struct Chunk {
    /// [rows, d].
    x: Tensor,
    /// ‖row‖², [rows, 1].
    x_sq: Tensor,
    /// Squared distance to the nearest centre, [rows, 1].
    distance: Tensor,
    /// The nearest centre, as one code of 1 a row.
    assignment: Codes,
    by_centre: ByAtom,
}

impl Lloyd {
    fn new(device: &Device, rows: &[f32], d: usize, count: usize) -> Result<Self> {
        let chunk_rows = (CHUNK_VALUES / count.max(d)).max(1);
        let chunks = rows.chunks(chunk_rows * d).map(|rows| Chunk::new(device, rows, d, count));
        let most_rows = chunk_rows.min(rows.len() / d);
        Ok(Self {
            chunks: chunks.collect::<Result<_>>()?,
            centres: Tensor::zeros(device, count, d)?,
            centres_sq: Tensor::zeros(device, count, 1)?,
            sums: Tensor::zeros(device, count, d)?,
            chunk_sums: Tensor::zeros(device, count, d)?,
            counts: Tensor::zeros(device, count, 1)?,
            products: Tensor::zeros(device, most_rows, count)?,
            log: Tensor::zeros(device, 1, log::WIDTH)?,
        })
    }

    /// Assigns every row to its nearest centre and moves the centres; the squared distances before the move.
    async fn iterate(&mut self, device: &Device) -> Result<Vec<f32>> {
        let Self { chunks, centres, centres_sq, sums, chunk_sums, counts, products, log } = self;
        device.row_sumsq(centres, centres_sq);
        sums.write(&vec![0.0; sums.len()]);
        counts.write(&vec![0; counts.len()]);
        for chunk in chunks.iter_mut() {
            let Chunk { x, x_sq, distance, assignment, by_centre } = chunk;
            products.set_rows(x.rows());
            device.gemm(x, centres, products, Gemm { transpose_b: true, ..Gemm::default() });
            device.nearest(products, x_sq, centres_sq, &mut assignment.indices, distance);
            device.by_atom(assignment, by_centre);
            let rows = Grad::Rows { by_atom: by_centre, values: &assignment.values, source: x };
            device.spmm_t(rows, chunk_sums);
            device.add(sums, chunk_sums);
            device.count_active(assignment, by_centre, counts, log, 0);
        }
        device.mean_rows(sums, counts, centres);
        let mut distances = Vec::new();
        for chunk in chunks {
            distances.extend(chunk.distance.read().await?);
        }
        Ok(distances)
    }

    /// Gives every empty cluster the row farthest from its centre that is not taken yet; how many there were.
    async fn reseed(&mut self, rows: &[f32], d: usize, distances: Vec<f32>) -> Result<usize> {
        let counts = self.counts.read().await?;
        let empty: Vec<_> = (0..counts.len()).filter(|&cluster| counts[cluster] == 0).collect();
        if empty.is_empty() {
            return Ok(0);
        }
        let mut farthest: Vec<_> =
            (0..distances.len()).filter(|&row| distances[row] > 0.0).collect();
        farthest.sort_by(|&a, &b| distances[b].total_cmp(&distances[a]).then(a.cmp(&b)));
        let mut centres = self.centres.read().await?;
        let reseeded = empty.iter().zip(&farthest).map(|(&cluster, &row)| {
            centres[cluster * d..][..d].copy_from_slice(&rows[row * d..][..d]);
        });
        let reseeded = reseeded.count();
        self.centres.write(&centres);
        Ok(reseeded)
    }
}

impl Chunk {
    fn new(device: &Device, rows: &[f32], d: usize, count: usize) -> Result<Self> {
        let n = rows.len() / d;
        let x = Tensor::from_slice(device, n, d, rows)?;
        let mut x_sq = Tensor::zeros(device, n, 1)?;
        device.row_sumsq(&x, &mut x_sq);
        let mut assignment = Codes::new(device, n, 1, count)?;
        assignment.values.write(&vec![1.0; n]);
        assignment.counts.write(&vec![1; n]);
        Ok(Self {
            x,
            x_sq,
            distance: Tensor::zeros(device, n, 1)?,
            assignment,
            by_centre: ByAtom::new(device, n, 1, count)?,
        })
    }
}
