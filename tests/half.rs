//! Training with an encoder that reads float16, against training in float32.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device,
    checkpoint::{Checkpoint, Contents, save},
    data::{DataSet, Source},
    recipe::{Given, Preset, Recipe},
    sae::{EncoderKind, ModelKind, ModelSettings},
    train::{DataFacts, Event, TrainSettings, Trainer},
};
use common::{devices, noise};
use pollster::block_on;
use std::sync::Arc;

/// R² of the last epoch on the demo's pictures.
fn r2(device: &Device, model: &ModelSettings, epochs: u64, half: bool) -> f64 {
    let path = format!("{}/examples/data/clipart-efflite0.safetensors", env!("CARGO_MANIFEST_DIR"));
    let data: Arc<dyn Source> = Arc::new(DataSet::open(&[path], None).unwrap());
    let given: Given = [("epochs".to_owned(), epochs.into()), ("half".to_owned(), half.into())]
        .into_iter()
        .collect();
    let (rows, width) = (data.rows(), data.width());
    let recipe = Recipe::new(Preset::Recommended, model, &given, None, rows, width).unwrap();
    assert_eq!(recipe.training.half, half);
    block_on(async {
        let mut run = recipe.run(device, data, &mut |_| {}).await.unwrap();
        while run.step().await.unwrap() {}
        let events = run.trainer_mut().take_events();
        let r2 = |event: &Event| match event {
            Event::Epoch { r2, .. } => Some(*r2),
            _ => None,
        };
        events.iter().rev().find_map(r2).unwrap()
    })
}

#[test]
fn r2_is_that_of_float32_on_the_demo_pictures() {
    for device in devices("r2_is_that_of_float32_on_the_demo_pictures") {
        let epochs = if device.is_gpu() { 2 } else { 10 };
        for kind in [ModelKind::RaTopK, ModelKind::RaJump] {
            if device.is_gpu() && kind == ModelKind::RaJump {
                continue; // in software it takes its time
            }
            let top_k = (kind == ModelKind::RaTopK).then_some(8);
            let model = ModelSettings {
                model: Some(kind),
                concepts: Some(128),
                top_k,
                ..ModelSettings::default()
            };
            let (half, single) =
                (r2(&device, &model, epochs, true), r2(&device, &model, epochs, false));
            println!("{}, {kind:?}: R² {half:.5}, in float32 {single:.5}", device.name());
            assert!((half - single).abs() < 0.005, "{half} beside {single}");
            assert!(half != single, "float16 was not read");
        }
    }
}

const D: usize = 10;
const ROWS: usize = 64;

fn trainer(device: &Device, model: &ModelSettings, half: bool) -> archetypal::Result<Trainer> {
    let settings = model.resolve(D, 12)?;
    let points = if model.is_archetypal() { noise(12 * D, 1) } else { Vec::new() };
    let sae = archetypal::sae::Sae::initial(device, settings, points, 3)?;
    let training = TrainSettings { batch_size: ROWS, epochs: 40, half, ..Default::default() };
    Trainer::new(sae, training, DataFacts { rows: ROWS, row_variance: D as f64 / 3.0 })
}

fn model(kind: ModelKind) -> ModelSettings {
    let top_k = (!matches!(kind, ModelKind::RaJump | ModelKind::Jump)).then_some(3);
    ModelSettings { model: Some(kind), concepts: Some(40), top_k, ..Default::default() }
}

/// The same gradients but for the rounding of X and E, on every path, both backends giving the same ones.
#[test]
fn gradients_are_those_of_float32_but_for_rounding() {
    let batch = noise(ROWS * D, 5);
    for kind in [ModelKind::RaTopK, ModelKind::RaJump, ModelKind::TopK, ModelKind::BatchTopK] {
        let gradients = |device: &Device, half| {
            let mut trainer = trainer(device, &model(kind), half).unwrap();
            block_on(trainer.gradients(&batch)).unwrap().concat()
        };
        let single = gradients(&Device::cpu(), false);
        let largest = single.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let mut of_halves = Vec::new();
        for device in devices("gradients_are_those_of_float32_but_for_rounding") {
            let half = gradients(&device, true);
            assert_ne!(half, single, "{kind:?}");
            // A code that is just not the k-th largest any more takes its part of the gradient with it.
            let off: f32 = half.iter().zip(&single).map(|(a, b)| (a - b).powi(2)).sum();
            let norm: f32 = single.iter().map(|x| x * x).sum();
            assert!(off.sqrt() < 0.1 * norm.sqrt(), "{kind:?}: {off} of {norm}");
            of_halves.push(half);
        }
        for other in &of_halves[1..] {
            let off = of_halves[0]
                .iter()
                .zip(other)
                .fold(0.0_f32, |most, (a, b)| most.max((a - b).abs()));
            assert!(off < 1e-4 * largest, "{kind:?}: {off} of {largest}");
        }
    }
}

#[test]
fn a_run_in_halves_goes_on_in_halves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.safetensors");
    let device = Device::cpu();
    let batch = noise(ROWS * D, 6);
    block_on(async {
        let mut whole = trainer(&device, &model(ModelKind::RaTopK), true).unwrap();
        for step in 0..20 {
            if step == 7 {
                whole.collect().await.unwrap();
                save(&path, Contents::Run(&whole)).await.unwrap();
            }
            whole.step(&batch).await.unwrap();
        }
        let mut resumed = Checkpoint::open(&path).unwrap().trainer(&device).unwrap();
        assert!(resumed.settings().half);
        for _ in 7..20 {
            resumed.step(&batch).await.unwrap();
        }
        let (whole, resumed) = (whole.into_sae(), resumed.into_sae());
        assert_eq!(whole.state().await.unwrap(), resumed.state().await.unwrap());
    });
}

#[test]
fn an_encoder_that_reads_no_halves_is_refused() {
    for encoder in [EncoderKind::MlpLn1, EncoderKind::Tied, EncoderKind::Identity] {
        let concepts = if encoder == EncoderKind::Identity { D } else { 40 };
        let model = ModelSettings {
            encoder: Some(encoder),
            concepts: Some(concepts),
            ..model(ModelKind::TopK)
        };
        let settings = model.resolve(D, 12).unwrap();
        let training = TrainSettings { half: true, ..Default::default() };
        let message = training.check_model(&settings).unwrap_err().to_string();
        assert!(message.contains("--encoder linear"), "{message}");
        let refused = trainer(&Device::cpu(), &model, true).unwrap_err().to_string();
        assert_eq!(refused, message);
    }
}
