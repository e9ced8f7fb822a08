//! The settings of a training run: one struct for the command line, the library and the checkpoint.

use super::{ClipGrad, Schedule};
use crate::{
    data::Normalize,
    error::{Error, Result},
};
use serde::{Deserialize, Serialize};

/// The losses that exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum Loss {
    /// Mean over every element of (x − x̂)².
    #[default]
    Mse,
}

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct TrainSettings {
    /// Passes over the data
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 20, value_name = "N"))]
    pub epochs: u64,
    /// Rows in a step
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1024, value_name = "N"))]
    pub batch_size: usize,
    /// Learning rate of Adam
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t = 5e-4, value_name = "X", allow_negative_numbers = true)
    )]
    pub lr: f64,
    /// Learning rate over the steps: constant, or `cosine[:WARMUP[:FINAL]]` with WARMUP in steps and FINAL, the last
    /// value, as a share of --lr (0.1 unless given)
    #[cfg_attr(feature = "cli", arg(long, default_value_t, value_name = "NAME"))]
    pub schedule: Schedule,
    /// Largest norm of all gradients together; larger ones are scaled down. A number > 0, or none
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, value_name = "X", allow_negative_numbers = true)
    )]
    pub clip_grad: ClipGrad,
    /// Seed of everything that is random: initial encoder, points, order of the rows
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0, value_name = "N"))]
    pub seed: u64,
    /// What is done to each dimension of the data; its statistics are kept with the model
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t, value_name = "HOW"))]
    pub normalize: Normalize,
    /// What is minimised
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t, value_name = "NAME"))]
    pub loss: Loss,
    /// Take the rows in the order of the files [default: a new order in every epoch]
    #[cfg_attr(feature = "cli", arg(long))]
    pub no_shuffle: bool,
    /// Data shuffled at once, in MiB of the files; larger sets are shuffled in windows of this size, so that memory
    /// stays bounded
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1024, value_name = "MIB"))]
    pub shuffle_buffer: u64,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 1024,
            lr: 5e-4,
            schedule: Schedule::default(),
            clip_grad: ClipGrad::default(),
            seed: 0,
            normalize: Normalize::default(),
            loss: Loss::default(),
            no_shuffle: false,
            shuffle_buffer: 1024,
        }
    }
}

impl TrainSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = [
            ("epochs", self.epochs),
            ("batch-size", self.batch_size as u64),
            ("shuffle-buffer", self.shuffle_buffer),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(setting, 0, "at least 1", ""));
            }
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return Err(Error::setting("lr", self.lr, "a number > 0", "0.0005 is the default."));
        }
        Ok(())
    }

    /// Steps of the whole run over `rows` rows.
    pub fn total_steps(&self, rows: usize) -> u64 {
        self.epochs.saturating_mul(self.steps_per_epoch(rows))
    }

    /// The fields in which `other` differs, by name.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |settings: &Self| match serde_json::to_value(settings) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("settings are a struct of plain data"),
        };
        let other = fields(other);
        let differs =
            fields(self).into_iter().filter(|(name, value)| other.get(name) != Some(value));
        differs.map(|(name, _)| name).collect()
    }

    /// The most rows that a step over `rows` rows of data takes.
    pub fn largest_batch(&self, rows: usize) -> usize {
        self.batch_size.min(rows)
    }

    /// Steps in one epoch over `rows` rows; the last one may be shorter.
    pub fn steps_per_epoch(&self, rows: usize) -> u64 {
        rows.div_ceil(self.batch_size) as u64
    }
}
