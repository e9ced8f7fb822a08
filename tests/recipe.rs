//! How far atoms may leave the hull of the points, told as a share of the points' mean norm.

#[path = "common/mod.rs"]
mod common;

use archetypal::{
    Device,
    checkpoint::{Checkpoint, Contents, Overrides, to_bytes},
    data::{InMemory, Source},
    device::Projection,
    recipe::{Given, Ingredients, Preset, Recipe},
    sae::{DictionaryKind, ModelKind, ModelSettings, Sae, SaeSettings},
};
use common::noise;
use pollster::block_on;
use std::sync::Arc;

const ROWS: usize = 600;
const WIDTH: usize = 8;
const CONCEPTS: usize = 32;

/// Rows far from zero, and wider in some dimensions than in others.
fn source() -> Arc<dyn Source> {
    let mut rows = noise(ROWS * WIDTH, 1);
    for (i, value) in rows.iter_mut().enumerate() {
        *value = 10.0 + (1 + i % WIDTH) as f32 * *value;
    }
    Arc::new(InMemory::new("activations", WIDTH, rows).unwrap())
}

fn model(kind: ModelKind) -> ModelSettings {
    ModelSettings { model: Some(kind), concepts: Some(CONCEPTS), ..ModelSettings::default() }
}

fn recipe(preset: Preset, model: &ModelSettings, points: usize) -> Recipe {
    Recipe::new(preset, model, &Given::new(), Some(points), ROWS, WIDTH).unwrap()
}

/// The fresh model of a recipe, and its points.
fn made(recipe: &Recipe) -> (Sae, Vec<f32>) {
    let device = Device::cpu();
    let data = Ingredients::gather(source(), recipe.training.normalize, &mut |_| {}).unwrap();
    let points = block_on(recipe.points(&device, &data, 0, &mut |_| {})).unwrap();
    let sae = block_on(recipe.sae(&device, &data, points.clone(), 0, &mut |_, _| {})).unwrap();
    (sae, points)
}

fn mean_norm(points: &[f32]) -> f64 {
    let norm = |point: &[f32]| point.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
    points.chunks(WIDTH).map(norm).sum::<f64>() / (points.len() / WIDTH) as f64
}

fn delta(settings: &SaeSettings) -> f32 {
    match settings.dictionary {
        DictionaryKind::Archetypal { delta, .. } => delta,
        DictionaryKind::Free { .. } => panic!("a free dictionary has no δ"),
    }
}

#[track_caller]
fn is_share(delta: f32, share: f64, points: &[f32]) {
    let expected = share * mean_norm(points);
    assert!((f64::from(delta) - expected).abs() < 1e-5, "δ is {delta}, not {expected}");
}

#[test]
fn a_relative_delta_is_that_share_of_the_mean_norm_of_the_normalised_points() {
    for kind in [ModelKind::RaTopK, ModelKind::RaJump, ModelKind::RaBatchTopK] {
        for points in [CONCEPTS / 2, CONCEPTS] {
            let model = ModelSettings { delta_relative: Some(0.5), ..model(kind) };
            let (sae, points) = made(&recipe(Preset::Recommended, &model, points));
            // Of raw points it would be ten times as much.
            assert!(mean_norm(&points) < 4.0, "{}", mean_norm(&points));
            is_share(delta(sae.settings()), 0.5, &points);
        }
    }
}

#[test]
fn atoms_are_held_to_it() {
    let model = ModelSettings { delta_relative: Some(0.5), ..model(ModelKind::RaTopK) };
    let (sae, _) = made(&recipe(Preset::Recommended, &model, CONCEPTS / 2));
    let relax = sae.parameters().into_iter().find(|p| p.name == "dictionary.Relax").unwrap();
    assert_eq!(relax.projection, Projection::Ball(delta(sae.settings())));
}

#[test]
fn a_checkpoint_has_it_beside_the_points() {
    let model = ModelSettings { delta_relative: Some(0.5), ..model(ModelKind::RaTopK) };
    let (sae, _) = made(&recipe(Preset::Recommended, &model, CONCEPTS));
    let bytes = block_on(to_bytes(Contents::Model(&sae, None))).unwrap();
    let file = Checkpoint::from_bytes("model", bytes).unwrap();
    let points = file.file().tensor("dictionary.C").unwrap().to_f32().unwrap();
    is_share(delta(&file.settings(&Overrides::default()).unwrap()), 0.5, &points);
}

#[test]
fn the_recommended_share_is_0_27() {
    let recipe = recipe(Preset::Recommended, &model(ModelKind::RaTopK), CONCEPTS);
    assert_eq!(recipe.delta_relative, Some(0.27));
    let (sae, points) = made(&recipe);
    is_share(delta(sae.settings()), 0.27, &points);
}

#[test]
fn a_delta_that_is_given_and_that_of_the_reference_are_no_shares() {
    let given = ModelSettings { delta: Some(2.0), ..model(ModelKind::RaTopK) };
    let reference = model(ModelKind::RaTopK);
    for (preset, model, expected) in
        [(Preset::Recommended, given, 2.0), (Preset::Reference, reference, 1.0)]
    {
        let recipe = recipe(preset, &model, CONCEPTS);
        assert_eq!(recipe.delta_relative, None);
        assert_eq!(delta(made(&recipe).0.settings()), expected);
    }
}
