//! Going on with an unfinished run.

use super::{Args, PointsChoice, Prepared};
use crate::{Context, checkpoint, failure::Outcome, memory};
use archetypal::{
    Error,
    checkpoint::{Checkpoint, Manifest},
    data::{DataSet, Source},
    train::{DataFacts, TrainSettings},
};
use std::path::Path;

/// The trainer of the run in `path`, once it is sure that the options and the data are those it was started with.
pub async fn prepare(context: &Context, args: &Args, path: &Path) -> Outcome<Prepared> {
    let file = checkpoint::open(path)?;
    if let Some(Manifest { model, training: Some(training), .. }) = file.manifest() {
        model.validate().map_err(|error| checkpoint::damaged(&file, &error))?;
        training.validate().map_err(|error| checkpoint::damaged(&file, &error))?;
        refuse_other_settings(context, args, &file, training)?;
    }
    let data = args.data.open()?;
    check_shape(args, &file, path, &data)?;
    let device = context.device().await?;
    if let Some(Manifest { model, training: Some(training), .. }) = file.manifest() {
        memory::check(&device, model, training, data.rows())?;
    }
    let trainer = file.trainer(&device)?;
    let statistics = super::start::statistics(context, &*data)?;
    // Statistics have the same bits on every machine, so other figures mean other rows, or another order of them.
    if DataFacts::new(&statistics, trainer.sae().normalizer()) != *trainer.data_facts() {
        let hint = "Give the same files in the same order, or start a new run with --init.";
        let problem =
            format!("these are not the rows that the run in {} was started on", path.display());
        return Err(Error::file(args.data.name(), problem, hint).into());
    }
    Ok(Prepared { trainer, source: data, warnings: Vec::new() })
}

/// The settings stand in the file: an option that says something else is a mistake.
fn refuse_other_settings(
    context: &Context,
    args: &Args,
    file: &Checkpoint,
    stored: &TrainSettings,
) -> Outcome {
    let Some(manifest) = file.manifest() else { return Ok(()) };
    let mut conflicts: Vec<String> =
        args.model.conflicts(&manifest.model).into_iter().map(str::to_owned).collect();
    let other_points = match &args.points {
        None => false,
        Some(PointsChoice::Count(count)) => Some(*count) != manifest.model.nb_points(),
        Some(PointsChoice::File(_)) => true,
    };
    conflicts.extend(other_points.then(|| "--points".to_owned()));
    conflicts.extend(args.training.differences(stored).into_iter().filter_map(|field| {
        let given = context.given.contains(&field);
        given.then(|| format!("--{}", field.replace('_', "-")))
    }));
    if conflicts.is_empty() {
        return Ok(());
    }
    Err(Error::setting(
        "--resume",
        format!("given together with {}", conflicts.join(", ")),
        "left to the settings in the file, which say otherwise",
        "Leave the options out, or start a new run from its parameters with --init.",
    )
    .into())
}

fn check_shape(args: &Args, file: &Checkpoint, path: &Path, data: &DataSet) -> Outcome {
    let Some(Manifest { model, run, .. }) = file.manifest() else { return Ok(()) };
    args.data.check_width(data, model.input_shape, path)?;
    match run {
        Some(run) if run.data.rows != data.rows() => Err(Error::shape(
            args.data.name(),
            &[data.rows(), data.width()],
            &[run.data.rows, data.width()],
            format!("Give the same files as when the run in {} was started.", path.display()),
        )
        .into()),
        _ => Ok(()),
    }
}

/// The command that goes on with what is in --out.
pub fn command_line(context: &Context, args: &Args) -> String {
    let mut words = vec!["archetypal".to_owned(), "train".to_owned()];
    words.extend(args.data.data.iter().map(|path| quoted(&path.display().to_string())));
    let mut option = |name: &str, value: Option<String>| {
        words.push(format!("--{name}"));
        words.extend(value.as_deref().map(quoted));
    };
    option("resume", Some(args.out().display().to_string()));
    if let Some(tensor) = &args.data.tensor {
        option("tensor", Some(tensor.clone()));
    }
    if let Some(steps) = args.checkpoint_every {
        option("checkpoint-every", Some(steps.to_string()));
    }
    if args.keep_optimizer {
        option("keep-optimizer", None);
    }
    if let Some(log) = &args.log {
        option("log", Some(log.display().to_string()));
    }
    if context.given.iter().any(|id| id == "backend") {
        option("backend", Some(format!("{:?}", context.common.backend).to_lowercase()));
    }
    if let Some(adapter) = &context.common.adapter {
        option("adapter", Some(adapter.clone()));
    }
    if context.common.cooperative {
        option("cooperative", None);
    }
    words.join(" ")
}

/// As a POSIX shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_survive_a_shell() {
        assert_eq!(quoted("a/b-1.npy"), "a/b-1.npy");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
        assert_eq!(quoted(""), "''");
    }
}
