//! The figures that steps leave behind: read, checked, made into events, and what follows from them.

use super::Trainer;
use crate::{
    device::log,
    error::{Error, Result},
    train::{Event, Path, Progress, progress::PendingStep},
};
use web_time::Instant;

/// Steps for which jump stays dense after sparse codes turned out too full.
const DENSE_AGAIN_STEPS: u64 = 1024;

impl Trainer {
    /// Reads the figures of the steps that have none yet, and brings all rows of the parameters up to date.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub async fn collect(&mut self) -> Result<()> {
        self.settle();
        self.read_figures().await
    }

    /// Reads the figures of the steps that have none yet.
    pub(super) async fn read_figures(&mut self) -> Result<()> {
        self.check_sound()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let pending = std::mem::take(&mut self.pending);
        self.counters.log_row = 0;
        let figures = self.counters.log.read().await?;
        let width = self.sae.settings().input_shape;
        // With details there is one step at a time.
        let mut details = std::mem::take(&mut self.details);
        let mut silent = None;
        for (step, figures) in pending.into_iter().zip(figures.chunks_exact(log::WIDTH)) {
            let loss = self.criterion.loss(figures, step.rows, width);
            let grad_norm = figures[log::GRAD_NORM];
            // Thresholds that are clipped apart have a norm of their own.
            let threshold_norm = figures[log::THRESHOLD_NORM];
            if !(loss.is_finite() && grad_norm.is_finite() && threshold_norm.is_finite()) {
                self.failed = Some((step, loss, grad_norm + threshold_norm));
                return self.check_sound();
            }
            if figures[log::ACTIVE] == 0.0 {
                silent = silent.or(Some((step, grad_norm)));
            }
            self.progress.sums.add(&step, loss, figures);
            self.progress.window.add(&step, loss, figures);
            let rows = step.rows as f64;
            self.events.push(Event::Step {
                step: step.step,
                epoch: step.epoch,
                rows: step.rows,
                loss,
                r2: 1.0 - f64::from(figures[log::SSE]) / (rows * self.data.row_variance),
                l0: f64::from(figures[log::ACTIVE]) / rows,
                grad_norm,
                lr: step.lr,
                terms: self.criterion.term_values(figures).collect(),
                details: std::mem::take(&mut details),
            });
        }
        match silent {
            Some((step, grad_norm)) if !self.selects_with_numbers().await? => {
                self.failed = Some((step, f32::NAN, grad_norm));
                self.check_sound()
            }
            _ => Ok(()),
        }
    }

    /// Refuses to go on once a step was not finite: the same error each time.
    pub(in crate::train) fn check_sound(&self) -> Result<()> {
        match &self.failed {
            Some((step, loss, grad_norm)) => Err(diverged(step, *loss, *grad_norm)),
            None => Ok(()),
        }
    }

    /// Pre-codes or thresholds that are NaN select nothing, so that the loss of a ruined model looks like that of an
    /// idle one.
    async fn selects_with_numbers(&self) -> Result<bool> {
        for parameter in self.sae.encoder.parameters().into_iter().chain(&self.sae.thresholds) {
            if !parameter.value.read().await?.iter().all(|value| value.is_finite()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks at how full the codes were and, for jump, changes the path if that pays.
    pub(super) fn choose_path(&mut self) -> Result<()> {
        let window = std::mem::take(&mut self.progress.window);
        let now = self.progress.path;
        if self.path_is_fixed
            || (now == Path::Dense && self.progress.step < self.progress.dense_until)
        {
            return Ok(());
        }
        let batch = self.settings.largest_batch(self.data.rows);
        // Sparse codes list what is near its threshold too; how much that is shows only once they are there.
        let codes_per_row = if now == Path::Dense { window.l0() } else { window.most };
        let sparse = self.sparse_serves();
        let path = now.after(self.sae.settings(), batch, codes_per_row, sparse);
        if path == now {
            return Ok(());
        }
        if path == Path::Dense {
            self.progress.dense_until = self.progress.step + DENSE_AGAIN_STEPS;
        }
        match self.reroute(path) {
            Ok(()) => Ok(()),
            // What the path needs does not fit the device: the one at hand works, if more slowly.
            Err(Error::TooLarge { what, .. }) => {
                self.progress.dense_until = u64::MAX;
                let message = format!(
                    "sparse codes would pay, but {what} does not fit the device; training goes on densely. \
                     A smaller --batch-size would fit."
                );
                self.events.push(Event::Warning { message });
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    pub(super) async fn close_epoch(&mut self) -> Result<()> {
        let fired = self.counters.fired.read().await?;
        let idle = self.counters.idle.read().await?;
        let window = self.settings.dead_window;
        let share = |dead: usize| dead as f64 / fired.len() as f64;
        let dead = share(fired.iter().filter(|&&rows| rows == 0).count());
        let in_window = share(idle.iter().filter(|&&rows| rows >= window).count());
        self.counters.start_epoch();
        let sums = std::mem::take(&mut self.progress.sums);
        self.events.push(sums.epoch_event(
            self.progress.epoch,
            self.data.row_variance,
            [dead, in_window],
            self.epoch_started.elapsed().as_secs_f64(),
            self.epoch_rows,
        ));
        let target = self.criterion.target_l0();
        let Progress { step, stall, .. } = &mut self.progress;
        let stalled = stall.look(self.sae.settings(), target, sums.l0(), *step);
        self.events.extend(stalled.map(|message| Event::Warning { message }));
        self.progress.epoch += 1;
        self.progress.batch = 0;
        self.epoch_started = Instant::now();
        self.epoch_rows = 0;
        Ok(())
    }
}

fn diverged(step: &PendingStep, loss: f32, grad_norm: f32) -> Error {
    Error::Diverged {
        step: step.step,
        epoch: step.epoch,
        loss,
        grad_norm,
        hint: "Lower --lr, lower --clip-grad, or standardise the data; what was saved before is untouched."
            .into(),
    }
}
