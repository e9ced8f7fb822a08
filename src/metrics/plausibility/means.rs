//! The directions of the classes: differences of means.

use super::classes::{Classes, NONE};
use crate::{data::Loader, error::Result};

/// What a pass over the data finds before anything is judged.
#[derive(Debug)]
pub(super) struct Means {
    /// Mean of the rows of each judged class less the mean of all other labelled rows, of length 1 (or 0); [classes, d].
    pub directions: Vec<f64>,
    /// Mean of all rows, [d].
    pub overall: Vec<f64>,
}

impl Means {
    pub async fn of(
        loader: &Loader,
        classes: &Classes,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let width = loader.source().width();
        // The last row is for what has no label.
        let mut sums = vec![0.0; (classes.all() + 1) * width];
        let mut counts = vec![0.0; classes.all() + 1];
        let (mut batches, mut rows) = (loader.in_order()?, 0);
        while let Some(batch) = batches.next() {
            let batch = batch?;
            for (&row, values) in batch.rows.iter().zip(batch.data.chunks_exact(width)) {
                let class = match classes.of_row(row) {
                    NONE => classes.all(),
                    class => class as usize,
                };
                counts[class] += 1.0;
                let sums = &mut sums[class * width..][..width];
                sums.iter_mut().zip(values).for_each(|(sum, &x)| *sum += f64::from(x));
            }
            rows += batch.rows.len();
            batches.recycle(batch);
            on_progress(rows);
        }
        let judged = classes.judged().len();
        Ok(Self::of_sums(&sums, &counts, judged, width))
    }

    fn of_sums(sums: &[f64], counts: &[f64], judged: usize, width: usize) -> Self {
        let labelled = counts.len() - 1;
        let add = |mut total: Vec<f64>, row: &[f64]| {
            total.iter_mut().zip(row).for_each(|(total, x)| *total += x);
            total
        };
        let rows = || sums.chunks_exact(width);
        let total = rows().take(labelled).fold(vec![0.0; width], add);
        let number: f64 = counts[..labelled].iter().sum();
        let direction = |(sum, &count): (&[f64], &f64)| {
            let difference =
                |(&sum, &total): (&f64, &f64)| sum / count - (total - sum) / (number - count);
            let mut values: Vec<f64> = sum.iter().zip(&total).map(difference).collect();
            let norm = values.iter().map(|x| x * x).sum::<f64>().sqrt();
            values.iter_mut().filter(|_| norm > 0.0).for_each(|x| *x /= norm);
            values
        };
        let all: f64 = counts.iter().sum();
        Self {
            directions: rows().zip(counts).take(judged).flat_map(direction).collect(),
            overall: rows().fold(vec![0.0; width], add).iter().map(|sum| sum / all).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_means() {
        // Two judged classes, one that is too small, and a row without a label.
        let sums = [4.0, 0.0, 2.0, 6.0, 0.0, 3.0, 9.0, 9.0];
        let means = Means::of_sums(&sums, &[2.0, 2.0, 1.0, 1.0], 2, 2);
        // (2, 0) − (2, 9)/3 and (1, 3) − (4, 3)/3.
        let (first, second) = ([4.0 / 3.0, -3.0], [-1.0 / 3.0, 2.0]);
        for (got, want) in means.directions.chunks(2).zip([first, second]) {
            let norm = f64::hypot(want[0], want[1]);
            assert!((got[0] - want[0] / norm).abs() < 1e-12, "{got:?}");
            assert!((got[1] - want[1] / norm).abs() < 1e-12, "{got:?}");
        }
        assert_eq!(means.overall, [15.0 / 6.0, 3.0]);
    }
}
