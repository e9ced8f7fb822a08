//! The grid of a sweep.

use archetypal::{
    Error, Result,
    recipe::{Given, Preset, Recipe},
    sae::{ModelKind, ModelSettings},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What varies. Without a value the default of the preset is taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    pub concepts: Option<usize>,
    pub points: Option<usize>,
    pub top_k: Option<usize>,
    pub delta: Option<f32>,
    pub delta_relative: Option<f32>,
    pub seed: u64,
}

/// Values to try, each list empty for the default.
#[derive(clap::Args)]
pub struct Grid {
    /// Concepts, K [default: as `archetypal train`]
    #[arg(long, value_name = "K,…", value_delimiter = ',')]
    concepts: Vec<usize>,
    /// Points, N, by k-means [default: as `archetypal train`]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    points: Vec<usize>,
    /// Codes that a row keeps [default: as `archetypal train`]
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    top_k: Vec<usize>,
    /// Distance that an atom may lie outside the hull of the points, in units of the normalised data [default: by
    /// --delta-relative]
    #[arg(long, value_name = "X,…", value_delimiter = ',', conflicts_with = "delta_relative")]
    delta: Vec<f32>,
    /// The same as a share of the points' mean norm [default: as `archetypal train`]
    #[arg(long, value_name = "X,…", value_delimiter = ',')]
    delta_relative: Vec<f32>,
    /// Seeds of points and initial values; the order of the rows has --seed
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "0")]
    seeds: Vec<u64>,
}

impl Grid {
    /// Every combination, seeds last, each once.
    pub fn variants(&self) -> Vec<Variant> {
        let mut all = Vec::new();
        for concepts in choices(&self.concepts) {
            for points in choices(&self.points) {
                for top_k in choices(&self.top_k) {
                    for delta in choices(&self.delta) {
                        for delta_relative in choices(&self.delta_relative) {
                            for &seed in &self.seeds {
                                let variant = Variant {
                                    concepts,
                                    points,
                                    top_k,
                                    delta,
                                    delta_relative,
                                    seed,
                                };
                                if !all.contains(&variant) {
                                    all.push(variant);
                                }
                            }
                        }
                    }
                }
            }
        }
        all
    }
}

/// The values, or one that is not given.
fn choices<T: Copy>(values: &[T]) -> Vec<Option<T>> {
    if values.is_empty() { vec![None] } else { values.iter().copied().map(Some).collect() }
}

impl Variant {
    /// Its recipe for data of this size.
    pub fn recipe(
        &self,
        preset: Preset,
        kind: ModelKind,
        given: &Given,
        rows: usize,
        width: usize,
    ) -> Result<Recipe> {
        if self.points.is_some() && !kind.is_archetypal() {
            let allowed = "left out, for a free dictionary is not made of points";
            let hint = "Choose --model ra-topk, ra-jump or ra-batch-topk, or drop it.";
            return Err(Error::setting("points", "given", allowed, hint));
        }
        let model = ModelSettings {
            model: Some(kind),
            concepts: self.concepts,
            top_k: self.top_k,
            delta: self.delta,
            delta_relative: self.delta_relative,
            ..ModelSettings::default()
        };
        Recipe::new(preset, &model, given, self.points, rows, width)
    }

    /// Where a model is saved.
    pub fn path(&self, folder: &Path) -> PathBuf {
        folder.join(self.name() + ".safetensors")
    }

    /// What it is called in tables and file names.
    pub fn name(&self) -> String {
        let parts = [
            self.concepts.map(|v| format!("K{v}")),
            self.points.map(|v| format!("N{v}")),
            self.top_k.map(|v| format!("k{v}")),
            self.delta.map(|v| format!("delta{v}")),
            self.delta_relative.map(|v| format!("rel{v}")),
            Some(format!("seed{}", self.seed)),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("-")
    }
}
