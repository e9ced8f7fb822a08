//! The map: the first two principal axes of the data, and where everything lies on them.

mod principal;

use super::{
    Stage,
    subject::{Output, Subject},
};
use crate::{
    data::{TensorOut, sample_rows},
    device::{Gemm, Tensor},
    error::Result,
};
use principal::leading;

/// Rows that stand for all on the map.
const BACKDROP: usize = 2000;

/// A plane through the mean of the data.
pub(super) struct Axes {
    /// [d].
    mean: Vec<f64>,
    /// Two of length 1, [d] each.
    axes: [Vec<f64>; 2],
    /// The share of the variance along each; NaN if nothing varies.
    explained: [f64; 2],
}

impl Axes {
    /// Of all normalised rows, in a pass of its own: products of float32 a batch, summed in float64.
    pub async fn find(subject: &Subject<'_>, out: &mut Output<'_>) -> Result<Self> {
        let Subject { sae, loader, rows, width: d, .. } = *subject;
        out.at(Stage::Axes, 0, rows);
        let device = sae.device();
        let mut x = Tensor::zeros(device, loader.batch_size().min(rows), d)?;
        let mut products = Tensor::zeros(device, d, d)?;
        let mut moments = Moments::new(d);
        let (mut batches, mut done) = (loader.in_order()?, 0);
        while let Some(batch) = batches.next() {
            let mut batch = batch?;
            out.sink.go_on()?;
            moments.centre(&mut batch.data);
            x.set_rows(batch.rows.len());
            x.write(&batch.data);
            device.gemm(&x, &x, &mut products, Gemm { transpose_a: true, ..Gemm::default() });
            moments.add(&products.read().await?);
            done += batch.rows.len();
            batches.recycle(batch);
            out.at(Stage::Axes, done, rows);
        }
        Ok(moments.finish(rows as f64))
    }

    /// (x, y) of each of `rows`, [n, d].
    pub fn project(&self, rows: &[f32]) -> Vec<f32> {
        let along = |row: &[f32], axis: &[f64]| -> f32 {
            let each = row.iter().zip(&self.mean).zip(axis);
            each.map(|((&x, mean), axis)| (f64::from(x) - mean) * axis).sum::<f64>() as f32
        };
        let rows = rows.chunks_exact(self.mean.len());
        rows.flat_map(|row| [along(row, &self.axes[0]), along(row, &self.axes[1])]).collect()
    }
}

/// Writes `rows_xy.safetensors`.
pub(super) fn put_sample(subject: &Subject<'_>, axes: &Axes, out: &mut Output<'_>) -> Result<()> {
    let rows = sample_rows(&**subject.loader.source(), BACKDROP.min(subject.rows), 0)?;
    let xy = axes.project(&subject.loader.rows(&rows)?.data);
    let row: Vec<u32> = rows.iter().map(|&row| row as u32).collect();
    let narrow = |values: &[f64]| values.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let (both, mean) = (narrow(&axes.axes.concat()), narrow(&axes.mean));
    let (m, d) = (row.len(), mean.len());
    out.tables(
        "rows_xy.safetensors",
        &[
            TensorOut::f32("xy", &[m, 2], &xy),
            TensorOut::u32("row", &[m], &row),
            TensorOut::f32("axes", &[2, d], &both),
            TensorOut::f32("mean", &[d], &mean),
            TensorOut::f32("explained", &[2], &narrow(&axes.explained)),
        ],
    )
}

/// Sums over rows less a shift, which keeps them small where the data are far from 0.
struct Moments {
    /// The mean of the first batch, [d]; empty before it.
    shift: Vec<f32>,
    /// Σ (x − shift), [d].
    sums: Vec<f64>,
    /// Σ (x − shift)(x − shift)ᵀ, [d, d].
    products: Vec<f64>,
}

impl Moments {
    fn new(d: usize) -> Self {
        Self { shift: Vec::new(), sums: vec![0.0; d], products: vec![0.0; d * d] }
    }

    /// Takes the shift from the next rows, and sums them.
    fn centre(&mut self, rows: &mut [f32]) {
        let d = self.sums.len();
        if self.shift.is_empty() {
            let mut mean = vec![0.0; d];
            for row in rows.chunks_exact(d) {
                mean.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
            }
            let count = (rows.len() / d) as f64;
            self.shift = mean.iter().map(|sum| (sum / count) as f32).collect();
        }
        for row in rows.chunks_exact_mut(d) {
            for ((x, shift), sum) in row.iter_mut().zip(&self.shift).zip(&mut self.sums) {
                *x -= shift;
                *sum += f64::from(*x);
            }
        }
    }

    fn add(&mut self, products: &[f32]) {
        self.products.iter_mut().zip(products).for_each(|(sum, &x)| *sum += f64::from(x));
    }

    fn finish(self, rows: f64) -> Axes {
        let Self { shift, sums, mut products } = self;
        let d = sums.len();
        for (i, row) in products.chunks_exact_mut(d).enumerate() {
            for (j, product) in row.iter_mut().enumerate() {
                *product = *product / rows - (sums[i] / rows) * (sums[j] / rows);
            }
        }
        let total: f64 = (0..d).map(|i| products[i * d + i]).sum();
        let found = leading(&products, d);
        let mean = shift.iter().zip(&sums).map(|(&s, sum)| f64::from(s) + sum / rows).collect();
        let share = |variance: f64| if total > 0.0 { variance / total } else { f64::NAN };
        let [first, second] = found;
        Axes { mean, explained: [share(first.0), share(second.0)], axes: [first.1, second.1] }
    }
}
