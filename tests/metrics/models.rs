//! Models and data to look at.

use crate::common;
use archetypal::{
    Device,
    data::{InMemory, Loader, Normalizer, Shuffle},
    sae::{EncoderKind, Kernel, Sae, SaeSettings, Selection, Tensors},
};
use std::sync::Arc;

/// The CPU, and a GPU where there is one.
pub fn devices(test: &str) -> Vec<Device> {
    std::iter::once(Device::cpu()).chain(common::gpu(test, None)).collect()
}

/// What a model is made of.
#[derive(Clone)]
pub struct Parts {
    pub settings: SaeSettings,
    pub tensors: Tensors,
}

impl Parts {
    /// On the simplex and in the ball already, up to rounding.
    pub fn on(&self, device: &Device) -> Sae {
        Sae::new(device, self.settings.clone(), self.tensors.clone()).unwrap()
    }

    pub fn sizes(&self) -> (usize, usize, usize) {
        let SaeSettings { nb_concepts, input_shape, nb_points, .. } = self.settings;
        (nb_concepts, input_shape, nb_points)
    }
}

pub fn settings(k: usize, d: usize, n: usize, selection: Selection) -> SaeSettings {
    SaeSettings {
        input_shape: d,
        nb_concepts: k,
        nb_points: n,
        selection,
        delta: 0.75,
        use_multiplier: true,
        encoder: EncoderKind::Linear,
    }
}

/// Random tensors: weights that are mostly zero, a relaxation inside its ball, a multiplier.
pub fn random(settings: SaeSettings, seed: u64) -> Parts {
    let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
    let noise = |len, which| common::noise(len, seed * 16 + which);
    let mut mixing: Vec<f32> = noise(k * n, 0).iter().map(|w| (w - 0.4).max(0.0)).collect();
    for row in mixing.chunks_mut(n) {
        let sum: f32 = row.iter().sum();
        row.iter_mut().filter(|_| sum > 0.0).for_each(|w| *w /= sum);
    }
    let mut relax = noise(k * d, 1);
    for row in relax.chunks_mut(d) {
        let norm = row.iter().map(|r| r * r).sum::<f32>().sqrt();
        row.iter_mut().for_each(|r| *r *= 0.5 * settings.delta / norm.max(1.0));
    }
    let thresholds = match settings.selection {
        Selection::TopK { .. } => Vec::new(),
        Selection::Jump { .. } => noise(k, 2).iter().map(|t| t - 1.0).collect(),
    };
    let tensors = Tensors {
        encoder_weight: noise(k * d, 3),
        encoder_bias: noise(k, 4).iter().map(|b| 0.5 * b - 0.2).collect(),
        mixing,
        relax,
        points: noise(n * d, 5),
        multiplier: 0.25,
        thresholds,
    };
    Parts { settings, tensors }
}

/// One model of each selection.
pub fn both(k: usize, d: usize, n: usize, top_k: usize) -> [Parts; 2] {
    let jump = Selection::Jump { kernel: Kernel::default(), bandwidth: 1e-3 };
    [random(settings(k, d, n, Selection::TopK { k: top_k }), 1), random(settings(k, d, n, jump), 2)]
}

/// Two dimensions, two points and three concepts, the third of which never fires: figures by hand.
pub fn by_hand() -> Parts {
    let mut settings = settings(3, 2, 2, Selection::TopK { k: 1 });
    settings.delta = 0.0;
    let tensors = Tensors {
        encoder_weight: vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
        encoder_bias: vec![0.0, 0.0, -1.0],
        mixing: vec![1.0, 0.0, 0.0, 1.0, 0.5, 0.5],
        relax: vec![0.0; 6],
        points: vec![1.0, 0.0, 0.0, 1.0],
        multiplier: 0.0,
        thresholds: Vec::new(),
    };
    Parts { settings, tensors }
}

/// Rows as they are, shuffled in training and in order elsewhere.
pub fn loader(values: Vec<f32>, width: usize, batch: usize) -> Loader {
    let source = InMemory::new("the test's data", width, values).unwrap();
    let normalizer = Normalizer::identity(width);
    Loader::new(Arc::new(source), Arc::new(normalizer), Shuffle::seeded(3), batch).unwrap()
}
