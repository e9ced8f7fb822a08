//! Kernels that are made before the first step.
#![cfg(feature = "gpu")]

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device,
    sae::{EncoderKind, ModelKind, ModelSettings, Sae, Thresholds},
    train::{DataFacts, TrainSettings, Trainer},
};
use common::{gpu, noise};
use pollster::block_on;

const D: usize = 12;
const BATCH: usize = 16;
/// The last batch of an epoch is a short one.
const ROWS: usize = 2 * BATCH + 5;

fn trainer(device: &Device, model: &ModelSettings, loss: &str, half: bool) -> Trainer {
    let settings = model.resolve(D, 9).unwrap();
    let points = if model.is_archetypal() { noise(9 * D, 1) } else { Vec::new() };
    let sae = Sae::initial(device, settings, points, 3).unwrap();
    let loss = loss.parse().unwrap();
    let training =
        TrainSettings { batch_size: BATCH, epochs: 2, loss, half, ..TrainSettings::default() };
    Trainer::new(sae, training, DataFacts { rows: ROWS, row_variance: 4.0 }).unwrap()
}

fn pipelines(device: &Device) -> usize {
    match device {
        Device::Gpu(gpu) => gpu.pipelines(),
        Device::Cpu(_) => 0,
    }
}

/// Trains an epoch: after how many pipelines, and to what.
fn trained(mut trainer: Trainer, device: &Device) -> (usize, Vec<Vec<f32>>) {
    for rows in [BATCH, BATCH, ROWS % BATCH] {
        block_on(trainer.step(&noise(rows * D, rows as u64))).unwrap();
    }
    let made = pipelines(device);
    let sae = trainer.into_sae();
    let values = sae.parameters().into_iter().chain(sae.buffers());
    (made, values.map(|parameter| block_on(parameter.value.read()).unwrap()).collect())
}

fn cases() -> Vec<(ModelSettings, &'static str, bool)> {
    let model = |kind, top_k: Option<usize>| ModelSettings {
        model: Some(kind),
        concepts: Some(40),
        top_k,
        ..ModelSettings::default()
    };
    let direct =
        ModelSettings { thresholds: Some(Thresholds::Direct), ..model(ModelKind::RaJump, None) };
    let mlp =
        ModelSettings { encoder: Some(EncoderKind::MlpLn1), ..model(ModelKind::RaTopK, Some(3)) };
    vec![
        (model(ModelKind::RaTopK, Some(3)), "mse", false),
        (model(ModelKind::RaTopK, Some(3)), "mse,codes(log(1 + v^2))=0.1", true),
        (model(ModelKind::TopK, Some(3)), "mse,auxk=0.1:4:100", false),
        (model(ModelKind::BatchTopK, Some(3)), "mse", false),
        (direct, "mse,l0=1:4", false),
        (mlp, "mse", false),
    ]
}

#[test]
fn steps_make_no_kernel_after_it_and_end_at_the_same_bits() {
    let test = "steps_make_no_kernel_after_it_and_end_at_the_same_bits";
    for (model, loss, half) in cases() {
        let Some(device) = gpu(test, None) else { return };
        let (_, cold) = trained(trainer(&device, &model, loss, half), &device);
        let device = gpu(test, None).unwrap();
        let mut warm = trainer(&device, &model, loss, half);
        let before = pipelines(&device);
        let mut told = Vec::new();
        block_on(warm.warm_up(&mut |done, of| told.push((done, of)))).unwrap();
        let made = pipelines(&device);
        let count = made - before;
        assert_eq!(told, (0..=count).map(|done| (done, count)).collect::<Vec<_>>(), "{model:?}");
        assert!(count > 5, "{count} kernels");
        // There is nothing left to do.
        block_on(warm.warm_up(&mut |_, _| panic!("again"))).unwrap();
        let (after, warm) = trained(warm, &device);
        assert_eq!(after, made, "{model:?}, {loss}");
        assert_eq!(warm, cold, "{model:?}, {loss}");
    }
}

/// In the middle of a run, with rows that rest.
#[test]
fn it_may_come_at_any_time() {
    let Some(device) = gpu("it_may_come_at_any_time", None) else { return };
    let (model, loss, half) = cases().swap_remove(0);
    let run = |warm: bool| {
        let mut trainer = trainer(&device, &model, loss, half);
        for step in 0..6 {
            if warm && step % 2 == 1 {
                block_on(trainer.warm_up(&mut |_, _| {})).unwrap();
            }
            let rows = if step % 3 == 2 { ROWS % BATCH } else { BATCH };
            block_on(trainer.step(&noise(rows * D, step))).unwrap();
        }
        let sae = trainer.into_sae();
        sae.parameters().into_iter().map(|p| block_on(p.value.read()).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(run(true), run(false));
}

#[test]
fn the_cpu_has_none() {
    let (model, loss, half) = cases().swap_remove(0);
    let mut trainer = trainer(&Device::cpu(), &model, loss, half);
    block_on(trainer.warm_up(&mut |_, _| panic!("a kernel"))).unwrap();
}
