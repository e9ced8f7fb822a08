//! `train::memory_needed` is what training holds.

use crate::{
    common::noise,
    counting::{alone, peak},
    models::{Case, Sizes},
};
use archetypal::{
    Device,
    sae::{EncoderKind, ModelKind},
    train::{Path, half_bytes, memory_needed},
};
use pollster::block_on;
use std::process::Command;

/// What the count may be off by: as a share, and bytes of what does not grow.
const SHARE: f64 = 0.02;
const CONSTANT: f64 = (128 << 10) as f64;

/// Few rows beside the concepts, whose pre-codes pass block by block, with few codes.
const WIDE: Sizes = Sizes { batch: 512, concepts: 4096, width: 64, points: 96, top_k: 8 };
/// Many rows beside the concepts.
const TALL: Sizes = Sizes { batch: 4096, concepts: 1024, width: 64, points: 96, top_k: 8 };

/// What a few steps hold at most, and what is counted for them.
fn held_and_counted(case: &Case, sizes: Sizes) -> (f64, f64) {
    let Sizes { batch, width, .. } = sizes;
    let rows = noise(batch * width, 5);
    let held = peak(|| {
        let mut trainer = case.trainer(sizes);
        for _ in 0..3 {
            block_on(trainer.step(&rows)).unwrap();
        }
        if case.model.model == Some(ModelKind::RaJump) {
            // As it does once its codes are few.
            trainer.fix_path(Path::Atoms).unwrap();
            block_on(trainer.step(&rows)).unwrap();
        }
    });
    let read_ahead = 3 * batch * width * size_of::<f32>();
    let settings = case.settings(sizes);
    let half = if case.half { half_bytes(&settings, batch) } else { 0 };
    let needed = memory_needed(&Device::cpu(), &settings, &case.loss.parse().unwrap(), batch);
    ((held + read_ahead) as f64, (needed + half) as f64)
}

/// Says which case a process is for.
const CASE: &str = "ARCHETYPAL_TEST_CASE";

fn cases() -> Vec<(Case, Sizes)> {
    // Nearly as many candidates as pre-codes: these are held in whole.
    let all_held = Sizes { top_k: 300, ..WIDE };
    let case = Case::new;
    vec![
        (case(ModelKind::RaTopK, "mse"), WIDE),
        (case(ModelKind::RaTopK, "mse"), all_held),
        (case(ModelKind::RaTopK, "mse,codes(abs(v))=0.1"), WIDE),
        (case(ModelKind::RaTopK, "mse").half(), WIDE),
        (case(ModelKind::RaTopK, "mse"), TALL),
        (case(ModelKind::RaTopK, "mse,residual(v^4)=0.1"), WIDE),
        (case(ModelKind::RaTopK, "mse,auxk=0.1:64"), WIDE),
        (case(ModelKind::TopK, "mse"), WIDE),
        (case(ModelKind::TopK, "mse").encoder(EncoderKind::MlpLn1), WIDE),
        (case(ModelKind::RaJump, "mse"), WIDE),
        (case(ModelKind::RaJump, "mse,l0=1:8").direct(), TALL),
        (case(ModelKind::BatchTopK, "mse"), WIDE),
    ]
}

/// Each case in a process of its own: kernels keep what they work in, and would find what another case left.
#[test]
fn what_is_counted_is_held() {
    let _alone = alone();
    let Ok(number) = std::env::var(CASE) else {
        return (0..cases().len()).for_each(check_in_process);
    };
    let (case, sizes) = &cases()[number.parse::<usize>().unwrap()];
    let (held, counted) = held_and_counted(case, *sizes);
    println!(
        "held {held:>10}, counted {counted:>10}, {:+.2} %: {case}, {sizes:?}",
        100.0 * (counted / held - 1.0)
    );
    assert!((held - counted).abs() < SHARE * held + CONSTANT, "off by more than allowed");
}

/// Runs this test for one case.
fn check_in_process(number: usize) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "needed::what_is_counted_is_held", "--nocapture"])
        .env(CASE, number.to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let found = said.lines().find(|line| line.contains(", counted ")).expect("a case that ran");
    println!("{found}");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
