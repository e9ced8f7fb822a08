//! Small runs of every kind of model.

use crate::common::noise;
use archetypal::{
    Device,
    sae::{EncoderKind, ModelKind, ModelSettings, Sae, Thresholds},
    train::{DataFacts, TrainSettings, Trainer},
};
use std::ops::Range;

pub const WIDTH: usize = 9;
const CONCEPTS: usize = 26;
const POINTS: usize = 7;
const BATCH: usize = 16;
/// The last batch of an epoch is a short one.
pub const ROWS: usize = 5 * BATCH + 7;
pub const EPOCHS: u64 = 3;
/// Steps of the whole run.
pub const STEPS: usize = 18;

pub const KINDS: [ModelKind; 6] = [
    ModelKind::RaTopK,
    ModelKind::RaJump,
    ModelKind::RaBatchTopK,
    ModelKind::TopK,
    ModelKind::Jump,
    ModelKind::BatchTopK,
];

/// What is trained, and how.
#[derive(Clone, Debug)]
pub struct Case {
    pub model: ModelSettings,
    pub training: TrainSettings,
}

impl Case {
    pub fn new(kind: ModelKind) -> Self {
        let is_jump = matches!(kind, ModelKind::RaJump | ModelKind::Jump);
        let model = ModelSettings {
            model: Some(kind),
            concepts: Some(CONCEPTS),
            top_k: (!is_jump).then_some(4),
            bandwidth: is_jump.then_some(0.05),
            ..ModelSettings::default()
        };
        let training = TrainSettings {
            batch_size: BATCH,
            epochs: EPOCHS,
            lr: 3e-3,
            ..TrainSettings::default()
        };
        Self { model, training }
    }

    pub fn encoder(mut self, encoder: EncoderKind, bias: bool) -> Self {
        self.model.encoder = Some(encoder);
        self.model.encoder_bias = bias;
        if encoder == EncoderKind::Identity {
            self.model.concepts = Some(WIDTH);
        }
        self
    }

    pub fn direct(mut self) -> Self {
        self.model.thresholds = Some(Thresholds::Direct);
        self
    }

    pub fn loss(mut self, loss: &str) -> Self {
        self.training.loss = loss.parse().unwrap();
        self
    }

    /// Other rates for some groups, a schedule and weight decay.
    pub fn with_rates(mut self, factors: &str) -> Self {
        self.training.lr_factors = factors.parse().unwrap();
        self.training.weight_decay = 0.05;
        self.training.schedule = "cosine:3".parse().unwrap();
        self
    }

    pub fn trainer(&self, device: &Device) -> Trainer {
        let settings = self.model.resolve(WIDTH, POINTS).unwrap();
        let points = match settings.nb_points() {
            Some(n) => noise(n * WIDTH, 1),
            None => Vec::new(),
        };
        let sae = Sae::initial(device, settings, points, 3).unwrap();
        let data = DataFacts { rows: ROWS, row_variance: 3.0 };
        Trainer::new(sae, self.training.clone(), data).unwrap()
    }
}

/// The rows of a step.
pub fn batch(step: usize) -> Vec<f32> {
    let per_epoch = ROWS.div_ceil(BATCH);
    let rows = if step % per_epoch == per_epoch - 1 { ROWS % BATCH } else { BATCH };
    noise(rows * WIDTH, 100 + step as u64)
}

/// Takes these steps of the run.
pub async fn advance(trainer: &mut Trainer, steps: Range<usize>) {
    for step in steps {
        trainer.step(&batch(step)).await.unwrap();
    }
    trainer.collect().await.unwrap();
}
