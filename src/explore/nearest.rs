//! The rows of the data that given vectors are most like.

use super::best::Best;
use crate::{
    data::Loader,
    device::{Device, Gemm, Tensor},
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};

/// Rows kept beyond those asked for, until the last of them are compared exactly.
const SPARE: usize = 8;

/// What near means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Distance {
    /// ‖x − target‖.
    #[default]
    Euclidean,
    /// 1 − cosine; a zero vector has cosine 0.
    Cosine,
}

/// A row near a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct NearRow {
    /// Row of the data, from 0.
    pub row: usize,
    /// How far it is, ≥ 0.
    pub distance: f64,
}

/// For each of `targets` ([n, d] row by row, in the space of normalised rows) the `count` nearest rows of `loader`,
/// nearest first and the first of equals first. `on_progress` gets the rows done.
///
/// One pass over the data finds candidates with products in float32, `count` and a few more; their order and their
/// distances are then computed in float64 from the rows themselves.
///
/// # Errors
/// [`Error::Shape`] if `targets` are not rows of the data's width; [`Error::NotFinite`] at a NaN or infinity in the
/// data, [`Error::TooLarge`], [`Error::Device`], and those of reading.
pub async fn nearest_rows(
    device: &Device,
    loader: &Loader,
    targets: &[f32],
    count: usize,
    how: Distance,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<NearRow>>> {
    nearest_examples(device, loader, targets, count, how, 1, on_progress).await
}

/// As [`nearest_rows`], of each example of `rows_per_example` neighbouring rows only the nearest row.
pub(super) async fn nearest_examples(
    device: &Device,
    loader: &Loader,
    targets: &[f32],
    count: usize,
    how: Distance,
    rows_per_example: usize,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Vec<Vec<NearRow>>> {
    let d = loader.source().width();
    if !targets.len().is_multiple_of(d) {
        let hint = "They must be of the width of the data.";
        return Err(Error::shape("the targets", &[targets.len()], &[targets.len() / d, d], hint));
    }
    let most = count.saturating_add(SPARE).min(loader.source().rows());
    let mut search = Search::new(device, loader, targets, most, how)?;
    search.rows_per_example = rows_per_example;
    let (mut batches, mut done) = (loader.in_order()?, 0);
    while let Some(batch) = batches.next() {
        let batch = batch?;
        search.add(device, &batch.rows, &batch.data).await?;
        done += batch.rows.len();
        batches.recycle(batch);
        on_progress(done);
    }
    let candidates = search.best.iter().zip(targets.chunks_exact(d));
    candidates.map(|(best, target)| how.refine(loader, best, target, count)).collect()
}

/// Candidates for every target.
struct Search {
    how: Distance,
    rows_per_example: usize,
    /// [n, d].
    targets: Tensor,
    /// A batch, [B, d].
    x: Tensor,
    /// X Tᵀ, [B, n].
    products: Tensor,
    best: Vec<Best>,
}

impl Search {
    fn new(
        device: &Device,
        loader: &Loader,
        targets: &[f32],
        most: usize,
        how: Distance,
    ) -> Result<Self> {
        let (batch, d) = (loader.batch_size().min(loader.source().rows()), loader.source().width());
        let n = targets.len() / d;
        Ok(Self {
            how,
            rows_per_example: 1,
            targets: Tensor::from_slice(device, n, d, targets)?,
            x: Tensor::zeros(device, batch, d)?,
            products: Tensor::zeros(device, batch, n)?,
            best: vec![Best::new(most); n],
        })
    }

    async fn add(&mut self, device: &Device, rows: &[usize], batch: &[f32]) -> Result<()> {
        let Self { how, rows_per_example, targets, x, products, best } = self;
        if best.is_empty() {
            return Ok(());
        }
        x.set_rows(rows.len());
        products.set_rows(rows.len());
        x.write(batch);
        device.gemm(x, targets, products, Gemm { transpose_b: true, ..Gemm::default() });
        let products = products.read().await?;
        let each = rows.iter().zip(batch.chunks_exact(x.cols())).zip(products.chunks(best.len()));
        for ((&row, x), products) in each {
            let (scale, shift) = how.score(dot(x, x));
            for (best, &product) in best.iter_mut().zip(products) {
                best.offer(row, f64::from(product) * scale + shift, row / *rows_per_example);
            }
        }
        Ok(())
    }
}

impl Distance {
    /// (scale, shift) with which the product of a row of squared length `x_sq` and a target orders rows for that
    /// target, nearest highest.
    fn score(self, x_sq: f64) -> (f64, f64) {
        match self {
            Self::Euclidean => (1.0, -0.5 * x_sq),
            Self::Cosine if x_sq > 0.0 => (1.0 / x_sq.sqrt(), 0.0),
            Self::Cosine => (0.0, 0.0),
        }
    }

    fn between(self, x: &[f32], target: &[f32]) -> f64 {
        match self {
            Self::Euclidean => {
                let difference = |(&a, &b): (&f32, &f32)| f64::from(a) - f64::from(b);
                x.iter().zip(target).map(difference).map(|d| d * d).sum::<f64>().sqrt()
            }
            Self::Cosine => {
                let lengths = (dot(x, x) * dot(target, target)).sqrt();
                let cosine = if lengths > 0.0 { dot(x, target) / lengths } else { 0.0 };
                1.0 - cosine.clamp(-1.0, 1.0)
            }
        }
    }

    /// The `count` nearest of the candidates, compared exactly.
    fn refine(
        self,
        loader: &Loader,
        candidates: &Best,
        target: &[f32],
        count: usize,
    ) -> Result<Vec<NearRow>> {
        let rows: Vec<_> = candidates.items().iter().map(|item| item.row).collect();
        let batch = loader.rows(&rows)?;
        let each = rows.iter().zip(batch.data.chunks_exact(target.len()));
        let mut near: Vec<_> =
            each.map(|(&row, x)| NearRow { row, distance: self.between(x, target) }).collect();
        near.sort_by(|a, b| a.distance.total_cmp(&b.distance).then(a.row.cmp(&b.row)));
        near.truncate(count);
        Ok(near)
    }
}

/// a · b in float64.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}
