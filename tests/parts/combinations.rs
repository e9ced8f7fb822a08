//! What does not go together is refused in plain words.

use crate::{common::noise, runs::Case};
use archetypal::{
    Device, Error,
    data::{InMemory, Loader, Normalizer, Shuffle},
    sae::{
        EncoderKind, Kernel, ModelKind, ModelSettings, Normalization, Sae, SaeSettings, Selection,
        StateDict, Thresholds, TopKSae,
    },
    train::{DataFacts, Run, SideBySide, TrainSettings, Trainer},
};
use std::sync::Arc;

fn model(kind: ModelKind) -> ModelSettings {
    ModelSettings { model: Some(kind), concepts: Some(24), ..ModelSettings::default() }
}

#[track_caller]
fn refused<T>(outcome: archetypal::Result<T>, parts: &[&str]) {
    let Err(error) = outcome else { panic!("{parts:?} was not refused") };
    for part in parts {
        assert!(error.to_string().contains(part), "no {part:?} in: {error}");
    }
}

#[test]
fn settings_of_another_model() {
    let resolve = |settings: ModelSettings| settings.resolve(8, 5);
    let (top_k, jump, free) = (ModelKind::RaTopK, ModelKind::RaJump, ModelKind::TopK);
    let archetypal = "--model ra-topk, ra-jump or ra-batch-topk";
    refused(resolve(ModelSettings { delta: Some(1.0), ..model(free) }), &["delta", archetypal]);
    let normalization = Some(Normalization::L1);
    refused(
        resolve(ModelSettings { normalization, ..model(top_k) }),
        &["normalization", "--model topk, jump or batch-topk"],
    );
    refused(
        resolve(ModelSettings { kernel: Some(Kernel::Cauchy), ..model(free) }),
        &["kernel", "--model ra-jump or jump"],
    );
    refused(
        resolve(ModelSettings { thresholds: Some(Thresholds::Direct), ..model(top_k) }),
        &["thresholds", "--model ra-jump or jump"],
    );
    refused(
        resolve(ModelSettings { top_k: Some(2), ..model(jump) }),
        &["top-k", "--model ra-topk, topk"],
    );
    refused(
        resolve(ModelSettings { threshold_momentum: Some(0.5), ..model(top_k) }),
        &["threshold-momentum", "--model ra-batch-topk or batch-topk"],
    );
    refused(
        resolve(ModelSettings { threshold_momentum: Some(1.5), ..model(ModelKind::BatchTopK) }),
        &["momentum is 1.5", "from 0 to 1"],
    );
    for k in [0, 25] {
        for kind in [top_k, free, ModelKind::BatchTopK] {
            let between = "between 1 and the number of concepts, 24";
            refused(resolve(ModelSettings { top_k: Some(k), ..model(kind) }), &["top_k", between]);
        }
    }
}

#[test]
fn encoders_that_do_not_fit() {
    let with = |encoder, encoder_bias| {
        let encoder = Some(encoder);
        ModelSettings { encoder, encoder_bias, ..model(ModelKind::TopK) }.resolve(8, 0)
    };
    refused(with(EncoderKind::Identity, false), &["identity", "--concepts 8"]);
    for encoder in [EncoderKind::Linear, EncoderKind::MlpBn1] {
        refused(with(encoder, true), &["encoder_bias", encoder.name(), "tied or untied"]);
    }
    assert!(with(EncoderKind::Untied, true).is_ok());
    let custom = with(EncoderKind::Custom, false).unwrap();
    let state = StateDict::initial(&custom, Vec::new(), 0).unwrap();
    refused(Sae::new(&Device::cpu(), custom, &state), &["custom", "Sae::with_encoder"]);
    refused(EncoderKind::from_name("mlp"), &["mlp_ln_1", "tied"]);
    refused(Normalization::from_name("l3"), &["max_l2"]);
}

#[test]
fn points_and_tensors_that_do_not_fit() {
    let archetypal = model(ModelKind::RaTopK).resolve(8, 5).unwrap();
    let free = model(ModelKind::Jump).resolve(8, 0).unwrap();
    refused(StateDict::initial(&archetypal, noise(4 * 8, 1), 0), &["points", "[5, 8]"]);
    refused(StateDict::initial(&free, noise(8, 1), 0), &["points", "free dictionary"]);
    let device = Device::cpu();
    let state = StateDict::initial(&free, Vec::new(), 0).unwrap();
    refused(Sae::new(&device, archetypal, &state), &["dictionary.W", "missing"]);
    let wider = SaeSettings { nb_concepts: 30, ..free.clone() };
    refused(Sae::new(&device, wider, &state), &["encoder.final_block.0.weight", "[30, 8]"]);
    let selection = Selection::Jump {
        kernel: Kernel::Gaussian,
        bandwidth: 0.1,
        thresholds: Thresholds::Direct,
    };
    let direct = SaeSettings { selection, ..free };
    refused(Sae::new(&device, direct, &state), &["direct_thresholds", "missing"]);
}

#[test]
fn losses_that_do_not_fit() {
    let trainer = |kind: ModelKind, concepts: usize, loss: &str| {
        let settings = ModelSettings { concepts: Some(concepts), ..model(kind) };
        let settings = settings.resolve(8, 0).unwrap();
        let sae = Sae::initial(&Device::cpu(), settings, Vec::new(), 0).unwrap();
        let training = TrainSettings { loss: loss.parse().unwrap(), ..TrainSettings::default() };
        Trainer::new(sae, training, DataFacts { rows: 16, row_variance: 1.0 })
    };
    refused(trainer(ModelKind::TopK, 24, "mse,l0=1:4"), &["l0", "--model ra-jump or jump"]);
    refused(trainer(ModelKind::BatchTopK, 24, "mse,l0=1:4"), &["l0", "thresholds"]);
    refused(trainer(ModelKind::TopK, 1, "mse,auxiliary"), &["auxiliary", "two concepts"]);
    assert!(trainer(ModelKind::Jump, 24, "mse,l0=1:4").is_ok());
    assert!(trainer(ModelKind::Jump, 1, "mse,auxk,hoyer=1").is_ok());
}

#[test]
fn training_settings_out_of_range() {
    let refused = |change: &dyn Fn(&mut TrainSettings), part: &str| {
        let mut case = Case::new(ModelKind::TopK);
        change(&mut case.training);
        let error = case.training.validate().unwrap_err();
        assert!(matches!(error, Error::Setting { .. }) && error.to_string().contains(part));
    };
    refused(&|training| training.beta1 = 1.0, "beta1 is 1");
    refused(&|training| training.beta2 = -0.1, "beta2 is -0.1");
    refused(&|training| training.eps = 0.0, "eps is 0");
    refused(&|training| training.eps = 1e-46, "smallest float32");
    refused(&|training| training.weight_decay = -1.0, "weight-decay is -1");
    refused(&|training| training.weight_decay = f64::NAN, "weight-decay is NaN");
}

#[test]
fn loaders_of_other_runs() {
    let trainer = || {
        let settings = model(ModelKind::TopK).resolve(8, 0).unwrap();
        let sae = Sae::initial(&Device::cpu(), settings, Vec::new(), 0).unwrap();
        let training = TrainSettings { batch_size: 4, ..TrainSettings::default() };
        Trainer::new(sae, training, DataFacts { rows: 16, row_variance: 1.0 }).unwrap()
    };
    let loader = |rows: usize, width: usize, batch: usize| {
        let data = InMemory::new("rows", width, noise(rows * width, 1)).unwrap();
        let normalizer = Arc::new(Normalizer::identity(width));
        Loader::new(Arc::new(data), normalizer, Shuffle::none(), batch).unwrap()
    };
    refused(Run::new(trainer(), loader(15, 8, 4)), &["number of rows is 15", "16"]);
    refused(Run::new(trainer(), loader(16, 8, 8)), &["batch size of the loader is 8", "4"]);
    for width in [4, 16] {
        refused(Run::new(trainer(), loader(16, width, 4)), &["the data", "[16, 8]"]);
        refused(SideBySide::new(vec![trainer()], loader(16, width, 4)), &["the data", "[16, 8]"]);
    }
    assert!(Run::new(trainer(), loader(16, 8, 4)).is_ok());
}

#[test]
fn rows_that_are_not_finite() {
    let settings = model(ModelKind::TopK).resolve(8, 0).unwrap();
    let sae = Sae::initial(&Device::cpu(), settings, Vec::new(), 0).unwrap();
    let mut rows = noise(3 * 8, 1);
    rows[2 * 8 + 5] = f32::NAN;
    refused(sae.encode(&rows), &["row 2", "column 5"]);
    refused(pollster::block_on(sae.codes(&rows)), &["row 2", "column 5"]);
}

#[test]
fn a_tensor_of_another_kind_of_model_is_left_alone() {
    let settings = model(ModelKind::TopK).resolve(8, 0).unwrap();
    let mut state = StateDict::initial(&settings, Vec::new(), 0).unwrap();
    state.insert("running_threshold", &[0], Vec::new());
    assert!(Sae::new(&Device::cpu(), settings, &state).is_ok());
}

#[test]
fn a_dictionary_of_zeros_stays_one() {
    for normalization in [Normalization::MaxL2, Normalization::MaxL1, Normalization::L2] {
        let builder = TopKSae::builder(8, 24).initializer(&[0.0; 24 * 8]);
        let sae = builder.normalization(normalization).build(&Device::cpu()).unwrap();
        let atoms = pollster::block_on(sae.dictionary()).unwrap();
        assert!(atoms.iter().all(|&value| value == 0.0), "{normalization:?}");
    }
}
