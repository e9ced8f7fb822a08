//! What training tells of itself, against the same figures computed from the model.

mod common;

use archetypal::{
    Device, Tensor,
    sae::{RaJumpSae, RaTopKSae, Sae, Thresholds},
    train::{DataFacts, Event, TrainSettings, Trainer},
};
use common::noise;
use pollster::block_on;
use std::collections::BTreeMap;

const ROWS: usize = 48;
const WIDTH: usize = 7;

fn trainer(sae: Sae, settings: TrainSettings) -> Trainer {
    let data = DataFacts { rows: ROWS, row_variance: 1.0 };
    Trainer::new(sae, TrainSettings { batch_size: ROWS, epochs: 8, ..settings }, data).unwrap()
}

fn top_k(device: &Device) -> Sae {
    RaTopKSae::builder(WIDTH, 20, &noise(11 * WIDTH, 1))
        .top_k(3)
        .build(device)
        .unwrap()
        .into_inner()
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

#[track_caller]
fn near(what: &str, got: f64, want: f64) {
    assert!((got - want).abs() <= 1e-5 * (1.0 + want.abs()), "{what}: {got} is not {want}");
}

/// The details and the gradient norm of the only step among the events.
fn step(events: Vec<Event>) -> (BTreeMap<String, f64>, f64, f64) {
    let steps = events.into_iter().filter_map(|event| match event {
        Event::Step { details, grad_norm, loss, .. } => {
            Some((details, f64::from(grad_norm), f64::from(loss)))
        }
        _ => None,
    });
    let mut steps: Vec<_> = steps.collect();
    assert_eq!(steps.len(), 1);
    steps.remove(0)
}

fn check_details(device: &Device, sae: Sae) {
    let x = noise(ROWS * WIDTH, 2);
    let batch = Tensor::from_slice(device, ROWS, WIDTH, &x).unwrap();
    let codes = sae.encode_tensor(&batch).unwrap().codes.into_dense(device).unwrap();
    let codes = block_on(codes.read()).unwrap();
    let mut trainer = trainer(sae, TrainSettings { monitoring: 2, ..TrainSettings::default() });
    block_on(trainer.step(&x)).unwrap();
    let (details, grad_norm, _) = step(trainer.take_events());
    near("z_l2", details["z_l2"], norm(&codes));
    let dictionary = block_on(trainer.sae().dictionary()).unwrap();
    let norms: Vec<_> = dictionary.chunks(WIDTH).map(norm).collect();
    near("norms", details["dictionary_norms"], norms.iter().sum::<f64>() / norms.len() as f64);
    let active = dictionary.iter().filter(|v| v.abs() >= 1e-6).count() as f64;
    near("sparsity", details["dictionary_sparsity"], active / dictionary.len() as f64);
    let mut squares = 0.0;
    for parameter in trainer.sae().parameters() {
        let name = parameter.name;
        let value = block_on(parameter.value.read()).unwrap();
        near(name, details[&format!("params_norm_{name}")], norm(&value));
        if !name.ends_with("thresholds") {
            squares += details[&format!("params_grad_norm_{name}")].powi(2);
        }
    }
    near("clipped norm", squares.sqrt(), grad_norm.min(1.0));
}

fn check_all(device: &Device) {
    check_details(device, top_k(device));
    let points = noise(11 * WIDTH, 1);
    let jump = RaJumpSae::builder(WIDTH, 20, &points).bandwidth(0.1).thresholds(Thresholds::Direct);
    check_details(device, jump.build(device).unwrap().into_inner());
}

#[test]
fn details_on_the_cpu() {
    check_all(&Device::cpu());
}

#[test]
fn details_on_the_gpu() {
    if let Some(device) = common::gpu("details_on_the_gpu", None) {
        check_all(&device);
    }
}

#[test]
fn epochs_tell_the_references_figures() {
    let x = noise(ROWS * WIDTH, 2);
    let settings = TrainSettings { dead_window: 2 * ROWS as u32, ..TrainSettings::default() };
    let mut trainer = trainer(top_k(&Device::cpu()), settings);
    let count = x.len() as f64;
    let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
    let variance = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
    for epoch in 0..3 {
        block_on(trainer.step(&x)).unwrap();
        let events = trainer.take_events();
        let figures = events.iter().find_map(|event| match *event {
            Event::Epoch { loss, r2_scalar_mean, dead_share, dead_in_window, .. } => {
                Some((loss, r2_scalar_mean, dead_share, dead_in_window))
            }
            _ => None,
        });
        let (loss, r2, dead, in_window) = figures.expect("an epoch of one step ended");
        near("r2", r2, 1.0 - loss / (variance + 1e-6));
        // After one epoch nothing has been silent for two epochs' rows.
        match epoch {
            0 => assert!(in_window == 0.0 && dead > 0.0, "{in_window} {dead}"),
            _ => assert!(in_window <= dead, "{in_window} {dead}"),
        }
    }
}

#[test]
fn without_details_there_are_none() {
    let x = noise(ROWS * WIDTH, 2);
    let mut trainer = trainer(top_k(&Device::cpu()), TrainSettings::default());
    block_on(trainer.step(&x)).unwrap();
    assert!(step(trainer.take_events()).0.is_empty());
}

#[test]
fn the_log_has_the_references_names() {
    let x = noise(ROWS * WIDTH, 2);
    let loss = "mse,l1=0.01".parse().unwrap();
    let settings = TrainSettings { loss, monitoring: 2, ..TrainSettings::default() };
    let mut trainer = trainer(top_k(&Device::cpu()), settings);
    block_on(trainer.step(&x)).unwrap();
    let lines: Vec<_> =
        trainer.take_events().iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    let of = |name: &str| lines.iter().find(|line| line["event"] == name).unwrap();
    for name in ["lr", "step_loss", "z_l2", "dictionary_sparsity", "params_norm_dictionary.W"] {
        assert!(of("step")[name].is_f64(), "{name} in {}", of("step"));
    }
    assert!(of("step")["terms"]["l1"].is_f64());
    for name in ["avg_loss", "r2", "time_epoch", "z_sparsity", "dead_features"] {
        assert!(of("epoch")[name].is_f64(), "{name} in {}", of("epoch"));
    }
}
