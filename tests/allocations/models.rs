//! The models that are trained.

use crate::common::noise;
use archetypal::{
    Device,
    sae::{EncoderKind, ModelKind, ModelSettings, Sae, SaeSettings, Thresholds},
    train::{DataFacts, TrainSettings, Trainer},
};

#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub batch: usize,
    pub concepts: usize,
    pub width: usize,
    pub points: usize,
    pub top_k: usize,
}

/// A way to train.
#[derive(Clone, Debug)]
pub struct Case {
    pub model: ModelSettings,
    pub loss: &'static str,
    pub half: bool,
}

impl Case {
    pub fn new(kind: ModelKind, loss: &'static str) -> Self {
        let model = ModelSettings { model: Some(kind), ..ModelSettings::default() };
        Self { model, loss, half: false }
    }

    pub fn half(self) -> Self {
        Self { half: true, ..self }
    }

    pub fn encoder(mut self, kind: EncoderKind) -> Self {
        self.model.encoder = Some(kind);
        self
    }

    pub fn direct(mut self) -> Self {
        self.model.thresholds = Some(Thresholds::Direct);
        self
    }

    pub fn settings(&self, sizes: Sizes) -> SaeSettings {
        let Sizes { concepts, width, points, top_k, .. } = sizes;
        let jump = matches!(self.model.model, Some(ModelKind::RaJump | ModelKind::Jump));
        let concepts = Some(concepts);
        let top_k = (!jump).then_some(top_k);
        ModelSettings { concepts, top_k, ..self.model.clone() }.resolve(width, points).unwrap()
    }

    pub fn trainer(&self, sizes: Sizes) -> Trainer {
        let Sizes { batch: batch_size, width, points, .. } = sizes;
        let archetypal = self.model.is_archetypal();
        let points = if archetypal { noise(points * width, 1) } else { Vec::new() };
        let sae = Sae::initial(&Device::cpu(), self.settings(sizes), points, 3).unwrap();
        let (loss, half) = (self.loss.parse().unwrap(), self.half);
        let training = TrainSettings { batch_size, epochs: 1, loss, half, ..Default::default() };
        let facts = DataFacts { rows: 100 * batch_size, row_variance: width as f64 / 3.0 };
        Trainer::new(sae, training, facts).unwrap()
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = self.model.model.map_or("", ModelKind::name);
        let half = if self.half { ", half" } else { "" };
        write!(f, "{kind}, {}{half}", self.loss)
    }
}
