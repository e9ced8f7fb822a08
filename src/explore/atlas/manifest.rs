//! The first file of an atlas.

use super::subject::Subject;
use crate::{
    data::Example,
    metrics::Evaluation,
    sae::{DictionaryKind, SaeSettings},
    train::TrainSettings,
};
use serde::{Deserialize, Serialize};

/// Version of the layout; raised when a reader of the old one could no longer read it.
pub const FORMAT: u32 = 1;

/// The name of the model's file.
pub(super) const MODEL: &str = "sae.safetensors";
/// The name of the raw data's file.
pub(super) const DATA: &str = "data.safetensors";

/// Every name that can be at the top of an atlas, those of folders among them.
pub const ENTRIES: [&str; 12] = [
    "manifest.json",
    "concepts.safetensors",
    "points.safetensors",
    "rows_xy.safetensors",
    "details",
    "codes",
    "rows",
    "atoms",
    "examples",
    "images",
    MODEL,
    DATA,
];

/// The contents of `manifest.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout, [`FORMAT`].
    pub format: u32,
    /// What the page calls it.
    pub title: String,
    /// What the examples are.
    pub kind: Kind,
    /// Rows of the data, n.
    pub rows: usize,
    /// Dimensions of a row, d.
    pub width: usize,
    /// K.
    pub concepts: usize,
    /// N; none for a free dictionary.
    pub points: Option<usize>,
    /// Height and width of a picture in cells.
    pub grid: Option<[usize; 2]>,
    /// How many examples: rows over the cells of a picture.
    pub examples: usize,
    /// The labels that there are, in the order of the alphabet.
    pub labels: Vec<String>,
    /// What the model is.
    pub model: SaeSettings,
    /// How it was trained, if that is known.
    pub training: Option<TrainSettings>,
    /// What it is worth.
    pub figures: Evaluation,
    /// Radius of the relaxation; none for a free dictionary.
    pub delta: Option<f32>,
    /// How much each numbered file holds.
    pub chunks: Chunks,
    /// The number in a heat map that stands for the concept's largest code.
    pub heat_scale: u32,
    /// What else there is.
    pub files: Files,
}

/// What examples are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pictures, some at least.
    Images,
    /// Texts, some at least.
    Texts,
    /// Neither: rows of numbers, perhaps with labels and names.
    Rows,
}

impl Kind {
    fn of(examples: &[Example]) -> Self {
        if examples.iter().any(|example| example.image.is_some()) {
            Self::Images
        } else if examples.iter().any(|example| example.text.is_some()) {
            Self::Texts
        } else {
            Self::Rows
        }
    }
}

/// How much a numbered file holds; the last one may hold less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunks {
    /// Concepts in each of `details/`.
    pub details: usize,
    /// Rows in each of `codes/`: whole examples.
    pub codes: usize,
    /// Rows in each of `rows/`: whole examples.
    pub rows: usize,
    /// Concepts in each of `atoms/`.
    pub atoms: usize,
    /// Examples in each of `examples/`.
    pub examples: usize,
}

impl Chunks {
    /// For examples of `cells` rows.
    pub(super) fn for_cells(cells: usize) -> Self {
        let whole = |rows: usize| (rows / cells).max(1) * cells;
        Self { details: 128, codes: whole(4096), rows: whole(1024), atoms: 128, examples: 4096 }
    }
}

/// What an atlas may hold or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Files {
    /// The checkpoint.
    pub model: Option<String>,
    /// The raw data.
    pub data: Option<String>,
    /// Whether there is `rows/`.
    pub rows: bool,
    /// Whether there is `examples/`.
    pub examples: bool,
}

impl Manifest {
    pub(super) fn of(subject: &Subject<'_>, figures: Evaluation) -> Self {
        let (about, model) = (subject.about, subject.sae.settings());
        let delta = match model.dictionary {
            DictionaryKind::Archetypal { delta, .. } => Some(delta),
            DictionaryKind::Free { .. } => None,
        };
        Self {
            format: FORMAT,
            title: about.title.to_owned(),
            kind: Kind::of(about.examples),
            rows: subject.rows,
            width: subject.width,
            concepts: subject.concepts,
            points: model.nb_points(),
            grid: about.grid.map(|grid| [grid.height, grid.width]),
            examples: subject.rows / subject.cells,
            labels: subject.labels.clone(),
            model: model.clone(),
            training: about.training.cloned(),
            figures,
            delta,
            chunks: subject.chunks,
            heat_scale: 255,
            files: Files {
                model: about.with_model.then(|| MODEL.to_owned()),
                data: about.with_data.then(|| DATA.to_owned()),
                rows: about.with_rows,
                examples: !about.examples.is_empty(),
            },
        }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a manifest is plain data")
    }
}
