//! What the reference divides by in its R².

use crate::parallel::*;

/// Parts that are summed up side by side, so many whatever the threads.
const PARTS: usize = 16;
/// Independent sums within a part.
const LANES: usize = 8;

/// Σ((x − mean)² + 1e-6), with one mean over all elements of a batch.
pub(super) fn spread(batch: &[f32]) -> f64 {
    let mut parts = [[0.0; 2]; PARTS];
    let pieces = batch.par_chunks(batch.len().div_ceil(PARTS).max(1));
    parts.par_iter_mut().zip(pieces).for_each(|(part, piece)| *part = moments(piece));
    let [sum, squares] = parts.iter().fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
    let count = batch.len() as f64;
    squares - sum * sum / count + 1e-6 * count
}

/// Σ x and Σ x².
fn moments(values: &[f32]) -> [f64; 2] {
    let (mut sums, mut squares) = ([0.0; LANES], [0.0; LANES]);
    for values in values.chunks(LANES) {
        for (i, &x) in values.iter().enumerate() {
            let x = f64::from(x);
            sums[i] += x;
            squares[i] += x * x;
        }
    }
    [sums, squares].map(|lanes: [f64; LANES]| lanes.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_the_formula_says() {
        for len in [1, 7, 16, 17, 129, 1009] {
            let batch: Vec<f32> = (0..len).map(|i| ((i * i) % 13) as f32 - 2.5).collect();
            let mean = batch.iter().map(|&x| f64::from(x)).sum::<f64>() / len as f64;
            let want: f64 = batch.iter().map(|&x| (f64::from(x) - mean).powi(2) + 1e-6).sum();
            assert!((spread(&batch) - want).abs() <= 1e-12 * want, "{len} values");
        }
    }
}
