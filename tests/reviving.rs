//! Concepts that have stopped firing, whose bias rises until they fire again.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device, Error,
    sae::{EncoderKind, Sae, SaeSettings, StateDict},
    train::{DataFacts, Revive, TrainSettings, Trainer},
};
use common::{devices, noise};
use pollster::block_on;

const D: usize = 12;
const CONCEPTS: usize = 40;
const POINTS: usize = 16;
const BATCH: usize = 32;
const LR: f64 = 1e-2;
const BIAS: &str = "encoder.final_block.0.bias";
/// The concept that cannot fire at first.
const LOST: usize = 7;

fn model(device: &Device, encoder: EncoderKind) -> Sae {
    let model = archetypal::sae::ModelSettings {
        concepts: Some(CONCEPTS),
        top_k: Some(3),
        encoder: Some(encoder),
        ..Default::default()
    };
    let settings: SaeSettings = model.resolve(D, POINTS).unwrap();
    let mut state = StateDict::initial(&settings, noise(POINTS * D, 1), 0).unwrap();
    if let Some(bias) = state.values_mut(BIAS) {
        bias[LOST] = -3.0;
    }
    Sae::new(device, settings, &state).unwrap()
}

fn trainer(device: &Device, revive: &str, loss: &str) -> Trainer {
    let settings = TrainSettings {
        epochs: 1,
        batch_size: BATCH,
        lr: LR,
        lr_factors: "encoder=0.5".parse().unwrap(),
        revive: revive.parse().unwrap(),
        loss: loss.parse().unwrap(),
        ..Default::default()
    };
    let data = DataFacts { rows: BATCH << 20, row_variance: D as f64 };
    Trainer::new(model(device, EncoderKind::Linear), settings, data).unwrap()
}

fn bias(sae: &Sae) -> Vec<f32> {
    let parameter = sae.parameters().into_iter().find(|p| p.name == BIAS).unwrap();
    block_on(parameter.value.read()).unwrap()
}

fn steps(trainer: &mut Trainer, steps: std::ops::Range<u64>) {
    for step in steps {
        block_on(trainer.step(&noise(BATCH * D, 100 + step))).unwrap();
    }
}

#[test]
fn a_lost_concept_rises_by_the_same_amount_at_every_step() {
    for device in devices("a_lost_concept_rises") {
        for loss in ["mse", "mse,l1=0.001", "mse,auxiliary=0.1"] {
            let mut trainer = trainer(&device, "2:96", loss);
            steps(&mut trainer, 0..2);
            assert_eq!(bias(trainer.sae())[LOST], -3.0, "64 rows are not enough");
            steps(&mut trainer, 2..12);
            let risen = f64::from(bias(trainer.sae())[LOST]) + 3.0;
            // 2 · 0.5 · lr at each step from the third on.
            assert!((risen - 10.0 * LR).abs() < 1e-4, "{risen} with {loss}");
        }
    }
}

#[test]
fn it_fires_again_in_the_end_and_without_it_does_not() {
    for device in devices("it_fires_again") {
        let fires = |revive| {
            let mut trainer = trainer(&device, revive, "mse");
            steps(&mut trainer, 0..300);
            let encoded = trainer.sae().encode(&noise(4096 * D, 9)).unwrap();
            let codes = block_on(encoded.codes.rows()).unwrap();
            (0..codes.len()).any(|row| codes.row(row).any(|(concept, _)| concept as usize == LOST))
        };
        assert!(!fires("none"));
        assert!(fires("3:96"));
    }
}

#[test]
fn an_encoder_without_a_bias_is_refused() {
    let settings = TrainSettings { revive: "1".parse::<Revive>().unwrap(), ..Default::default() };
    let data = DataFacts { rows: 1000, row_variance: 1.0 };
    let refused = Trainer::new(model(&Device::cpu(), EncoderKind::Tied), settings, data);
    let Err(error @ Error::Setting { .. }) = refused else { panic!("a setting that cannot be") };
    assert!(error.to_string().contains("revive"), "{error}");
}
