//! Training several models side by side until they are done, or until Ctrl-C.

use crate::{
    Context,
    failure::{Failure, Outcome},
    interrupt, kernels, text,
    unfinished::Unfinished,
};
use archetypal::{
    Error, Result,
    data::Loader,
    train::{Event, SideBySide, Trainer},
};
use std::collections::BTreeMap;

/// How training together ended.
pub enum Ended {
    /// All trainers, done, in the order that they were given in.
    Done(Vec<Trainer>),
    /// Ctrl-C came first; so many states were saved.
    Stopped(usize),
}

/// What is said behind a number of models, some of which go on where they were stopped.
pub fn going_on(resumed: usize) -> String {
    match resumed {
        0 => String::new(),
        some => format!(", {} of them where they were stopped", text::count(some as u64)),
    }
}

/// Trains all. The states of those that have begun are saved under their `names` on Ctrl-C, and as often as
/// `unfinished` says.
///
/// Those that stand at one step share their batches; those that do not (as after a kill between two files) take turns,
/// the farthest first.
pub async fn train(
    context: &Context,
    mut trainers: Vec<Trainer>,
    names: &[String],
    loader: impl Fn() -> Result<Loader>,
    unfinished: &Unfinished,
) -> Outcome<Ended> {
    kernels::warm_up(context, &mut trainers).await?;
    interrupt::listen();
    let mut by_step = BTreeMap::<u64, Vec<usize>>::new();
    for (i, trainer) in trainers.iter().enumerate() {
        by_step.entry(trainer.progress().step).or_default().push(i);
    }
    let mut waiting: Vec<Option<Trainer>> = trainers.into_iter().map(Some).collect();
    for members in by_step.into_values().rev() {
        let group = members.iter().filter_map(|&i| waiting[i].take()).collect();
        let own: Vec<&String> = members.iter().map(|&i| &names[i]).collect();
        let group = step_all(context, SideBySide::new(group, loader()?)?, &own, unfinished).await?;
        for (i, trainer) in members.into_iter().zip(group) {
            waiting[i] = Some(trainer);
        }
    }
    let mut trainers: Vec<Trainer> = waiting.into_iter().flatten().collect();
    if trainers.iter().all(Trainer::is_done) {
        return Ok(Ended::Done(trainers));
    }
    let saved = unfinished.save_all(names.iter().zip(&mut trainers)).await?;
    Ok(Ended::Stopped(saved))
}

/// Steps until all are done, or until Ctrl-C; the trainers, wherever they stand.
async fn step_all(
    context: &Context,
    mut all: SideBySide,
    names: &[&String],
    unfinished: &Unfinished,
) -> Outcome<Vec<Trainer>> {
    let task = context.reporter.task("train", 1000);
    let mut done = false;
    while !done && !interrupt::requested() {
        done = match all.step().await {
            Ok(more) => !more,
            Err(error) => return Err(of_model(error, all.failed().map(|i| names[i]))),
        };
        task.at((all.progress() * 1000.0) as u64);
        for (_, event) in all.take_events() {
            if let Event::Warning { message } = event {
                context.reporter.warn(&message);
            }
        }
        let step = all.trainers().first().map_or(0, |trainer| trainer.progress().step);
        if !done && unfinished.is_due(step) {
            if let Err(error) = all.collect().await {
                return Err(of_model(error, all.failed().map(|i| names[i])));
            }
            for (name, trainer) in names.iter().zip(all.trainers()) {
                match unfinished.save(name, trainer).await {
                    // A full disk may have room again by the next time.
                    Err(Failure::Error(error @ Error::Io { .. })) => {
                        context.reporter.warn(&format!("{error}; training goes on"));
                    }
                    saved => saved?,
                }
            }
        }
    }
    if done {
        task.done(&format!("{} models side by side", names.len()));
    }
    Ok(all.into_trainers())
}

/// An error with the model that it is of, where that is known.
fn of_model(error: Error, name: Option<&String>) -> Failure {
    match name {
        Some(name) => Failure::of_model(name, error),
        None => error.into(),
    }
}
