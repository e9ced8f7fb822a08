//! Rows of the dictionary that are updated only when their concept fires, against updating all at every step.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device,
    sae::{RaTopKSae, Sae},
    train::{DataFacts, Path, TrainSettings, Trainer},
};
use common::{devices, noise};
use pollster::block_on;

const D: usize = 16;
const CONCEPTS: usize = 256;
const POINTS: usize = 32;
const BATCH: usize = 16;

fn trainer(device: &Device, every_row: bool) -> Trainer {
    let points = noise(POINTS * D, 1);
    let sae = RaTopKSae::builder(D, CONCEPTS, &points).top_k(2).build(device).unwrap();
    let settings =
        TrainSettings { epochs: 1, batch_size: BATCH, lr: 1e-3, every_row, ..Default::default() };
    let data = DataFacts { rows: BATCH << 20, row_variance: D as f64 };
    let trainer = Trainer::new(sae.into_inner(), settings, data).unwrap();
    assert_eq!(trainer.progress().path, Path::Factored);
    trainer
}

/// A batch near a few directions, so that some concepts fire in most batches and most in few.
fn batch(step: u64) -> Vec<f32> {
    let (directions, noise_of_step) = (noise(5 * D, 3), noise(BATCH * D, 100 + step));
    let row = |b: usize| &directions[(b * b + step as usize) % 5 * D..][..D];
    let values = noise_of_step.chunks(D).enumerate().flat_map(|(b, noise)| {
        noise.iter().zip(row(b)).map(|(noise, direction)| direction + 0.7 * noise)
    });
    values.collect()
}

fn steps(trainer: &mut Trainer, steps: std::ops::Range<u64>) {
    for step in steps {
        block_on(trainer.step(&batch(step))).unwrap();
    }
}

fn values(sae: &Sae) -> Vec<(&'static str, Vec<f32>)> {
    sae.parameters().iter().map(|p| (p.name, block_on(p.value.read()).unwrap())).collect()
}

/// The largest difference of each parameter, as a share of its largest value.
fn differences(a: &Sae, b: &Sae) -> Vec<(&'static str, f32)> {
    let largest =
        |values: &mut dyn Iterator<Item = f32>| values.fold(0.0, |m: f32, x| m.max(x.abs()));
    values(a)
        .into_iter()
        .zip(values(b))
        .map(|((name, a), (_, b))| {
            let off = largest(&mut a.iter().zip(&b).map(|(a, b)| a - b));
            (name, off / largest(&mut b.iter().copied()))
        })
        .collect()
}

#[test]
fn a_run_ends_where_one_that_updates_every_row_does() {
    for device in devices("a_run_ends_where_one_that_updates_every_row_does") {
        // A GPU in software takes its time; it reads figures every 16 steps.
        let count = if device.is_gpu() { 112 } else { 1000 };
        let (mut some, mut every) = (trainer(&device, false), trainer(&device, true));
        steps(&mut some, 0..count);
        steps(&mut every, 0..count);
        assert!(!some.is_collected() && every.is_collected(), "rows rest, and have not caught up");
        block_on(some.collect()).unwrap();
        for (name, off) in differences(some.sae(), every.sae()) {
            println!("{}, {name}: {off:.1e} after {count} steps", device.name());
            assert!(off < 1e-4, "{name} is off by {off} on {}", device.name());
        }
    }
}

#[test]
fn looking_at_the_model_does_not_change_the_run() {
    for device in devices("looking_at_the_model_does_not_change_the_run") {
        let (mut plain, mut looked_at) = (trainer(&device, false), trainer(&device, false));
        steps(&mut plain, 0..60);
        for step in 0..60 {
            steps(&mut looked_at, step..step + 1);
            if step % 7 == 3 {
                block_on(looked_at.collect()).unwrap();
            }
        }
        block_on(plain.collect()).unwrap();
        block_on(looked_at.collect()).unwrap();
        assert_eq!(values(plain.sae()), values(looked_at.sae()), "{}", device.name());
    }
}
