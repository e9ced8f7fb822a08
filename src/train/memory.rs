//! How much memory training takes, before any of it is asked for.

use super::{Criterion, Loss, Path, workspace::PreCodes};
use crate::device::{Device, TopKRoom, WIDENED_ROWS};
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

/// Bytes that training takes at its peak on `device`: the parameters, their two moments, one batch of up to `batch`
/// rows with its codes and what its path holds, and three more batches that are read ahead. Besides, allow 128 MiB for
/// the program, its threads and the pages of the data files that are in use.
pub fn memory_needed(device: &Device, settings: &SaeSettings, loss: &Loss, batch: usize) -> u64 {
    let (k, d, _) = sizes(settings);
    let b = batch as f64;
    let criterion = loss.criterion();
    let sparse = serves(settings) && !criterion.needs().dense();
    let path = Path::at_start(settings, batch, sparse);
    let terms = criterion.terms.iter().map(|term| term.room(settings, batch) as f64);
    let numbers = 3.0 * parameters(settings)
        + points(settings)
        + COLUMNS * k
        + b * (6.0 * d + 2.0)
        + pre_codes(device, settings, path, &criterion, batch)
        + route(settings, path, &criterion, sparse, b)
        + terms.sum::<f64>();
    bytes(numbers)
}

/// Counters, thresholds with their gradients, the offsets by atom, and the steps that rows have taken: numbers a concept.
const COLUMNS: f64 = 10.0;

/// Whether the encoder takes a sparse gradient.
fn serves(settings: &SaeSettings) -> bool {
    matches!(settings.encoder, EncoderKind::Linear | EncoderKind::Untied | EncoderKind::Identity)
}

/// Numbers of pre-codes that are there at once, with what codes are selected in.
fn pre_codes(
    device: &Device,
    settings: &SaeSettings,
    path: Path,
    criterion: &Criterion,
    batch: usize,
) -> f64 {
    let k = settings.nb_concepts;
    let linear = matches!(settings.encoder, EncoderKind::Linear | EncoderKind::Untied);
    match settings.selection {
        Selection::TopK { k: width } if linear && PreCodes::pass(path, criterion) => {
            TopKRoom::bytes(device, batch, width, k) / size_of::<f32>() as f64
        }
        _ => batch as f64 * k as f64,
    }
}

/// Numbers that a path holds.
fn route(
    settings: &SaeSettings,
    path: Path,
    criterion: &Criterion,
    sparse_serves: bool,
    b: f64,
) -> f64 {
    let (k, d, n) = sizes(settings);
    // The built atoms and the stored gradients of the dictionary.
    let built = 2.0 * k * d + k * n;
    // Indices, values, gradient, and the entries ordered by atom; on the factored path also the products of these.
    let sparse = |width: f64| 4.0 * b * width;
    let factored = |width: f64| sparse(width) + b * width + b * n;
    let matrices = 2.0 + f64::from(u8::from(criterion.needs().pre_codes));
    // Sums over the columns, by chunks of the batch.
    let sums = k * b.min(32.0);
    let dense_encoder = encoder(settings) + encoder_batch(settings, b);
    let dense = matrices * b * k + built + dense_encoder + sums;
    match (path, settings.selection) {
        (Path::Factored, Selection::TopK { k }) => factored(k as f64),
        (Path::Atoms, Selection::TopK { k }) if n > 0.0 => sparse(k as f64) + built,
        (Path::Atoms, Selection::TopK { k }) => sparse(k as f64),
        (_, Selection::TopK { k }) => dense + 2.0 * b * k as f64,
        // In float64; later it goes over to sparse codes, and for a moment holds both.
        (_, Selection::Jump { .. }) if sparse_serves && n > 0.0 => {
            dense + sums + sparse(k) + built.max(b * n)
        }
        (_, Selection::Jump { .. }) if sparse_serves => dense + sums + sparse(k),
        (_, Selection::Jump { .. }) => dense + sums,
        _ => dense,
    }
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
        let needed = memory_needed(&Device::cpu(), &large, &Loss::default(), 1024);
        let parameters = 10_000 * (2 * 768 + 2_000 + 2) * 4;
        assert!(needed > 3 * parameters && needed < 4 * parameters, "{needed}");
        let with = |loss: &str| memory_needed(&Device::cpu(), &large, &loss.parse().unwrap(), 1024);
        let dense = with("mse,residual(v^4)=0.1") - 2 * 1024 * 768 * 4;
        assert!(dense > needed);
        // What a term works in comes on top: relu(pre) − Z, its codes with their gradient, and A D.
        let auxk = |k_aux: u64| 1024 * (10_000 + 768 + 3 * k_aux) * 4;
        let pre_codes = 1024 * 10_000 * 4;
        assert_eq!(with("mse,auxk=1:64"), dense + pre_codes + auxk(64));
        assert_eq!(with("mse,auxiliary"), dense + pre_codes + auxk(5000));
        assert_eq!(half_bytes(&large, 1024), 768 * (2 * (1024 + 10_000) + 4 * (1024 + 1024)));
        assert_eq!(monitoring_bytes(&large), 10_000 * (2 * 768 + 2_000) * 4);
        let absurd = of(usize::MAX, usize::MAX);
        assert_eq!(memory_needed(&Device::cpu(), &absurd, &Loss::default(), 1024), u64::MAX);
    }
}
