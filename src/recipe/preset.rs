//! Which settings are taken where none are given.

use crate::{
    error::{Error, Result},
    sae::{Group, ModelKind, ModelSettings, Selection, Start, Thresholds},
    train::{Push, RateFactors, Revive, Schedule, TrainSettings},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Settings of a training run that are given, by the names of [`TrainSettings`]' fields.
pub type Given = Map<String, Value>;

/// A set of defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// What gave good and stable dictionaries on every set tried (docs/dictionaries.md): a point for each concept, an
    /// encoder that starts as matched filters, mixing weights that learn slowly and a relaxation that learns fast
    /// within a radius relative to the points, a learning rate that warms up and falls; for jump thresholds that are
    /// trained directly, for a target.
    #[default]
    Recommended,
    /// The reference's.
    Reference,
}

/// δ as a share of the points' mean norm.
const DELTA: f32 = 0.27;
/// Codes a row, at most …
const MOST_CODES: usize = 32;
/// Points, at most: W and its moments are K × N.
const MOST_POINTS: usize = 4096;
const LEARNING_RATE: f64 = 1e-3;
/// Steps of warm-up, at most, and as a share of the run.
const WARMUP: u64 = 50;
const WARMUP_DIVISOR: u64 = 10;
/// Learning rates of the encoder, W and R as shares of that of the rest. A dictionary that follows the data faster than
/// its encoder generalises better, and a slightly slower encoder leaves fewer concepts dead.
const ENCODER_RATE: f64 = 0.9;
const MIXING_RATE: f64 = 0.01;
/// With fewer points than concepts, atoms start as blends that have yet to find their points.
const BLEND_RATE: f64 = 0.04;
const RELAXATION_RATE: f64 = 10.0;
/// … of the multiplier, which takes up most of the excess that a matched start has, …
const MULTIPLIER_RATE: f64 = 20.0;
/// … and how fast Adam forgets the large gradients of that excess.
const BETA2: f64 = 0.99;
/// The bias of a concept that has not fired in this many times the rows in which one does on average …
const REVIVE_AFTER: usize = 50;
/// … rises by this share of the encoder's learning rate.
const REVIVE_RATE: f64 = 1.0;

impl Preset {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recommended => "recommended",
            Self::Reference => "reference",
        }
    }

    /// `model`, with what it leaves open filled in, for data of this width.
    pub fn model(self, model: &ModelSettings, width: usize) -> ModelSettings {
        let mut model = model.clone();
        if self == Self::Reference {
            return model;
        }
        let kind = model.model.unwrap_or_default();
        if kind.is_archetypal() && model.delta.is_none() {
            model.delta_relative.get_or_insert(DELTA);
        }
        match kind {
            ModelKind::RaJump | ModelKind::Jump => {
                model.thresholds.get_or_insert(Thresholds::Direct);
            }
            _ => {
                model.top_k.get_or_insert(codes(model.nb_concepts(width)));
            }
        }
        model
    }

    /// Points for a set of `rows` rows, unless their number is given: one for each concept, at most 4 096; with the
    /// reference's defaults one for two concepts. Never more than there are rows.
    pub fn nb_points(self, model: &ModelSettings, width: usize, rows: usize) -> usize {
        match self {
            Self::Recommended => model.nb_concepts(width).min(MOST_POINTS).min(rows).max(1),
            Self::Reference => model.nb_points(width, rows),
        }
    }

    /// The settings of a run of this model, over `nb_points` points and on `rows` rows of this width, with `given` in
    /// place of the defaults.
    ///
    /// # Errors
    /// [`Error::Setting`] for a name or a value in `given` that does not exist, and as [`TrainSettings::validate`].
    pub fn training(
        self,
        model: &ModelSettings,
        nb_points: usize,
        width: usize,
        rows: usize,
        given: &Given,
    ) -> Result<TrainSettings> {
        let plain = overlay(&TrainSettings::default(), given)?;
        plain.validate()?;
        if self == Self::Reference {
            return Ok(plain);
        }
        let kind = model.model.unwrap_or_default();
        let steps = plain.total_steps(rows);
        let mut training = TrainSettings {
            lr: LEARNING_RATE,
            schedule: Schedule::Cosine {
                warmup: WARMUP.min(steps / WARMUP_DIVISOR),
                final_share: 0.1,
            },
            ..TrainSettings::default()
        };
        if kind.is_archetypal() {
            let fewer = nb_points < model.nb_concepts(width);
            training.start = Start::Matched;
            training.beta2 = BETA2;
            training.lr_factors = RateFactors::default()
                .with(Group::Encoder, ENCODER_RATE)
                .with(Group::Mixing, if fewer { BLEND_RATE } else { MIXING_RATE })
                .with(Group::Relaxation, RELAXATION_RATE)
                .with(Group::Multiplier, MULTIPLIER_RATE);
        }
        training.revive = revive(model, width);
        let directly = model.thresholds == Some(Thresholds::Direct);
        if directly && !given.contains_key("loss") {
            training.target_l0 = Some(codes(model.nb_concepts(width)) as f32);
        }
        let training = overlay(&training, given)?;
        training.validate()?;
        Ok(training)
    }
}

/// Codes a row unless their number is given.
fn codes(nb_concepts: usize) -> usize {
    Selection::default_top_k(nb_concepts).min(MOST_CODES)
}

/// For concepts that no longer fire, where a row has k codes and the encoder a bias.
fn revive(model: &ModelSettings, width: usize) -> Revive {
    let k = match model.model.unwrap_or_default() {
        ModelKind::RaTopK | ModelKind::RaBatchTopK => model.top_k.unwrap_or(1).max(1),
        _ => return Revive(None),
    };
    if !Revive::suits(model.encoder.unwrap_or_default(), model.encoder_bias) {
        return Revive(None);
    }
    // A model without concepts is refused later, by its own name.
    let after = (REVIVE_AFTER * model.nb_concepts(width)).div_ceil(k).max(1);
    Revive(Some(Push { rate: REVIVE_RATE, after: u32::try_from(after).unwrap_or(u32::MAX) }))
}

/// `base` with the fields in `given` in their place.
fn overlay(base: &TrainSettings, given: &Given) -> Result<TrainSettings> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(base) else {
        unreachable!("settings are a struct of plain data")
    };
    for (name, value) in given {
        match fields.get_mut(name) {
            Some(field) => *field = value.clone(),
            None => {
                let names: Vec<_> = fields.keys().map(String::as_str).collect();
                let allowed = format!("one of {}", names.join(", "));
                return Err(Error::setting("a training setting", name, allowed, ""));
            }
        }
    }
    serde_json::from_value(Value::Object(fields)).map_err(|error| {
        let hint = "The names and values are those of the training settings in a checkpoint.";
        Error::setting("a training setting", error, "a value of its type", hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::EncoderKind;

    fn given(text: &str) -> Given {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn what_is_given_comes_before_the_preset_and_the_preset_before_the_reference() {
        let model = Preset::Recommended.model(&ModelSettings::default(), 8);
        assert_eq!((model.top_k, model.delta_relative), (Some(3), Some(DELTA)));
        let training =
            |preset: Preset, text| preset.training(&model, 8, 8, 10_240, &given(text)).unwrap();
        let recommended = training(Preset::Recommended, r#"{"epochs": 10, "lr": 0.002}"#);
        assert_eq!((recommended.epochs, recommended.lr), (10, 0.002));
        assert_eq!(recommended.start, Start::Matched);
        assert_eq!(recommended.schedule, Schedule::Cosine { warmup: 10, final_share: 0.1 });
        let reference = training(Preset::Reference, r#"{"epochs": 10}"#);
        assert_eq!(reference, TrainSettings { epochs: 10, ..TrainSettings::default() });
        assert_eq!(Preset::Reference.model(&ModelSettings::default(), 8), ModelSettings::default());
    }

    #[test]
    fn jump_is_trained_for_a_target_unless_another_loss_is_asked_for() {
        let jump = ModelSettings { model: Some(ModelKind::RaJump), ..ModelSettings::default() };
        let model = Preset::Recommended.model(&jump, 320);
        assert_eq!(model.thresholds, Some(Thresholds::Direct));
        let training =
            |text| Preset::Recommended.training(&model, 640, 320, 4096, &given(text)).unwrap();
        assert_eq!(training("{}").target_l0, Some(32.0));
        assert_eq!(training(r#"{"target_l0": 8.0}"#).target_l0, Some(8.0));
        assert_eq!(training(r#"{"loss": "mse,l1=0.1"}"#).target_l0, None);
    }

    #[test]
    fn idle_concepts_are_brought_back_where_rows_have_k_codes_and_the_encoder_a_bias() {
        let revive = |model: ModelSettings| {
            let model = Preset::Recommended.model(&model, 320);
            let training = Preset::Recommended.training(&model, 640, 320, 4096, &given("{}"));
            training.unwrap().revive.to_string()
        };
        let base = ModelSettings { concepts: Some(1024), top_k: Some(16), ..Default::default() };
        let of = |kind| ModelSettings { model: Some(kind), ..base.clone() };
        assert_eq!(revive(base.clone()), "1:3200");
        assert_eq!(revive(of(ModelKind::RaBatchTopK)), "1:3200");
        assert_eq!(revive(of(ModelKind::TopK)), "none");
        let tied = ModelSettings { encoder: Some(EncoderKind::Tied), ..base.clone() };
        assert_eq!(revive(tied.clone()), "none");
        assert_eq!(revive(ModelSettings { encoder_bias: true, ..tied }), "1:3200");
        let jump = ModelSettings { top_k: None, ..of(ModelKind::RaJump) };
        assert_eq!(revive(jump), "none");
    }

    #[test]
    fn nonsense_is_refused_with_the_names_that_exist() {
        for text in [r#"{"epoch": 1}"#, r#"{"epochs": "many"}"#, r#"{"epochs": 0}"#] {
            let model = ModelSettings::default();
            let refused = Preset::Recommended.training(&model, 8, 8, 100, &given(text));
            assert!(matches!(refused, Err(Error::Setting { .. })), "{text}");
        }
    }
}
