//! Training, step by step, for JavaScript.

use super::{
    JsResult,
    data::Data,
    model::{Held, Model},
    options::{Options, json},
};
use crate::{
    data::{Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    error::{Error, Result},
    sae::Sae,
    train::{DataFacts, Event, Run, TrainSettings, Trainer},
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A run, and what it has to say that nobody has heard yet.
pub(super) struct Training {
    run: Run,
    events: Vec<Event>,
    closed: bool,
}

impl Training {
    /// A run whose kernels a GPU has made, which `on_kernel` hears of: how many, of how many.
    pub async fn new(
        mut trainer: Trainer,
        source: Arc<dyn Source>,
        warnings: Vec<String>,
        on_kernel: &mut dyn FnMut(usize, usize),
    ) -> Result<Self> {
        trainer.warm_up(on_kernel).await?;
        let loader = loader(&trainer, source)?;
        let mut run = Run::new(trainer, loader)?;
        let mut events = run.trainer_mut().take_events();
        events.extend(warnings.into_iter().map(|message| Event::Warning { message }));
        Ok(Self { run, events, closed: false })
    }

    pub fn sae(&mut self) -> &mut Sae {
        let trainer = self.run.trainer_mut();
        trainer.settle();
        &mut trainer.sae
    }

    pub fn trainer(&self) -> &Trainer {
        self.run.trainer()
    }

    pub fn into_sae(self) -> Sae {
        self.run.into_trainer().into_sae()
    }

    /// Reads all figures, so that the state can be saved.
    pub async fn collect(&mut self) -> Result<()> {
        self.run.trainer_mut().collect().await?;
        self.listen();
        Ok(())
    }

    /// Takes over the trainer's events; without monitoring, neither steps nor epochs.
    fn listen(&mut self) {
        let silent = self.trainer().settings().monitoring == 0;
        let heard =
            |event: &Event| !(silent && matches!(event, Event::Step { .. } | Event::Epoch { .. }));
        self.events.extend(self.run.trainer_mut().take_events().into_iter().filter(heard));
    }

    async fn step(&mut self) -> Result<()> {
        // Somebody may have applied the model since the last step.
        self.run.trainer_mut().sae.train();
        let stepped = self.run.step().await;
        // Before the error, if there is one: all steps up to it are then told of.
        self.listen();
        stepped.map(|_| ())
    }

    async fn close(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.closed, true) {
            return Ok(());
        }
        let closed = self.run.trainer_mut().close().await;
        self.listen();
        closed
    }
}

fn loader(trainer: &Trainer, source: Arc<dyn Source>) -> Result<Loader> {
    let settings = trainer.settings();
    let order = match settings.no_shuffle {
        true => Shuffle::none(),
        false => Shuffle::seeded(settings.seed),
    };
    let order = order.with_memory(settings.shuffle_buffer.saturating_mul(1 << 20));
    Loader::new(source, Arc::new(trainer.sae().normalizer().clone()), order, settings.batch_size)
}

#[wasm_bindgen]
impl Model {
    /// Starts a run on `data`. The options are `TrainSettings`. A model that has not been trained takes its
    /// normalisation from these data, any other keeps its own: none for one of the reference.
    pub async fn begin(&mut self, data: Data, options: String) -> JsResult<()> {
        let mut options = Options::parse(&options)?;
        let normalize: Option<Normalize> = options.take("normalize")?;
        let mut settings: TrainSettings = options.take_fields()?;
        options.finish()?;
        settings.validate()?;
        settings.schedule.check(settings.total_steps(data.source.rows()))?;
        let d = self.sae()?.settings().input_shape;
        if data.source.width() != d {
            let (rows, width) = (data.source.rows(), data.source.width());
            let hint = "Train on activations of the layer that the model is for.";
            return Err(Error::shape(data.name(), &[rows, width], &[rows, d], hint).into());
        }
        settings.check_model(self.sae()?.settings())?;
        settings.normalize = normalize.unwrap_or_default();
        if let Some(space) = self.space {
            keep_space(space, normalize)?;
            settings.normalize = space;
        }
        let statistics = Statistics::compute_breathing(&*data.source, |_| {}).await?;
        if self.space.is_none() {
            let normalizer = Normalizer::new(settings.normalize, &statistics);
            self.sae()?.set_normalizer(normalizer)?;
        }
        let facts = DataFacts::new(&statistics, self.sae()?.normalizer());
        if facts.row_variance <= 0.0 {
            let hint = "There is nothing to learn from; are these the right activations?";
            return Err(Error::file(data.name(), "all rows are the same", hint).into());
        }
        let sae = std::mem::replace(&mut self.held, Held::Nowhere).into_sae()?;
        let trainer = Trainer::new(sae, settings.clone(), facts)?;
        let run = Training::new(trainer, data.source, Vec::new(), &mut |_, _| {}).await?;
        *self = Self::in_training(run, settings);
        Ok(())
    }

    /// One step. The events are then in [`Model::events`], also if it failed.
    pub async fn step(&mut self) -> JsResult<()> {
        Ok(self.training()?.step().await?)
    }

    /// Ends the run, wherever it stands; its last event follows.
    pub async fn close(&mut self) -> JsResult<()> {
        Ok(self.training()?.close().await?)
    }

    /// What happened since the last call: a JSON array of events as in the log.
    pub fn events(&mut self) -> JsResult<String> {
        Ok(json(&std::mem::take(&mut self.training()?.events)))
    }

    /// Whether all epochs are done.
    #[wasm_bindgen(js_name = isDone)]
    pub fn is_done(&mut self) -> JsResult<bool> {
        Ok(self.training()?.trainer().is_done())
    }

    fn training(&mut self) -> Result<&mut Training> {
        match &mut self.held {
            Held::Training(training) => Ok(training),
            _ => Err(Error::setting("the model", "idle", "in training", "Start a run first.")),
        }
    }
}

/// Refuses another normalisation than the model has: its parameters belong to that space.
fn keep_space(has: Normalize, asked: Option<Normalize>) -> Result<()> {
    match asked {
        Some(asked) if asked != has => Err(Error::setting(
            "normalize",
            json(&asked),
            format!("{}, as the model was trained", json(&has)),
            "Its parameters belong to that space; leave the option out.",
        )),
        _ => Ok(()),
    }
}
