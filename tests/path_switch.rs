//! Jump goes from dense to sparse codes as they thin out, and a run resumed around the switch keeps its bits.

mod common;

use archetypal::{
    Device,
    checkpoint::{Checkpoint, Contents, to_bytes},
    sae::{Kernel, ModelKind, Sae, Selection, StateDict, Thresholds},
    train::{DataFacts, Path, TrainSettings, Trainer},
};
use common::noise;

const BATCH: usize = 64;
const STEPS: usize = 40;
const WIDTH: usize = 8;

/// A model whose encoder lets few codes through from the start.
fn trainer(device: &Device) -> Trainer {
    let (kernel, thresholds) = (Kernel::Gaussian, Thresholds::Reference);
    let selection = Selection::Jump { kernel, bandwidth: 1e-3, thresholds };
    let settings = common::archetypal(400, WIDTH, 16, selection);
    assert_eq!(settings.kind(), ModelKind::RaJump);
    let mut state = StateDict::initial(&settings, noise(16 * WIDTH, 1), 0).unwrap();
    let biases = state.values_mut("encoder.final_block.0.bias").unwrap();
    biases.iter_mut().for_each(|bias| *bias -= 0.9);
    let mut sae = Sae::new(device, settings, &state).unwrap();
    sae.project();
    let training = TrainSettings { epochs: 1, batch_size: BATCH, ..TrainSettings::default() };
    Trainer::new(sae, training, DataFacts { rows: BATCH * STEPS, row_variance: 1.0 }).unwrap()
}

fn batch(step: usize) -> Vec<f32> {
    noise(BATCH * WIDTH, 100 + step as u64)
}

async fn run(trainer: &mut Trainer, steps: std::ops::Range<usize>) {
    for step in steps {
        trainer.step(&batch(step)).await.unwrap();
    }
    trainer.collect().await.unwrap();
}

async fn check(device: &Device) {
    let mut whole = trainer(device);
    assert_eq!(whole.progress().path, Path::Dense);
    run(&mut whole, 0..STEPS).await;
    assert_ne!(whole.progress().path, Path::Dense, "the codes are few: {:?}", whole.progress());
    let expected = to_bytes(Contents::Run(&whole)).await.unwrap();
    // In the middle of a window before the switch, at it, and in the middle of one after it.
    for stop in [9, 16, 23] {
        let mut first = trainer(device);
        run(&mut first, 0..stop).await;
        let bytes = to_bytes(Contents::Run(&first)).await.unwrap();
        let mut second = Checkpoint::from_bytes("run", bytes).unwrap().trainer(device).unwrap();
        run(&mut second, stop..STEPS).await;
        let bytes = to_bytes(Contents::Run(&second)).await.unwrap();
        assert!(bytes == expected, "stopped after {stop} steps: other bytes");
    }
}

#[test]
fn a_switch_of_path_survives_resuming_on_the_cpu() {
    pollster::block_on(check(&Device::cpu()));
}

#[test]
fn a_switch_of_path_survives_resuming_on_the_gpu() {
    if let Some(device) = common::gpu("a_switch_of_path_survives_resuming_on_the_gpu", None) {
        pollster::block_on(check(&device));
    }
}

#[test]
fn progress_that_no_run_passes_through_is_refused() {
    let device = Device::cpu();
    let bytes = pollster::block_on(async {
        let mut trainer = trainer(&device);
        run(&mut trainer, 0..3).await;
        to_bytes(Contents::Run(&trainer)).await.unwrap()
    });
    // The metadata is JSON within JSON.
    let (sound, damaged) = (br#"\"batch\":3"#, br#"\"batch\":9"#);
    let at = bytes.windows(sound.len()).position(|window| window == sound).unwrap();
    let mut changed = bytes.clone();
    changed[at..at + damaged.len()].copy_from_slice(damaged);
    let error = Checkpoint::from_bytes("run", changed).unwrap().trainer(&device).unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}
