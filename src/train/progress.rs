//! Where a run stands: what a checkpoint has to hold besides tensors so that training goes on to the same bits.

use super::{Event, Path, Stall, TrainSettings, counters::LOG_ROWS};
use crate::{device::log, sae::SaeSettings};
use serde::{Deserialize, Serialize};

/// Where a run stands. Sums are over the steps whose figures have been read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Steps done since the start of the run.
    pub step: u64,
    /// The epoch of the next step.
    pub epoch: u64,
    /// Steps done in that epoch.
    pub batch: u64,
    /// How the next step computes.
    pub path: Path,
    /// The step before which jump stays dense: it was sparse, and that did not pay or did not fit.
    #[serde(default)]
    pub dense_until: u64,
    /// Sums of the epoch so far.
    pub sums: Sums,
    /// Sums since the path was last looked at.
    pub window: Sums,
    /// How long L0 has stood still.
    #[serde(default)]
    pub stall: Stall,
}

/// Sums over some steps.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// Steps.
    pub steps: u64,
    /// Rows.
    pub rows: u64,
    /// Losses.
    pub loss: f64,
    /// Σ (x − x̂)².
    pub sse: f64,
    /// Active codes.
    pub active: f64,
    /// Active codes a row, summed over the steps.
    #[serde(default)]
    pub l0: f64,
    /// R² about one mean over all elements, summed over the steps.
    #[serde(default)]
    pub r2_scalar_mean: f64,
    /// The most entries that a row of the codes held.
    pub most: f64,
}

/// A step whose figures are still on the device.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PendingStep {
    pub step: u64,
    pub epoch: u64,
    pub rows: usize,
    pub lr: f64,
    /// Σ(x − one mean over all elements)² of its batch, as the reference has it: 1e-6 an element is added.
    pub spread: f64,
}

impl Progress {
    pub(crate) fn new(path: Path) -> Self {
        Self {
            step: 0,
            epoch: 0,
            batch: 0,
            path,
            dense_until: 0,
            sums: Sums::default(),
            window: Sums::default(),
            stall: Stall::default(),
        }
    }

    /// Whether a run of these settings over `rows` rows passes through here.
    pub(crate) fn is_within(
        &self,
        settings: &TrainSettings,
        rows: usize,
        model: &SaeSettings,
        sparse: bool,
    ) -> bool {
        let per_epoch = settings.steps_per_epoch(rows);
        let steps = self.epoch.checked_mul(per_epoch).and_then(|s| s.checked_add(self.batch));
        self.batch < per_epoch
            && self.epoch <= settings.epochs
            && steps == Some(self.step)
            && self.path.suits(model, sparse)
    }

    /// Whether the path is to be looked at after the steps done: a matter of the step count alone, so that it does not
    /// depend on when figures were read or checkpoints written.
    pub(crate) fn at_window_end(&self) -> bool {
        self.step.is_multiple_of(LOG_ROWS as u64)
    }
}

impl Sums {
    pub(crate) fn add(&mut self, step: &PendingStep, loss: f32, figures: &[f32]) {
        let (rows, sse) = (step.rows, f64::from(figures[log::SSE]));
        self.steps += 1;
        self.rows += rows as u64;
        self.loss += f64::from(loss);
        self.sse += sse;
        self.active += f64::from(figures[log::ACTIVE]);
        self.l0 += f64::from(figures[log::ACTIVE]) / rows as f64;
        self.r2_scalar_mean += 1.0 - sse / step.spread;
        self.most = self.most.max(f64::from(figures[log::MOST]));
    }

    /// Active codes a row.
    pub(crate) fn l0(&self) -> f64 {
        self.active / (self.rows as f64).max(1.0)
    }

    /// The epoch's event, given its number, Σ variance of a row, the shares of dead concepts in the epoch and in the
    /// window, its duration and the rows that were timed.
    pub(crate) fn epoch_event(
        &self,
        epoch: u64,
        row_variance: f64,
        [dead_share, dead_in_window]: [f64; 2],
        seconds: f64,
        rows_timed: u64,
    ) -> Event {
        let steps = (self.steps as f64).max(1.0);
        Event::Epoch {
            epoch,
            loss: self.loss / steps,
            r2: 1.0 - self.sse / (self.rows as f64 * row_variance),
            r2_scalar_mean: self.r2_scalar_mean / steps,
            l0: self.l0 / steps,
            dead_share,
            dead_in_window,
            seconds,
            rows_per_second: rows_timed as f64 / seconds.max(1e-9),
        }
    }
}
