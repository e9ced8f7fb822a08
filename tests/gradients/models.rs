//! Models and runs whose gradients are looked at.

use crate::common;
use archetypal::{
    Device,
    sae::{DictionaryKind, Kernel, Sae, SaeSettings, Selection, StateDict, Thresholds},
    train::{Criterion, DataFacts, GradientCheck, Path, TrainSettings, Trainer, check_gradients},
};

pub const WIDTH: usize = 11;
pub const CONCEPTS: usize = 37;
pub const POINTS: usize = 13;
pub const BATCH: usize = 23;

/// Relative error allowed: a float32 loss leaves that much undecided. Below 1e-4 is usual, 8e-3 was seen.
const TOLERANCE: f64 = 1e-2;

pub const TOP_K: Selection = Selection::TopK { k: 5 };
pub const BATCH_TOP_K: Selection = Selection::BatchTopK { k: 5, momentum: 0.9 };

pub fn jump(kernel: Kernel, bandwidth: f32, thresholds: Thresholds) -> Selection {
    Selection::Jump { kernel, bandwidth, thresholds }
}

/// Jump of which no path needs to list what is merely near its threshold.
pub fn narrow_jump() -> Selection {
    jump(Kernel::Gaussian, 0.01, Thresholds::Reference)
}

pub fn settings(selection: Selection) -> SaeSettings {
    common::archetypal(CONCEPTS, WIDTH, POINTS, selection)
}

/// Values away from zero and from each other; every third concept is faint, so that some never fire.
pub fn state(settings: &SaeSettings) -> StateDict {
    let points = match settings.dictionary {
        DictionaryKind::Archetypal { nb_points, .. } => {
            common::noise(nb_points * settings.input_shape, 1)
        }
        DictionaryKind::Free { .. } => Vec::new(),
    };
    let mut state = StateDict::initial(settings, points, 7).unwrap();
    let names: Vec<String> = state.iter().map(|(name, _)| name.to_owned()).collect();
    for (seed, name) in (10..).zip(&names) {
        let values = state.values_mut(name).unwrap();
        let noise = common::noise(values.len(), seed);
        for (i, (value, noise)) in values.iter_mut().zip(noise).enumerate() {
            let faint = if (i / settings.input_shape).is_multiple_of(3) { 0.1 } else { 1.0 };
            match name.as_str() {
                "dictionary.W" => *value = 2.0 * noise.abs() / POINTS as f32,
                "dictionary.Relax" => *value = 0.1 * noise,
                "dictionary.multiplier" if settings.use_multiplier => *value = 0.2,
                "encoder.final_block.0.weight" => *value *= faint,
                "thresholds" => *value = -2.0 + 0.5 * noise,
                "direct_thresholds" => *value = (-2.0 + 0.5 * noise).exp(),
                "dictionary.C" | "dictionary.multiplier" => {}
                name if name.ends_with("bias") || name.ends_with("1.weight") => {
                    *value += 0.2 * noise;
                }
                _ => {}
            }
        }
    }
    state
}

pub fn sae(device: &Device, settings: &SaeSettings) -> Sae {
    Sae::new(device, settings.clone(), &state(settings)).unwrap()
}

pub fn batch() -> Vec<f32> {
    common::noise(BATCH * WIDTH, 5)
}

fn training(loss: &str) -> (TrainSettings, DataFacts) {
    let loss = loss.parse().unwrap();
    let training = TrainSettings {
        batch_size: BATCH,
        epochs: 100,
        loss,
        // Gradients are those of thresholds that are trained, not of ones that follow the batches.
        threshold_warmup: Some(0),
        ..TrainSettings::default()
    };
    (training, DataFacts { rows: BATCH, row_variance: 1.0 })
}

pub fn trainer(device: &Device, settings: &SaeSettings, loss: &str) -> Trainer {
    let (training, data) = training(loss);
    Trainer::new(sae(device, settings), training, data).unwrap()
}

/// A run with a loss that has no name.
pub fn trainer_with(sae: Sae, criterion: Criterion) -> Trainer {
    let (training, data) = training("mse");
    Trainer::with_criterion(sae, training, data, criterion).unwrap()
}

pub const PATHS: [Path; 3] = [Path::Factored, Path::Atoms, Path::Dense];

/// Holds the gradients of every parameter against the loss, along every path that the model can take: `paths` of them.
#[track_caller]
pub fn check(what: &str, mut trainer: Trainer, paths: usize) {
    let mut taken = 0;
    for path in PATHS {
        if trainer.fix_path(path).is_err() {
            continue;
        }
        taken += 1;
        let checks = pollster::block_on(check_gradients(&mut trainer, &batch(), TOLERANCE));
        let checks = checks.unwrap_or_else(|error| panic!("{what}, {path:?}: {error}"));
        let error = |check: &GradientCheck| check.error;
        let worst = checks.iter().max_by(|a, b| error(a).total_cmp(&error(b)));
        println!("{what}, {path:?}: {worst:?}");
    }
    assert_eq!(taken, paths, "{what}: paths that it can take");
}
