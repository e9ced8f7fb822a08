//! An SAE: settings, how it was trained and, if it is unfinished, how far it is.

use super::plain;
use crate::{failure::Outcome, output::Table, text};
use archetypal::{
    checkpoint::{Checkpoint, Manifest},
    sae::{DictionaryKind, SaeSettings, Selection, Thresholds},
    train::parameter_count,
};
use serde_json::{Value, json};

/// The figures of a checkpoint, for programs and for people.
pub fn of(checkpoint: &Checkpoint) -> Outcome<(Value, String)> {
    let file = checkpoint.file();
    let path = file.path().display().to_string();
    let settings = checkpoint.settings(&Default::default())?;
    let parameters = parameter_count(&settings);
    let multiplier = f64::from(checkpoint.multiplier()?);
    let (training, run) = match checkpoint.manifest() {
        Some(Manifest { training, run, .. }) => (training.as_ref(), run.as_ref()),
        None => (None, None),
    };
    let progress = training.zip(run).map(|(training, run)| {
        json!({
            "step": run.progress.step,
            "steps": training.total_steps(run.data.rows),
            "epoch": run.progress.epoch,
            "epochs": training.epochs,
            "rows": run.data.rows,
        })
    });
    let json = json!({
        "kind": "checkpoint",
        "path": path,
        "model": settings,
        "class": settings.kind().name(),
        "from_reference": checkpoint.manifest().is_none(),
        "parameters": parameters,
        "multiplier": multiplier,
        "normalized": file.contains("normalize.shift"),
        "training": training,
        "progress": progress,
    });

    let mut table = table(&settings, checkpoint.manifest().is_none());
    table.row("parameters", text::count(parameters));
    table.row("multiplier eᵐ", text::figure(multiplier));
    let mut text = format!("{path}: {} SAE\n{}", settings.kind().name(), table.text(2));
    if let Some(training) = training {
        let mut table = Table::new();
        let fields = serde_json::to_value(training).unwrap_or_default();
        for (name, value) in fields.as_object().into_iter().flatten() {
            table.row(name.replace('_', " "), plain(value));
        }
        text += &format!("trained with\n{}", table.text(2));
    }
    if let Some(progress) = &progress {
        let at = |name: &str| progress[name].as_u64().unwrap_or(0);
        let (step, steps) = (at("step"), at("steps"));
        let state = if step < steps { "unfinished" } else { "finished, with its optimiser" };
        text += &format!(
            "{state}: step {step} of {steps}, epoch {} of {}, {} rows\n",
            at("epoch"),
            at("epochs"),
            text::count(at("rows"))
        );
    }
    Ok((json, text))
}

fn table(settings: &SaeSettings, guessed: bool) -> Table {
    let note = if guessed { " (not in the file: the reference's default)" } else { "" };
    let mut table = Table::new();
    table
        .row("input width d", settings.input_shape.to_string())
        .row("concepts K", settings.nb_concepts.to_string());
    match settings.selection {
        Selection::TopK { k } => table.row("top-k", format!("{k}{note}")),
        Selection::BatchTopK { k, momentum } => {
            table.row("batch top-k", format!("{k} a row on average, momentum {momentum}{note}"))
        }
        Selection::Jump { kernel, bandwidth, thresholds } => {
            let direct = if thresholds == Thresholds::Direct { ", direct thresholds" } else { "" };
            let kernel = kernel.name();
            table.row("kernel", format!("{kernel}, bandwidth {bandwidth}{direct}{note}"))
        }
    };
    match settings.dictionary {
        DictionaryKind::Archetypal { nb_points, delta } => {
            table.row("points N", nb_points.to_string()).row("delta δ", format!("{delta}{note}"))
        }
        DictionaryKind::Free { normalization } => {
            table.row("normalization", format!("{}{note}", normalization.name()))
        }
    };
    table.row("encoder", settings.encoder.name());
    table
}
