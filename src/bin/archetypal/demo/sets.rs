//! The two sets, and how the demo trains on them.

use crate::failure::Outcome;
use archetypal::{
    data::{DataSet, Examples, Grid, Source},
    sae::ModelSettings,
    train::{Schedule, TrainSettings},
};
use std::{path::Path, sync::Arc};

/// A set that ships with the program.
pub struct DemoSet {
    pub title: &'static str,
    pub data: &'static str,
    pub examples: &'static str,
    /// What a row is, in the plural.
    pub rows_are: &'static str,
    pub concepts: usize,
    pub points: usize,
    pub top_k: usize,
    pub epochs: u64,
}

/// EfficientNet on drawings: a row is a cell of a picture.
pub const PICTURES: DemoSet = DemoSet {
    title: "Pictures: what a vision network sees in 128 drawings",
    data: "clipart-efflite0.safetensors",
    examples: "clipart.jsonl",
    rows_are: "cells",
    concepts: 512,
    points: 512,
    top_k: 16,
    epochs: 30,
};

/// MiniLM on words and glosses: a row is a text.
pub const TEXTS: DemoSet = DemoSet {
    title: "Texts: what a language network makes of 4 096 dictionary entries",
    data: "wordnet-minilm.safetensors",
    examples: "wordnet.jsonl",
    rows_are: "texts",
    concepts: 512,
    points: 512,
    top_k: 32,
    epochs: 40,
};

/// A set whose files are open.
pub struct Opened {
    pub data: Arc<dyn Source>,
    pub examples: Examples,
}

impl DemoSet {
    pub fn open(&self, folder: &Path) -> Outcome<Opened> {
        let data = DataSet::open(&[folder.join(self.data)], None)?;
        let grid = data.metadata("grid")?.map(str::parse::<Grid>).transpose()?;
        let examples = Examples::read(folder.join(self.examples), data.rows(), grid)?;
        Ok(Opened { data: Arc::new(data), examples })
    }

    pub fn model(&self) -> ModelSettings {
        ModelSettings {
            concepts: Some(self.concepts),
            top_k: Some(self.top_k),
            ..ModelSettings::default()
        }
    }

    pub fn training(&self, seed: u64) -> TrainSettings {
        TrainSettings {
            epochs: self.epochs,
            batch_size: 512,
            lr: 1e-3,
            schedule: Schedule::Cosine { warmup: 0, final_share: 0.1 },
            seed,
            ..TrainSettings::default()
        }
    }
}
