//! A run that is saved in the middle and resumed gives the bits of one that was not, whatever it is made of.

use crate::{
    common::{devices, noise},
    runs::{Case, KINDS, ROWS, STEPS, WIDTH, advance},
};
use archetypal::{
    Device,
    checkpoint::{Checkpoint, Contents, to_bytes},
    data::{InMemory, Loader, Normalizer, Shuffle},
    metrics::evaluate,
    sae::{EncoderKind, ModelKind, Sae},
};
use std::sync::Arc;

/// Terms that keep counters, look at gradients of the pre-codes and at the dictionary.
const MANY_TERMS: &str = "mse=0.9,reanimation=0.05,auxk=0.1:4:20,l1=0.0001,dictionary(v^4)=0.1";

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = KINDS.map(Case::new).into();
    cases.extend([
        Case::new(ModelKind::RaTopK).encoder(EncoderKind::MlpBn3, false),
        Case::new(ModelKind::BatchTopK).encoder(EncoderKind::MlpBn1, false),
        Case::new(ModelKind::Jump).encoder(EncoderKind::MlpLn3, false).direct(),
        Case::new(ModelKind::TopK).encoder(EncoderKind::Tied, true),
        Case::new(ModelKind::RaJump).encoder(EncoderKind::Tied, true).direct(),
        Case::new(ModelKind::RaTopK).encoder(EncoderKind::Untied, true),
        Case::new(ModelKind::TopK).encoder(EncoderKind::Identity, false),
        Case::new(ModelKind::RaTopK).loss(MANY_TERMS),
        Case::new(ModelKind::Jump).loss("mse,l0=0.1:5,hoyer=0.1").direct(),
        Case::new(ModelKind::RaJump).loss("mse,l0=0.1:5,kappa_4=0.1,auxiliary=0.1"),
        Case::new(ModelKind::RaTopK).with_rates("mixing=0.3,relaxation=2,encoder=0"),
        Case::new(ModelKind::TopK)
            .encoder(EncoderKind::MlpBn3, false)
            .loss(MANY_TERMS)
            .with_rates("dictionary=0.5"),
    ]);
    cases
}

async fn resumed(device: &Device, case: &Case, expected: &[u8]) {
    for stop in [1, 8, 17] {
        let mut first = case.trainer(device);
        advance(&mut first, 0..stop).await;
        let bytes = to_bytes(Contents::Run(&first)).await.unwrap();
        let mut second = Checkpoint::from_bytes("run", bytes).unwrap().trainer(device).unwrap();
        assert_eq!(second.progress(), first.progress());
        advance(&mut second, stop..STEPS).await;
        let bytes = to_bytes(Contents::Run(&second)).await.unwrap();
        assert!(bytes == expected, "stopped after {stop} steps: other bytes for {case:?}");
    }
}

/// Figures and codes of some rows in eval mode.
async fn judged(sae: &mut Sae) -> (String, Vec<f32>) {
    sae.eval().unwrap();
    let rows = noise(40 * WIDTH, 9);
    let source = Arc::new(InMemory::new("rows", WIDTH, rows.clone()).unwrap());
    let normalizer = Arc::new(Normalizer::identity(WIDTH));
    let loader = Loader::new(source, normalizer, Shuffle::none(), 11).unwrap();
    let figures = evaluate(sae, &loader, &mut |_| {}).await.unwrap();
    let codes = sae.codes(&rows).await.unwrap();
    (serde_json::to_string(&figures).unwrap(), codes.values)
}

async fn finished(device: &Device, case: &Case, mut sae: Sae) {
    let bytes = to_bytes(Contents::Model(&sae, Some(&case.training))).await.unwrap();
    let file = Checkpoint::from_bytes("model", bytes.clone()).unwrap();
    let mut loaded = file.sae(device, &Default::default()).unwrap();
    assert_eq!(loaded.state().await.unwrap(), sae.state().await.unwrap());
    assert_eq!(loaded.settings(), sae.settings());
    let again = to_bytes(Contents::Model(&loaded, Some(&case.training))).await.unwrap();
    assert!(again == bytes, "written again: other bytes for {case:?}");
    let (figures, codes) = judged(&mut sae).await;
    assert_eq!(judged(&mut loaded).await, (figures, codes.clone()), "{case:?}");
    assert!(!codes.is_empty(), "nothing fires: {case:?}");
}

#[test]
fn resumed_runs_keep_their_bits_and_finished_files_their_codes() {
    for device in devices("resumed_runs_keep_their_bits_and_finished_files_their_codes") {
        for case in cases() {
            pollster::block_on(async {
                let mut whole = case.trainer(&device);
                advance(&mut whole, 0..STEPS).await;
                assert!(whole.is_done());
                let expected = to_bytes(Contents::Run(&whole)).await.unwrap();
                resumed(&device, &case, &expected).await;
                finished(&device, &case, whole.into_sae()).await;
            });
        }
    }
}

#[test]
fn what_is_learned_of_all_batches_is_kept() {
    let case = Case::new(ModelKind::BatchTopK).encoder(EncoderKind::MlpBn3, false);
    for device in devices("what_is_learned_of_all_batches_is_kept") {
        pollster::block_on(async {
            let mut trainer = case.trainer(&device);
            let before = trainer.sae().state().await.unwrap();
            advance(&mut trainer, 0..STEPS).await;
            let bytes = to_bytes(Contents::Run(&trainer)).await.unwrap();
            let file = Checkpoint::from_bytes("run", bytes).unwrap();
            let after = file.sae(&device, &Default::default()).unwrap().state().await.unwrap();
            for layer in ["mlp_blocks.0", "mlp_blocks.1", "final_block"] {
                for name in ["running_mean", "running_var"] {
                    let name = format!("encoder.{layer}.1.{name}");
                    assert_ne!(before.get(&name).unwrap(), after.get(&name).unwrap(), "{name}");
                }
                let batches = after.get(&format!("encoder.{layer}.1.num_batches_tracked")).unwrap();
                assert_eq!(batches.values, [STEPS as f32]);
            }
            let threshold = |state: &archetypal::sae::StateDict| {
                state.get("running_threshold").unwrap().values[0]
            };
            assert!(threshold(&before) < 0.0 && threshold(&after) > 0.0);
        });
    }
}

/// Batch top-k keeps k·B codes of a batch in training; with its threshold about as many of rows one by one.
#[test]
fn batch_top_k_keeps_as_many_codes_in_the_end() {
    for kind in [ModelKind::BatchTopK, ModelKind::RaBatchTopK] {
        pollster::block_on(async {
            let mut trainer = Case::new(kind).trainer(&Device::cpu());
            advance(&mut trainer, 0..STEPS).await;
            let mut sae = trainer.into_sae();
            let rows = noise(ROWS * WIDTH, 77);
            let entries = |codes: archetypal::sae::CodeRows| codes.values.len();
            assert_eq!(entries(sae.codes(&rows).await.unwrap()), 4 * ROWS);
            sae.eval().unwrap();
            let together = sae.codes(&rows).await.unwrap();
            let share = together.values.len() as f64 / (4 * ROWS) as f64;
            assert!((0.6..1.6).contains(&share), "{share} of the codes");
            let first = sae.codes(&rows[..WIDTH]).await.unwrap();
            let concepts = |row: &mut dyn Iterator<Item = (u32, f32)>| -> Vec<u32> {
                row.map(|entry| entry.0).collect()
            };
            assert_eq!(concepts(&mut first.row(0)), concepts(&mut together.row(0)));
        });
    }
}
