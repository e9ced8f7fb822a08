//! A run: a trainer and the data it is fed with.

use super::{Event, Trainer};
use crate::{
    data::{BatchStream, Loader},
    error::{Error, Result},
    sae::Sae,
};

/// Refuses rows that the model does not take.
pub(super) fn check_width(trainer: &Trainer, loader: &Loader) -> Result<()> {
    let (source, d) = (loader.source(), trainer.sae().settings().input_shape);
    if source.width() == d {
        return Ok(());
    }
    let (found, expected) = ([source.rows(), source.width()], [source.rows(), d]);
    let hint = "Train on activations of the layer that the model is for.";
    Err(Error::shape("the data", &found, &expected, hint))
}

/// An epoch has no batch left that was not closed: its last step failed.
pub(super) fn cut_short(trainer: &Trainer) -> Error {
    Error::Device {
        device: trainer.sae().device().name(),
        problem: "it did not finish the last step of an epoch".into(),
        hint: "Go on from what was saved last.".into(),
    }
}

/// A trainer fed from a loader, step by step, from wherever the trainer stands.
pub struct Run {
    trainer: Trainer,
    loader: Loader,
    /// The rest of the current epoch.
    batches: Option<Box<dyn BatchStream>>,
}

impl Run {
    /// Starts, or goes on where the trainer stands.
    ///
    /// # Errors
    /// [`Error::Setting`] if the number of rows or the batch size are not those that the trainer was made for;
    /// [`Error::Shape`] for rows of another width than the model takes.
    pub fn new(trainer: Trainer, loader: Loader) -> Result<Self> {
        let rows = loader.source().rows();
        if rows != trainer.data_facts().rows {
            return Err(Error::setting(
                "the number of rows",
                rows,
                format!("{}, as when the run was started", trainer.data_facts().rows),
                "Give the same files, in the same order.",
            ));
        }
        let batch_size = trainer.settings().batch_size;
        if loader.batch_size() != batch_size {
            return Err(Error::setting(
                "the batch size of the loader",
                loader.batch_size(),
                format!("{batch_size}, as in the settings of the training"),
                "Make the loader with that.",
            ));
        }
        check_width(&trainer, &loader)?;
        Ok(Self { trainer, loader, batches: None })
    }

    /// The trainer.
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// The trainer, to take its events or to collect its figures.
    pub fn trainer_mut(&mut self) -> &mut Trainer {
        &mut self.trainer
    }

    /// Ends it, wherever it stands.
    pub fn into_trainer(self) -> Trainer {
        self.trainer
    }

    /// One step; `false` if all epochs were done already.
    ///
    /// # Errors
    /// Those of [`Trainer::step`] and of reading the data.
    pub async fn step(&mut self) -> Result<bool> {
        loop {
            self.trainer.check_sound()?;
            if self.trainer.is_done() {
                return Ok(false);
            }
            let opened = self.batches.is_none();
            let batches = match &mut self.batches {
                Some(batches) => batches,
                none => {
                    let progress = self.trainer.progress();
                    none.insert(self.loader.epoch(progress.epoch, progress.batch as usize)?)
                }
            };
            match batches.next() {
                None if opened => return Err(cut_short(&self.trainer)),
                None => self.batches = None,
                Some(batch) => {
                    let batch = batch?;
                    self.trainer.step(&batch.data).await?;
                    batches.recycle(batch);
                    return Ok(true);
                }
            }
        }
    }
}

/// Whether to go on after an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Train on.
    Continue,
    /// Stop after this step.
    Stop,
}

/// Trains from where `trainer` stands to the end, or until `on_event` says stop; the reference's `train_sae`.
///
/// # Errors
/// Those of [`Run::new`] and [`Run::step`].
pub async fn train_sae(
    trainer: Trainer,
    loader: Loader,
    on_event: &mut dyn FnMut(Event) -> Flow,
) -> Result<Sae> {
    let mut run = Run::new(trainer, loader)?;
    let mut flow = Flow::Continue;
    let mut tell = |trainer: &mut Trainer| {
        let stop = |event| on_event(event) == Flow::Stop;
        if trainer.take_events().into_iter().map(stop).fold(false, |a, b| a | b) {
            flow = Flow::Stop;
        }
        flow
    };
    while tell(run.trainer_mut()) == Flow::Continue && run.step().await? {}
    run.trainer_mut().close().await?;
    tell(run.trainer_mut());
    Ok(run.into_trainer().into_sae())
}
