//! The steps, with what happens between them: events, checkpoints, Ctrl-C.

use super::{Args, log::EventLog};
use crate::{
    Context,
    failure::{Failure, Outcome},
    interrupt, kernels,
    progress::{EpochFigures, Training},
};
use archetypal::{
    Error,
    checkpoint::{self, Contents},
    sae::SaeSettings,
    train::{Event, Run, Trainer},
};
use serde::Serialize;
use std::{path::Path, time::Instant};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Done,
    Stopped,
}

/// A run that has ended, and what is in its file.
pub struct Finished {
    pub ending: Ending,
    pub total_steps: u64,
    pub last: Option<EpochFigures>,
    pub figures: Figures,
}

/// What `train --json` prints.
#[derive(Serialize)]
pub struct Figures {
    /// The file.
    pub out: String,
    /// The model in it.
    pub model: SaeSettings,
    /// Steps done.
    pub steps: u64,
    /// Whether it was stopped before the last one.
    pub interrupted: bool,
    /// Seconds that this part of the run took, the preparation left out.
    pub seconds: f64,
    /// Figures of the last epoch, null if none was done.
    pub loss: Option<f64>,
    pub r2: Option<f64>,
    pub l0: Option<f64>,
    pub dead_share: Option<f64>,
}

/// Where events go.
struct Listeners<'a> {
    log: EventLog,
    view: Training<'a>,
}

impl Listeners<'_> {
    /// A log that cannot be written to is given up: the run is worth more.
    fn tell(&mut self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            self.view.event(&event);
            if let Err(error) = self.log.write(&event) {
                self.log.close();
                let message = format!("{error}; training goes on without the log");
                self.view.event(&Event::Warning { message });
            }
        }
    }
}

/// Trains to the end or to the first Ctrl-C, and saves.
pub async fn drive(
    context: &Context,
    args: &Args,
    mut run: Run,
    warnings: Vec<String>,
) -> Outcome<Finished> {
    let monitoring = run.trainer().settings().monitoring;
    let resumed = args.resume.as_deref().map(|file| (file, run.trainer().progress().step));
    let log = EventLog::open(args.log.as_deref(), resumed, monitoring)?;
    let view = context.reporter.training(run.trainer().settings().epochs);
    let mut listeners = Listeners { log, view };
    let started = Instant::now();
    // A finished file that is written over itself keeps the optimiser that was kept in it.
    let keeps_state = run.trainer().is_done() && args.resume.as_ref() == Some(args.out());
    listeners.tell(run.trainer_mut().take_events());
    listeners.tell(warnings.into_iter().map(|message| Event::Warning { message }));
    kernels::warm_up(context, [run.trainer_mut()]).await?;
    interrupt::listen();
    while !interrupt::requested() {
        let stepped = run.step().await;
        // Before the error, if there is one: the log then holds all steps up to it.
        listeners.tell(run.trainer_mut().take_events());
        if !stepped? {
            break;
        }
        if let Some(every) = args.checkpoint_every
            && run.trainer().progress().step.is_multiple_of(every)
            && !run.trainer().is_done()
        {
            run.trainer_mut().collect().await?;
            listeners.tell(run.trainer_mut().take_events());
            match save(args.out(), run.trainer(), true).await {
                // A full disk may have room again by the next time.
                Err(error @ Error::Io { .. }) => {
                    listeners
                        .tell([Event::Warning { message: format!("{error}; training goes on") }]);
                }
                saved => listeners.tell([saved?]),
            }
        }
    }
    let trainer = run.trainer_mut();
    trainer.collect().await?;
    listeners.tell(trainer.take_events());
    let ending = if trainer.is_done() { Ending::Done } else { Ending::Stopped };
    let with_state = ending == Ending::Stopped || args.keep_optimizer || keeps_state;
    let saved = match save(args.out(), trainer, with_state).await {
        Err(error @ Error::Io { .. }) => {
            return Err(rescue(error, args.out(), trainer, with_state).await);
        }
        saved => saved?,
    };
    listeners.tell([saved]);
    trainer.close().await?;
    listeners.tell(trainer.take_events());
    Ok(finished(args.out(), trainer, ending, listeners.view.last(), started))
}

/// What there is to say once the file could not be written, a full disk for one, and the model lies among the system's temporary
/// files instead, if that went well.
async fn rescue(error: Error, out: &Path, trainer: &Trainer, with_state: bool) -> Failure {
    let name = out.file_name().unwrap_or(out.as_os_str());
    let Ok(place) = tempfile::Builder::new().suffix(name).tempfile() else { return error.into() };
    let place = place.into_temp_path();
    if save(&place, trainer, with_state).await.is_err() {
        return error.into();
    }
    match place.keep() {
        Ok(place) => Failure::Told(format!(
            "{error}; the model is in {} instead: move it from there",
            place.display()
        )),
        Err(_) => error.into(),
    }
}

async fn save(path: &Path, trainer: &Trainer, with_state: bool) -> archetypal::Result<Event> {
    let contents = match with_state {
        true => Contents::Run(trainer),
        false => Contents::Model(trainer.sae(), Some(trainer.settings())),
    };
    checkpoint::save(path, contents).await?;
    Ok(Event::Checkpoint { step: trainer.progress().step, path: path.display().to_string() })
}

fn finished(
    out: &Path,
    trainer: &Trainer,
    ending: Ending,
    last: Option<EpochFigures>,
    started: Instant,
) -> Finished {
    let figures = Figures {
        out: out.display().to_string(),
        model: trainer.sae().settings().clone(),
        steps: trainer.progress().step,
        interrupted: ending == Ending::Stopped,
        seconds: started.elapsed().as_secs_f64(),
        loss: last.map(|last| last.loss),
        r2: last.map(|last| last.r2),
        l0: last.map(|last| last.l0),
        dead_share: last.map(|last| last.dead_share),
    };
    Finished { ending, total_steps: trainer.total_steps(), last, figures }
}
