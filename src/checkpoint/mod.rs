//! Checkpoints: .safetensors under the reference's state-dict names, loadable there with
//! `load_state_dict(..., strict=False)` and from there.
//!
//! Settings stand as JSON under one metadata key, the normalisation in `normalize.shift` and `normalize.scale`, both \[d\],
//! and what an unfinished run needs to go on in tensors named `train.*`.

mod entry;
mod guess;
mod read;
mod resume;
mod write;

pub use guess::holds_model;
pub use read::{Checkpoint, Overrides};
#[cfg(not(target_arch = "wasm32"))]
pub use write::save;
pub use write::{Contents, to_bytes};

use crate::{
    sae::SaeSettings,
    train::{DataFacts, Progress, TrainSettings},
};
use serde::{Deserialize, Serialize};

/// The metadata key that the manifest stands under.
pub const METADATA_KEY: &str = "archetypal";

/// Version of the layout; raised when a reader of the old one could no longer read it.
pub const FORMAT: u32 = 2;

/// State-dict names of this crate's own tensors.
pub(crate) mod names {
    pub const SHIFT: &str = "normalize.shift";
    pub const SCALE: &str = "normalize.scale";
    pub const FIRST: &str = "train.first.";
    pub const SECOND: &str = "train.second.";
    pub const FIRED: &str = "train.fired";
    pub const IDLE: &str = "train.idle";
}

/// All of a checkpoint that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout, [`FORMAT`].
    pub format: u32,
    /// What the model is.
    pub model: SaeSettings,
    /// How it was trained, if it was trained here.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub training: Option<TrainSettings>,
    /// Where an unfinished run stands, or one whose optimiser was kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunState>,
}

/// Where a run stands, besides the tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// What is known of the data it was started on.
    pub data: DataFacts,
    /// Whether it has a loss of its author's own, which the file cannot bring along.
    #[serde(default)]
    pub custom_loss: bool,
    /// Step, epoch, batch, path and sums. Adam has taken as many steps as the run.
    pub progress: Progress,
}
