//! Models and data to look at.

use crate::common;
use archetypal::{
    Device,
    data::{InMemory, Loader, Normalizer, Shuffle},
    sae::{
        DictionaryKind, Kernel, Normalization, Sae, SaeSettings, Selection, StateDict, Thresholds,
    },
};
use std::sync::Arc;

/// What a model is made of.
#[derive(Clone)]
pub struct Parts {
    pub settings: SaeSettings,
    pub state: StateDict,
}

impl Parts {
    /// In eval mode; on the simplex and in the ball already, up to rounding.
    pub fn on(&self, device: &Device) -> Sae {
        let mut sae = Sae::new(device, self.settings.clone(), &self.state).unwrap();
        sae.eval().unwrap();
        sae
    }

    /// K and d.
    pub fn sizes(&self) -> (usize, usize) {
        (self.settings.nb_concepts, self.settings.input_shape)
    }

    /// The values of a tensor.
    pub fn values(&self, name: &str) -> &[f32] {
        &self.state.get(name).unwrap().values
    }

    /// N and δ of an archetypal dictionary.
    pub fn archetypal(&self) -> Option<(usize, f32)> {
        match self.settings.dictionary {
            DictionaryKind::Archetypal { nb_points, delta } => Some((nb_points, delta)),
            DictionaryKind::Free { .. } => None,
        }
    }
}

pub fn settings(k: usize, d: usize, n: usize, selection: Selection) -> SaeSettings {
    let dictionary = DictionaryKind::Archetypal { nb_points: n, delta: 0.75 };
    SaeSettings { dictionary, ..common::archetypal(k, d, n, selection) }
}

/// Random tensors: weights that are mostly zero, a relaxation inside its ball, a multiplier.
pub fn random(settings: SaeSettings, seed: u64) -> Parts {
    let (k, d) = (settings.nb_concepts, settings.input_shape);
    let noise = |len, which| common::noise(len, seed * 16 + which);
    let mut state = StateDict::default();
    match settings.dictionary {
        DictionaryKind::Archetypal { nb_points: n, delta } => {
            let mut mixing: Vec<f32> = noise(k * n, 0).iter().map(|w| (w - 0.4).max(0.0)).collect();
            for row in mixing.chunks_mut(n) {
                let sum: f32 = row.iter().sum();
                row.iter_mut().filter(|_| sum > 0.0).for_each(|w| *w /= sum);
            }
            let mut relax = noise(k * d, 1);
            for row in relax.chunks_mut(d) {
                let norm = row.iter().map(|r| r * r).sum::<f32>().sqrt();
                row.iter_mut().for_each(|r| *r *= 0.5 * delta / norm.max(1.0));
            }
            state.insert("dictionary.W", &[k, n], mixing);
            state.insert("dictionary.Relax", &[k, d], relax);
            state.insert("dictionary.C", &[n, d], noise(n * d, 5));
        }
        DictionaryKind::Free { .. } => {
            state.insert("dictionary._weights", &[k, d], noise(k * d, 0))
        }
    }
    state.insert("dictionary.multiplier", &[], vec![0.25]);
    state.insert("encoder.final_block.0.weight", &[k, d], noise(k * d, 3));
    let bias = noise(k, 4).iter().map(|b| 0.5 * b - 0.2).collect();
    state.insert("encoder.final_block.0.bias", &[k], bias);
    match settings.selection {
        Selection::TopK { .. } => {}
        Selection::BatchTopK { .. } => state.insert("running_threshold", &[], vec![1.25]),
        Selection::Jump { thresholds: Thresholds::Direct, .. } => {
            let thresholds = noise(k, 2).iter().map(|t| (t - 1.0).exp()).collect();
            state.insert("direct_thresholds", &[k], thresholds);
        }
        Selection::Jump { .. } => {
            state.insert("thresholds", &[k], noise(k, 2).iter().map(|t| t - 1.0).collect());
        }
    }
    Parts { settings, state }
}

/// A model of each selection, and both dictionaries.
pub fn several(k: usize, d: usize, n: usize, top_k: usize) -> [Parts; 4] {
    let jump = |thresholds| {
        let selection = Selection::Jump { kernel: Kernel::default(), bandwidth: 1e-3, thresholds };
        settings(k, d, n, selection)
    };
    let batch = Selection::BatchTopK { k: top_k, momentum: 0.9 };
    let free = DictionaryKind::Free { normalization: Normalization::Identity };
    [
        random(settings(k, d, n, Selection::TopK { k: top_k }), 1),
        random(jump(Thresholds::Reference), 2),
        random(SaeSettings { dictionary: free, ..jump(Thresholds::Direct) }, 3),
        random(SaeSettings { dictionary: free, ..settings(k, d, n, batch) }, 4),
    ]
}

/// Two dimensions, two points and three concepts, the third of which never fires: figures by hand.
pub fn by_hand() -> Parts {
    let mut settings = settings(3, 2, 2, Selection::TopK { k: 1 });
    settings.dictionary = DictionaryKind::Archetypal { nb_points: 2, delta: 0.0 };
    let mut state = StateDict::default();
    state.insert("encoder.final_block.0.weight", &[3, 2], vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    state.insert("encoder.final_block.0.bias", &[3], vec![0.0, 0.0, -1.0]);
    state.insert("dictionary.W", &[3, 2], vec![1.0, 0.0, 0.0, 1.0, 0.5, 0.5]);
    state.insert("dictionary.Relax", &[3, 2], vec![0.0; 6]);
    state.insert("dictionary.C", &[2, 2], vec![1.0, 0.0, 0.0, 1.0]);
    state.insert("dictionary.multiplier", &[], vec![0.0]);
    Parts { settings, state }
}

/// Rows as they are, shuffled in training and in order elsewhere.
pub fn loader(values: Vec<f32>, width: usize, batch: usize) -> Loader {
    let source = InMemory::new("the test's data", width, values).unwrap();
    let normalizer = Normalizer::identity(width);
    Loader::new(Arc::new(source), Arc::new(normalizer), Shuffle::seeded(3), batch).unwrap()
}
