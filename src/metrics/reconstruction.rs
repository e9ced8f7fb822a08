//! How close x̂ comes to x.

use crate::data::{Partial, Stack};
use crate::parallel::*;

/// Rows that one thread sums at a time; fixed, so that the sums do not depend on the number of threads.
const PIECE_ROWS: usize = 256;

/// Sums over the rows seen so far, in float64.
#[derive(Debug)]
pub(super) struct Reconstruction {
    width: usize,
    squared_error: f64,
    spread: Stack,
}

/// What they come to.
#[derive(Debug)]
pub(super) struct ReconstructionFigures {
    pub r2: Option<f64>,
    pub r2_scalar_mean: Option<f64>,
    pub mse: f64,
}

impl Reconstruction {
    /// For rows of `width` values.
    pub fn new(width: usize) -> Self {
        Self { width, squared_error: 0.0, spread: Stack::default() }
    }

    /// Takes in the next rows x and their reconstruction, [B, d] each.
    pub fn add(&mut self, x: &[f32], x_hat: &[f32]) {
        let piece = PIECE_ROWS * self.width;
        let pieces: Vec<_> = x
            .par_chunks(piece)
            .zip(x_hat.par_chunks(piece))
            .map(|(x, x_hat)| (squared_error(x, x_hat, self.width), Partial::of(x, self.width)))
            .collect();
        for (error, partial) in pieces {
            self.squared_error += error;
            self.spread.push(partial);
        }
    }

    /// The figures; `None` without rows.
    pub fn finish(self) -> Option<ReconstructionFigures> {
        let total = self.spread.finish()?;
        let mean = total.mean.iter().sum::<f64>() / self.width as f64;
        let within: f64 = total.m2.iter().sum();
        let between: f64 = total.mean.iter().map(|m| (m - mean) * (m - mean)).sum();
        let r2 = |spread: f64| (spread > 0.0).then(|| 1.0 - self.squared_error / spread);
        Some(ReconstructionFigures {
            r2: r2(within),
            r2_scalar_mean: r2(within + total.rows * between),
            mse: self.squared_error / (total.rows * self.width as f64),
        })
    }
}

/// Σ (x − x̂)², summed by dimension first: those sums run side by side in vectors.
fn squared_error(x: &[f32], x_hat: &[f32], width: usize) -> f64 {
    let mut sums = vec![0.0; width];
    pulp::Arch::new().dispatch(|| {
        for (x, x_hat) in x.chunks_exact(width).zip(x_hat.chunks_exact(width)) {
            for (sum, (&x, &x_hat)) in sums.iter_mut().zip(x.iter().zip(x_hat)) {
                let error = f64::from(x) - f64::from(x_hat);
                *sum += error * error;
            }
        }
    });
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(width: usize, x: &[f32], x_hat: &[f32], batch: usize) -> ReconstructionFigures {
        let mut sums = Reconstruction::new(width);
        for (x, x_hat) in x.chunks(batch * width).zip(x_hat.chunks(batch * width)) {
            sums.add(x, x_hat);
        }
        sums.finish().unwrap()
    }

    #[test]
    fn the_two_means_differ() {
        // Dimension means 1 and 10: spread 2 + 2 around them, 4 + 4·4.5² around 5.5.
        let figures = figures(2, &[0.0, 9.0, 2.0, 11.0], &[0.0, 9.0, 2.0, 10.0], 2);
        assert_eq!(figures.mse, 0.25);
        assert_eq!(figures.r2, Some(0.75));
        assert_eq!(figures.r2_scalar_mean, Some(1.0 - 1.0 / 85.0));
    }

    #[test]
    fn constant_data_has_no_r2() {
        let constant = figures(2, &[0.1, 0.7, 0.1, 0.7, 0.1, 0.7], &[0.0; 6], 2);
        assert_eq!(constant.r2, None);
        assert!(constant.r2_scalar_mean.is_some());
        assert_eq!(figures(2, &[0.1; 6], &[0.1; 6], 1).r2_scalar_mean, None);
        assert_eq!(figures(3, &[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 1).r2, None);
    }

    #[test]
    fn large_offsets_cost_no_digits() {
        let x: Vec<f32> = (0..6000).map(|i| 4096.0 + (i % 7) as f32 * 0.25).collect();
        let x_hat: Vec<f32> = x.iter().map(|x| x + 0.125).collect();
        let exact = |values: &[f32]| {
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
            values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>()
        };
        let r2 = figures(1, &x, &x_hat, 1000).r2.unwrap();
        let expected = 1.0 - 6000.0 * 0.125 * 0.125 / exact(&x);
        assert!((r2 - expected).abs() < 1e-12, "{r2} {expected}");
    }
}
