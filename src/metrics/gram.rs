//! Sums of products of columns in float64, gathered a few rows at a time.

use crate::parallel::*;

/// Rows taken in at once: their transpose stays in the cache.
const BLOCK_ROWS: usize = 256;
/// Sums kept apart, so that they can be computed at once.
const LANES: usize = 8;

/// Xᵀ X of the rows given so far.
#[derive(Debug)]
pub(super) struct Gram {
    width: usize,
    /// [d, d]; only j ≤ i is kept up until the end.
    sums: Vec<f64>,
    /// Some rows, transposed: [d, BLOCK_ROWS].
    columns: Vec<f64>,
}

impl Gram {
    /// Of rows of `width` values. Memory: d² and 256 d numbers of float64.
    pub fn new(width: usize) -> Self {
        Self { width, sums: vec![0.0; width * width], columns: vec![0.0; width * BLOCK_ROWS] }
    }

    /// Takes in rows [B, d], less `shift` [d].
    pub fn add(&mut self, rows: &[f32], shift: &[f64]) {
        let Self { width, sums, columns } = self;
        for rows in rows.chunks(BLOCK_ROWS * *width) {
            columns.fill(0.0);
            for (place, row) in rows.chunks_exact(*width).enumerate() {
                for (column, (&x, shift)) in row.iter().zip(shift).enumerate() {
                    columns[column * BLOCK_ROWS + place] = f64::from(x) - shift;
                }
            }
            let column = |i: usize| &columns[i * BLOCK_ROWS..][..BLOCK_ROWS];
            sums.par_chunks_mut(*width).enumerate().for_each(|(i, sums)| {
                pulp::Arch::new().dispatch(|| {
                    let one = column(i);
                    sums[..=i].iter_mut().enumerate().for_each(|(j, s)| *s += dot(one, column(j)));
                });
            });
        }
    }

    /// Both halves, [d, d].
    pub fn finish(mut self) -> Vec<f64> {
        for i in 0..self.width {
            for j in 0..i {
                self.sums[j * self.width + i] = self.sums[i * self.width + j];
            }
        }
        self.sums
    }
}

#[inline(always)]
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_plain_loop() {
        let (width, rows) = (5, 2 * BLOCK_ROWS + 37);
        let x: Vec<f32> = (0..rows * width).map(|i| ((i * 37 + 11) % 17) as f32 - 8.0).collect();
        let shift = [0.5, -1.0, 0.0, 2.0, 0.25];
        let mut gram = Gram::new(width);
        x.chunks(300 * width).for_each(|rows| gram.add(rows, &shift));
        let got = gram.finish();
        for i in 0..width {
            for j in 0..width {
                let at = |row: &[f32], i: usize| f64::from(row[i]) - shift[i];
                let expected: f64 = x.chunks(width).map(|row| at(row, i) * at(row, j)).sum();
                assert!((got[i * width + j] - expected).abs() < 1e-9, "{i} {j}");
            }
        }
    }
}
