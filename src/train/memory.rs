//! How much memory training takes, before any of it is asked for.

use super::Path;
use crate::sae::{SaeSettings, Selection};

/// Bytes that the parameters take: encoder, W, R, C and the thresholds.
pub fn parameter_bytes(settings: &SaeSettings) -> u64 {
    bytes(parameters(settings) + points(settings))
}

/// Bytes that training takes at its peak on the device: the parameters, their two moments, one batch of up to `batch`
/// rows with its codes and what its path holds, and three more batches that are read ahead. Besides, allow 128 MiB for
/// the program, its threads and the pages of the data files that are in use.
pub fn memory_needed(settings: &SaeSettings, batch: usize) -> u64 {
    let (k, d, n) = sizes(settings);
    let b = batch as f64;
    let built = 2.0 * k * d + k * n;
    // Indices, values, gradient, and the entries ordered by atom.
    let sparse = |width: f64| 4.0 * b * width;
    let route = match (Path::at_start(settings, batch), settings.selection) {
        (Path::Factored, Selection::TopK { k }) => sparse(k as f64) + b * n,
        (_, Selection::TopK { k }) => sparse(k as f64) + built,
        // Dense at first; for a moment both when it goes over to sparse codes.
        (_, Selection::Jump { .. }) => 2.0 * b * k + 2.0 * built + k * d + sparse(k),
    };
    let batches = b * (6.0 * d + k);
    bytes(3.0 * parameters(settings) + points(settings) + batches + route)
}

fn sizes(settings: &SaeSettings) -> (f64, f64, f64) {
    let SaeSettings { nb_concepts, input_shape, nb_points, .. } = settings;
    (*nb_concepts as f64, *input_shape as f64, *nb_points as f64)
}

/// Numbers in what is trained.
fn parameters(settings: &SaeSettings) -> f64 {
    let (k, d, n) = sizes(settings);
    k * (2.0 * d + n + 2.0)
}

fn points(settings: &SaeSettings) -> f64 {
    let (_, d, n) = sizes(settings);
    n * d
}

/// In floating point until here, so that absurd sizes saturate instead of wrapping around.
fn bytes(numbers: f64) -> u64 {
    (4.0 * numbers) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::ModelSettings;

    #[test]
    fn counts_the_parameters_thrice_and_saturates() {
        let of = |concepts, points| {
            let model =
                ModelSettings { concepts: Some(concepts), top_k: Some(20), ..Default::default() };
            model.resolve(768, points).unwrap()
        };
        let large = of(10_000, 2_000);
        let needed = memory_needed(&large, 1024);
        let parameters = 10_000 * (2 * 768 + 2_000 + 2) * 4;
        assert!(needed > 3 * parameters && needed < 4 * parameters, "{needed}");
        assert_eq!(memory_needed(&of(usize::MAX, usize::MAX), 1024), u64::MAX);
    }
}
