//! The two sets, and how the demo trains on them.

use crate::failure::Outcome;
use archetypal::{
    data::{DataSet, Examples, Grid, Source},
    recipe::{Given, Preset, Recipe},
    sae::ModelSettings,
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

    /// The recommended settings, at the sizes of this set.
    pub fn recipe(&self, data: &dyn Source, seed: u64) -> Outcome<Recipe> {
        let model = ModelSettings {
            concepts: Some(self.concepts),
            top_k: Some(self.top_k),
            ..ModelSettings::default()
        };
        let given: Given = [
            ("epochs".to_owned(), self.epochs.into()),
            ("batch_size".to_owned(), 512.into()),
            ("seed".to_owned(), seed.into()),
        ]
        .into_iter()
        .collect();
        let (points, rows, width) = (Some(self.points), data.rows(), data.width());
        Ok(Recipe::new(Preset::Recommended, &model, &given, points, rows, width)?)
    }
}
