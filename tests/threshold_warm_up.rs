//! Thresholds of jump that follow the batches before each is trained.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device, Tensor,
    sae::{ModelKind, ModelSettings, Sae, Thresholds},
    train::{DataFacts, Event, Path, TrainSettings, Trainer},
};
use common::{check::read, devices, noise};
use pollster::block_on;

const D: usize = 12;
const POINTS: usize = 9;
const BATCH: usize = 16;
/// The last batch of an epoch is a short one.
const SHORT: usize = 5;
const WARM_UP: u64 = 3;
/// Of a short batch 12.5 codes, which are rounded.
const TARGET: f32 = 2.5;

fn trainer(device: &Device, path: Path) -> Trainer {
    let model = ModelSettings {
        model: Some(ModelKind::RaJump),
        concepts: Some(40),
        thresholds: Some(Thresholds::Direct),
        ..ModelSettings::default()
    };
    let settings = model.resolve(D, POINTS).unwrap();
    let sae = Sae::initial(device, settings, noise(POINTS * D, 1), 3).unwrap();
    let training = TrainSettings {
        batch_size: BATCH,
        epochs: 2,
        target_l0: Some(TARGET),
        threshold_warmup: Some(WARM_UP),
        ..TrainSettings::default()
    };
    let data = DataFacts { rows: 2 * BATCH + SHORT, row_variance: 4.0 };
    let mut trainer = Trainer::new(sae, training, data).unwrap();
    trainer.fix_path(path).unwrap();
    trainer
}

/// The rows of a step, twice as large at each, so that thresholds which follow them move far.
fn batch(step: u64) -> Vec<f32> {
    let rows = if step % 3 == 2 { SHORT } else { BATCH };
    let scale = (1_u32 << step) as f32;
    noise(rows * D, 100 + step).into_iter().map(|value| scale * value).collect()
}

/// How many codes the target leaves to a batch.
fn codes_of(batch: &[f32]) -> usize {
    (f64::from(TARGET) * (batch.len() / D) as f64).round() as usize
}

/// The smallest of the pre-codes that are left to a batch.
fn smallest_code(sae: &Sae, batch: &[f32]) -> f32 {
    let x = Tensor::from_slice(sae.device(), batch.len() / D, D, batch).unwrap();
    let mut pre_codes = read(&sae.encode_tensor(&x).unwrap().pre_codes);
    pre_codes.sort_by(|a, b| b.total_cmp(a));
    pre_codes[codes_of(batch) - 1]
}

fn thresholds(sae: &Sae) -> Vec<f32> {
    let parameter = sae.parameters().into_iter().find(|p| p.name == "direct_thresholds").unwrap();
    read(&parameter.value)
}

/// Takes a step, and says how many codes its batch had.
fn step(trainer: &mut Trainer, batch: &[f32]) -> usize {
    block_on(trainer.step(batch)).unwrap();
    block_on(trainer.collect()).unwrap();
    let of_event = |event: Event| match event {
        Event::Step { l0, rows, .. } => Some((l0 * rows as f64).round() as usize),
        _ => None,
    };
    trainer.take_events().into_iter().find_map(of_event).unwrap()
}

#[test]
fn each_batch_of_the_warm_up_has_its_target() {
    for device in devices("each_batch_of_the_warm_up_has_its_target") {
        for path in [Path::Dense, Path::Atoms, Path::Factored] {
            let mut trainer = trainer(&device, path);
            for number in 0..WARM_UP {
                let batch = batch(number);
                let expected = smallest_code(trainer.sae(), &batch);
                let (codes, wanted) = (step(&mut trainer, &batch), codes_of(&batch));
                let what = format!("step {number}, {path:?}, {}", device.name());
                for theta in thresholds(trainer.sae()) {
                    assert!((theta - expected).abs() < 1e-5, "{theta}, not {expected}: {what}");
                }
                // A step selects by exp(ln θ), whose rounding may leave out the one code that equals θ.
                assert!(codes == wanted || codes + 1 == wanted, "{codes} codes: {what}");
            }
        }
    }
}

#[test]
fn after_it_thresholds_are_trained_and_no_longer_follow() {
    for device in devices("after_it_thresholds_are_trained_and_no_longer_follow") {
        let mut trainer = trainer(&device, Path::Dense);
        for number in 0..WARM_UP {
            step(&mut trainer, &batch(number));
        }
        let before = thresholds(trainer.sae());
        let next = batch(WARM_UP);
        let far = smallest_code(trainer.sae(), &next) - before[0];
        step(&mut trainer, &next);
        let moved = thresholds(trainer.sae()).into_iter().zip(before).map(|(a, b)| (a - b).abs());
        let most = moved.fold(0.0, f32::max);
        // Adam moves a value by about the learning rate.
        let rate = trainer.settings().lr as f32;
        assert!(far > 0.1 && most > 0.0 && most < 2.0 * rate, "{most} of {far}");
    }
}

#[test]
fn it_takes_an_eighth_of_the_steps_and_at_most_1000_unless_said_otherwise() {
    let steps = |epochs, threshold_warmup| {
        let settings =
            TrainSettings { batch_size: 10, epochs, threshold_warmup, ..TrainSettings::default() };
        settings.threshold_warmup_steps(100)
    };
    assert_eq!(steps(8, None), 10);
    assert_eq!(steps(900, None), 1000);
    assert_eq!(steps(8, Some(3)), 3);
}
