//! How much memory training takes, before any of it is asked for.

use super::{Loss, Path};
use crate::device::WIDENED_ROWS;
use crate::sae::{EncoderKind, SaeSettings, Selection};

/// Bytes that the parameters take: encoder, dictionary with its points, and the thresholds.
pub fn parameter_bytes(settings: &SaeSettings) -> u64 {
    bytes(parameters(settings) + points(settings))
}

/// How many numbers are trained: encoder, W and R or V, and multiplier and thresholds where there are any.
pub fn parameter_count(settings: &SaeSettings) -> u64 {
    let (k, d, n) = sizes(settings);
    let thresholds = matches!(settings.selection, Selection::Jump { .. });
    let dictionary = k * (d + n + f64::from(u8::from(thresholds)));
    (encoder(settings) + dictionary) as u64 + u64::from(settings.use_multiplier)
}

/// Bytes that training takes at its peak on the device: the parameters, their two moments, one batch of up to `batch`
/// rows with its codes and what its path holds, and three more batches that are read ahead. Besides, allow 128 MiB for
/// the program, its threads and the pages of the data files that are in use.
pub fn memory_needed(settings: &SaeSettings, loss: &Loss, batch: usize) -> u64 {
    let (k, d, n) = sizes(settings);
    let b = batch as f64;
    // The built atoms and the stored gradients of the dictionary.
    let built = 2.0 * k * d + k * n;
    // Indices, values, gradient, and the entries ordered by atom.
    let sparse = |width: f64| 4.0 * b * width;
    let serves = matches!(
        settings.encoder,
        EncoderKind::Linear | EncoderKind::Untied | EncoderKind::Identity
    ) && !loss.needs().dense();
    let dense_encoder = encoder(settings) + encoder_batch(settings, b);
    let dense = (2.0 + f64::from(u8::from(loss.needs().pre_codes))) * b * k + built + dense_encoder;
    let route = match (Path::at_start(settings, batch, serves), settings.selection) {
        (Path::Factored, Selection::TopK { k }) => sparse(k as f64) + b * n,
        (Path::Atoms, Selection::TopK { k }) if n > 0.0 => sparse(k as f64) + built,
        (Path::Atoms, Selection::TopK { k }) => sparse(k as f64),
        // Dense at first; for a moment both when it goes over to sparse codes.
        (_, Selection::Jump { .. }) if serves => dense + built + sparse(k),
        _ => dense,
    };
    let batches = b * (6.0 * d + k);
    let criterion = loss.criterion();
    let terms = criterion.terms.iter().map(|term| term.room(settings, batch) as f64);
    bytes(3.0 * parameters(settings) + points(settings) + batches + route + terms.sum::<f64>())
}

/// Bytes that monitoring 2 takes besides: the built dictionary, and the dictionary and one parameter on the host.
pub fn monitoring_bytes(settings: &SaeSettings) -> u64 {
    let (k, d, n) = sizes(settings);
    bytes(2.0 * k * d + k * n.max(d))
}

/// Bytes that [`TrainSettings::half`](super::TrainSettings::half) takes besides: the copies of a batch and of the encoder's
/// weights, and what of them the CPU widens at once.
pub fn half_bytes(settings: &SaeSettings, batch: usize) -> u64 {
    let (k, d, _) = sizes(settings);
    let b = batch as f64;
    bytes(0.5 * d * (b + k) + d * (b + k.min(WIDENED_ROWS as f64)))
}

/// K, d, and N or 0.
fn sizes(settings: &SaeSettings) -> (f64, f64, f64) {
    let SaeSettings { nb_concepts, input_shape, .. } = settings;
    (*nb_concepts as f64, *input_shape as f64, settings.nb_points().unwrap_or(0) as f64)
}

/// Numbers in what is trained.
fn parameters(settings: &SaeSettings) -> f64 {
    let (k, d, n) = sizes(settings);
    encoder(settings) + k * (d + n + 1.0)
}

fn encoder(settings: &SaeSettings) -> f64 {
    let (k, d, _) = sizes(settings);
    match settings.encoder {
        EncoderKind::Identity => 0.0,
        EncoderKind::Tied => k * f64::from(u8::from(settings.encoder_bias)),
        EncoderKind::Untied => k * (d + f64::from(u8::from(settings.encoder_bias))),
        EncoderKind::Linear | EncoderKind::Custom => k * (d + 1.0),
        EncoderKind::MlpLn1 | EncoderKind::MlpBn1 => k * (d + 3.0),
        EncoderKind::MlpLn3 | EncoderKind::MlpBn3 => k * (d + 3.0) + 2.0 * d * (d + 3.0),
    }
}

/// Numbers that an mlp keeps of a batch for its way back.
fn encoder_batch(settings: &SaeSettings, b: f64) -> f64 {
    let (k, d, _) = sizes(settings);
    match settings.encoder {
        EncoderKind::MlpLn1 | EncoderKind::MlpBn1 => b * (3.0 * k + 2.0 * d),
        EncoderKind::MlpLn3 | EncoderKind::MlpBn3 => b * (3.0 * k + 8.0 * d),
        _ => 0.0,
    }
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
        let needed = memory_needed(&large, &Loss::default(), 1024);
        let parameters = 10_000 * (2 * 768 + 2_000 + 2) * 4;
        assert!(needed > 3 * parameters && needed < 4 * parameters, "{needed}");
        let with = |loss: &str| memory_needed(&large, &loss.parse().unwrap(), 1024);
        let dense = with("mse,residual(v^4)=0.1") - 2 * 1024 * 768 * 4;
        assert!(dense > needed);
        // What a term works in comes on top: relu(pre) − Z, its codes with their gradient, and A D.
        let auxk = |k_aux: u64| 1024 * (10_000 + 768 + 3 * k_aux) * 4;
        let pre_codes = 1024 * 10_000 * 4;
        assert_eq!(with("mse,auxk=1:64"), dense + pre_codes + auxk(64));
        assert_eq!(with("mse,auxiliary"), dense + pre_codes + auxk(5000));
        assert_eq!(half_bytes(&large, 1024), 768 * (2 * (1024 + 10_000) + 4 * (1024 + 1024)));
        assert_eq!(monitoring_bytes(&large), 10_000 * (2 * 768 + 2_000) * 4);
        assert_eq!(memory_needed(&of(usize::MAX, usize::MAX), &Loss::default(), 1024), u64::MAX);
    }
}
