//! Training: steps, and where the run stands. What the steps leave behind is read in `figures`.

mod details;
mod figures;
mod warm_up;

use super::{
    Adam, Clip, Criterion, Event, Path, Progress, TrainSettings,
    counters::{Counters, LOG_ROWS},
    progress::PendingStep,
    rates::Rates,
    sparse_serves,
    spread::spread,
    step,
    workspace::Workspace,
};
use crate::{
    data::{Normalizer, Statistics},
    error::{Error, Result},
    parallel::*,
    sae::Sae,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use web_time::Instant;

/// What training has to know of its data beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Rows.
    pub rows: usize,
    /// Σ over the dimensions of the variance of the normalised data: what an R² of 0 leaves of each row.
    pub row_variance: f64,
}

impl DataFacts {
    /// From the statistics of the raw data and what will be done to it.
    pub fn new(statistics: &Statistics, normalizer: &Normalizer) -> Self {
        let scaled = statistics.variance.iter().zip(normalizer.scale());
        Self {
            rows: statistics.rows,
            row_variance: scaled.map(|(v, &s)| v * f64::from(s) * f64::from(s)).sum(),
        }
    }
}

/// Trains a model batch by batch. Who drives it decides where batches come from, when to write checkpoints and when
/// to stop; [`train_sae`](super::train_sae) is the plain way to drive it.
#[derive(Debug)]
pub struct Trainer {
    pub(crate) sae: Sae,
    pub(crate) settings: TrainSettings,
    pub(crate) data: DataFacts,
    pub(crate) adam: Adam,
    pub(crate) counters: Counters,
    pub(crate) progress: Progress,
    criterion: Criterion,
    workspace: Workspace,
    clip: Clip,
    pending: Vec<PendingStep>,
    /// The step that was not finite any more, its loss and the norm of its gradient.
    failed: Option<(PendingStep, f32, f32)>,
    /// What monitoring 2 found of the step that is pending.
    details: BTreeMap<String, f64>,
    events: Vec<Event>,
    path_is_fixed: bool,
    /// Whether the criterion is another one than the settings say.
    pub(crate) custom_loss: bool,
    started: Instant,
    epoch_started: Instant,
    epoch_rows: u64,
}

impl Trainer {
    /// A fresh run.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting is out of range, [`Error::Empty`] without data, [`Error::TooLarge`] if the
    /// device cannot hold what training needs.
    pub fn new(sae: Sae, settings: TrainSettings, data: DataFacts) -> Result<Self> {
        let criterion = settings.whole_loss()?.criterion();
        Self::fresh(sae, settings, data, criterion)
    }

    /// A fresh run with a loss of one's own, in place of that in the settings. Its checkpoints go on with
    /// [`Checkpoint::trainer_with`](crate::checkpoint::Checkpoint::trainer_with).
    ///
    /// # Errors
    /// As [`Trainer::new`].
    pub fn with_criterion(
        sae: Sae,
        settings: TrainSettings,
        data: DataFacts,
        criterion: Criterion,
    ) -> Result<Self> {
        let mut trainer = Self::fresh(sae, settings, data, criterion)?;
        trainer.custom_loss = true;
        Ok(trainer)
    }

    fn fresh(
        sae: Sae,
        settings: TrainSettings,
        data: DataFacts,
        criterion: Criterion,
    ) -> Result<Self> {
        let batch = settings.largest_batch(data.rows);
        let sparse = sparse_serves(&*sae.encoder, criterion.needs());
        let path = Path::at_start(sae.settings(), batch, sparse);
        let adam = Adam::new(sae.device(), &sae.parameters())?;
        let counters = Counters::new(sae.device(), sae.settings().nb_concepts)?;
        Self::continued(sae, settings, data, criterion, Progress::new(path), adam, counters)
    }

    /// A run that goes on from `progress` with these moments and counters.
    pub(crate) fn continued(
        mut sae: Sae,
        settings: TrainSettings,
        data: DataFacts,
        mut criterion: Criterion,
        progress: Progress,
        adam: Adam,
        counters: Counters,
    ) -> Result<Self> {
        settings.validate()?;
        if data.rows == 0 {
            return Err(Error::Empty { what: "the data".into(), hint: String::new() });
        }
        if settings.half && sae.encoder.linear_map().is_none() {
            return Err(TrainSettings::no_half(sae.settings()));
        }
        settings.revive.check(&mut sae)?;
        let steps = settings.total_steps(data.rows);
        settings.schedule.check(steps)?;
        sae.train();
        let batch = settings.largest_batch(data.rows);
        criterion.prepare(sae.device(), sae.settings(), batch)?;
        let now = Instant::now();
        let mut trainer = Self {
            workspace: Workspace::new(&sae, batch, progress.path, &criterion, settings.half)?,
            clip: Clip::new(&sae, settings.clip_grad)?,
            criterion,
            adam,
            counters,
            data,
            pending: Vec::with_capacity(LOG_ROWS),
            failed: None,
            events: Vec::new(),
            details: BTreeMap::new(),
            path_is_fixed: false,
            custom_loss: false,
            started: now,
            epoch_started: now,
            epoch_rows: 0,
            progress,
            settings,
            sae,
        };
        trainer.let_rest()?;
        trainer.events.push(trainer.configuration(steps));
        Ok(trainer)
    }

    /// Decides which rows may rest on the path at hand. All rows must be settled.
    fn let_rest(&mut self) -> Result<()> {
        let Self { sae, workspace, settings, adam, .. } = self;
        // Who looks at every parameter at every step wants them up to date.
        let every_row = settings.every_row || settings.monitoring >= 2;
        let grads = step::gradients(sae, workspace);
        adam.let_rest(sae.device(), &sae.parameters(), &grads, every_row)
    }

    /// Brings all rows of the parameters up to date: those that have not fired lately are updated only when they do.
    /// [`Trainer::collect`] does it too.
    pub fn settle(&mut self) {
        if !self.adam.is_settled() {
            let device = self.sae.device().clone();
            self.adam.settle(&device, self.sae.parameters_mut());
        }
    }

    fn configuration(&self, steps: u64) -> Event {
        Event::Configuration {
            model: self.sae.settings().clone(),
            training: Box::new(self.settings.clone()),
            device: self.sae.device().name(),
            rows: self.data.rows,
            steps,
            from_step: self.progress.step,
            path: self.progress.path,
        }
    }

    /// The model as it stands; between two steps only after [`Trainer::collect`] or [`Trainer::settle`].
    pub fn sae(&self) -> &Sae {
        &self.sae
    }

    /// Computes every further step along `path` instead of the one that the shapes suggest: to compare them. A resumed
    /// run chooses for itself again.
    ///
    /// # Errors
    /// [`Error::Setting`] if the model cannot take it, [`Error::TooLarge`] if the device cannot hold what it needs.
    pub fn fix_path(&mut self, path: Path) -> Result<()> {
        if !path.suits(self.sae.settings(), self.sparse_serves()) {
            let allowed = "one that serves this encoder, selection, dictionary and loss";
            return Err(Error::setting("path", format!("{path:?}"), allowed, ""));
        }
        self.reroute(path)?;
        self.path_is_fixed = true;
        Ok(())
    }

    /// Goes over to another path.
    fn reroute(&mut self, path: Path) -> Result<()> {
        self.settle();
        let batch = self.settings.largest_batch(self.data.rows);
        self.workspace.reroute(&self.sae, batch, path, &self.criterion)?;
        self.progress.path = path;
        self.let_rest()
    }

    fn sparse_serves(&self) -> bool {
        sparse_serves(&*self.sae.encoder, self.criterion.needs())
    }

    /// How it is trained.
    pub fn settings(&self) -> &TrainSettings {
        &self.settings
    }

    /// What it was told of its data.
    pub fn data_facts(&self) -> &DataFacts {
        &self.data
    }

    /// Where the run stands.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Steps of the whole run.
    pub fn total_steps(&self) -> u64 {
        self.settings.total_steps(self.data.rows)
    }

    /// Whether the figures of all steps have been read and all rows are up to date: see [`Trainer::collect`].
    pub fn is_collected(&self) -> bool {
        self.pending.is_empty() && self.adam.is_settled()
    }

    /// Whether all epochs are done.
    pub fn is_done(&self) -> bool {
        self.progress.epoch >= self.settings.epochs
    }

    /// One step on a batch of normalised rows [B, d], at most `batch_size` of them. What it found out comes as events, at
    /// once on the CPU and some steps later on a GPU.
    ///
    /// # Errors
    /// [`Error::Diverged`] once the loss or the gradient is not finite, [`Error::Device`] if the device failed.
    ///
    /// # Panics
    /// If `batch` is not a whole number of rows, or more than `batch_size`.
    pub async fn step(&mut self, batch: &[f32]) -> Result<()> {
        if batch.is_empty() {
            let hint = "Leave out batches without rows.".into();
            return Err(Error::Empty { what: "the batch".into(), hint });
        }
        self.check_sound()?;
        let lr = self.learning_rate();
        let rates = self.settings.rates(lr);
        let spread = in_pool(|| {
            self.workspace.load(batch, self.followed_l0());
            step::record(self.parts(&rates));
            spread(batch)
        });
        let rows = self.workspace.x.rows();
        let Progress { step, epoch, .. } = self.progress;
        self.pending.push(PendingStep { step, epoch, rows, lr, spread });
        self.counters.log_row += 1;
        self.epoch_rows += rows as u64;
        self.progress.step += 1;
        self.progress.batch += 1;
        let epoch_ends = self.progress.batch == self.settings.steps_per_epoch(self.data.rows);
        let window_ends = self.progress.at_window_end();
        let detailed = self.settings.monitoring >= 2;
        if detailed {
            self.details = self.look_closely().await?;
        }
        if !self.sae.device().is_gpu() || epoch_ends || window_ends || detailed {
            self.read_figures().await?;
        }
        if window_ends {
            self.choose_path()?;
        }
        if epoch_ends {
            self.close_epoch().await?;
        }
        Ok(())
    }

    /// What a step works with.
    fn parts<'a>(&'a mut self, rates: &'a Rates) -> step::Parts<'a> {
        step::Parts {
            sae: &mut self.sae,
            ws: &mut self.workspace,
            criterion: &mut self.criterion,
            clip: &mut self.clip,
            adam: &mut self.adam,
            counters: &mut self.counters,
            rates,
            revive: self.settings.revive,
        }
    }

    fn learning_rate(&self) -> f64 {
        let Self { settings, progress, .. } = self;
        settings.schedule.at(progress.step, self.total_steps(), settings.lr)
    }

    /// The L0 for which thresholds follow the next batch, if they are in their warm-up.
    fn followed_l0(&self) -> Option<f32> {
        let warming = self.progress.step < self.settings.threshold_warmup_steps(self.data.rows);
        self.criterion.target_l0().filter(|_| warming)
    }

    /// The events since the last call, which are kept until then: whoever wants none should call this now and then all the same.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Ends the run here: all figures read, the last event out.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub async fn close(&mut self) -> Result<()> {
        self.collect().await?;
        self.events.push(Event::Done {
            steps: self.progress.step,
            seconds: self.started.elapsed().as_secs_f64(),
            interrupted: !self.is_done(),
        });
        Ok(())
    }

    /// The model, trained as far as it came.
    pub fn into_sae(mut self) -> Sae {
        self.settle();
        self.sae
    }

    /// The gradient of every parameter for one batch of normalised rows [B, d], before clipping, in the order of
    /// [`Sae::parameters`]; the model stays as it is. For tests and for those who want to look.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub async fn gradients(&mut self, batch: &[f32]) -> Result<Vec<Vec<f32>>> {
        let device = self.sae.device().clone();
        self.differentiate(batch).await?;
        let shapes: Vec<_> = self.sae.parameters().iter().map(|p| p.value.shape()).collect();
        let mut gradients = Vec::new();
        for (grad, [rows, cols]) in
            step::gradients(&self.sae, &mut self.workspace).into_iter().zip(shapes)
        {
            let mut dense = crate::Tensor::zeros(&device, rows, cols)?;
            device.spmm_t(grad, &mut dense);
            gradients.push(dense.read().await?);
        }
        Ok(gradients)
    }

    /// The loss of one batch of normalised rows [B, d] in train mode; the model stays as it is.
    ///
    /// # Errors
    /// As [`Trainer::step`].
    pub async fn loss(&mut self, batch: &[f32]) -> Result<f32> {
        let figures = self.differentiate(batch).await?.log.read().await?;
        let [rows, width] = self.workspace.x.shape();
        Ok(self.criterion.loss(&figures, rows, width))
    }

    /// A forward and backward pass that leaves no trace in the run's own counters.
    async fn differentiate(&mut self, batch: &[f32]) -> Result<Counters> {
        self.settle();
        self.workspace.load(batch, self.followed_l0());
        let mut counters = Counters::new(self.sae.device(), self.sae.settings().nb_concepts)?;
        counters.idle.write(&self.counters.idle.read().await?);
        step::differentiate(&self.sae, &mut self.workspace, &mut self.criterion, &mut counters);
        Ok(counters)
    }
}
