//! What happens during training, as a stream that the progress bar, the log file and a page read alike.

use super::{Path, TrainSettings};
use crate::sae::SaeSettings;
use serde::Serialize;
use std::collections::BTreeMap;

/// One event; a line of the JSONL log.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// Training starts, or goes on.
    Configuration {
        /// What is trained.
        model: SaeSettings,
        /// How.
        training: Box<TrainSettings>,
        /// On what.
        device: String,
        /// Rows in the data.
        rows: usize,
        /// Steps of the whole run.
        steps: u64,
        /// The step it starts at: above 0 if it was resumed.
        from_step: u64,
        /// How steps compute.
        path: Path,
    },
    /// A step was done.
    Step {
        /// Number, from 0.
        step: u64,
        /// Epoch, from 0.
        epoch: u64,
        /// Rows in its batch.
        rows: usize,
        /// Loss of its batch, before the update.
        #[serde(rename = "step_loss")]
        loss: f32,
        /// 1 − Σ(x − x̂)² / (rows · the data's variance), of its batch.
        r2: f64,
        /// Mean active codes (≥ 1e-6) a row.
        l0: f64,
        /// Norm of all gradients before clipping; without the thresholds where they are clipped apart.
        grad_norm: f32,
        /// Learning rate used.
        lr: f64,
        /// The values of the loss's terms beside the squared error, by name.
        #[serde(skip_serializing_if = "BTreeMap::is_empty")]
        terms: BTreeMap<String, f32>,
        /// With monitoring 2, the reference's quantities under its names: `z_l2`, `dictionary_sparsity`,
        /// `dictionary_norms`, `params_norm_…` and `params_grad_norm_…`.
        #[serde(flatten)]
        details: BTreeMap<String, f64>,
    },
    /// An epoch was done.
    Epoch {
        /// Number, from 0.
        epoch: u64,
        /// Mean loss of its steps.
        #[serde(rename = "avg_loss")]
        loss: f64,
        /// 1 − Σ(x − x̂)² / Σ(x − mean per dimension)², over the epoch, each batch before its update.
        r2: f64,
        /// The reference's `r2`: the mean over the batches of 1 − Σ(x − x̂)² / Σ(x − one mean over all elements)².
        r2_scalar_mean: f64,
        /// Mean active codes (≥ 1e-6) a row, averaged over the batches.
        #[serde(rename = "z_sparsity")]
        l0: f64,
        /// Share of concepts that never fired in it.
        #[serde(rename = "dead_features")]
        dead_share: f64,
        /// Share of concepts that have not fired in the last `dead_window` rows.
        dead_in_window: f64,
        /// How long it took, in this run of the program.
        #[serde(rename = "time_epoch")]
        seconds: f64,
        /// Rows trained on each second.
        rows_per_second: f64,
    },
    /// The state was written to a file.
    Checkpoint {
        /// Steps done.
        step: u64,
        /// Where to.
        path: String,
    },
    /// Something that the user should know.
    Warning {
        /// What it is, and what to do.
        message: String,
    },
    /// Training ended.
    Done {
        /// Steps done.
        steps: u64,
        /// How long it took, in this run of the program.
        seconds: f64,
        /// Whether it was stopped before its end.
        interrupted: bool,
    },
}
