//! An SAE: settings, how it was trained and, if it is unfinished, how far it is.

use super::plain;
use crate::{checkpoint::kind_name, failure::Outcome, output::Table, text};
use archetypal::{
    checkpoint::{Checkpoint, Manifest},
    sae::{SaeSettings, Selection},
};
use serde_json::{Value, json};

/// The figures of a checkpoint, for programs and for people.
pub fn of(checkpoint: &Checkpoint) -> Outcome<(Value, String)> {
    let file = checkpoint.file();
    let path = file.path().display().to_string();
    let settings = checkpoint.settings(&Default::default())?;
    let parameters = parameters(&settings);
    let multiplier = file.tensor("dictionary.multiplier")?.to_f32()?;
    let multiplier = multiplier.first().map(|m| f64::from(*m).exp());
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
        "class": kind_name(settings.kind()),
        "from_reference": checkpoint.manifest().is_none(),
        "parameters": parameters,
        "multiplier": multiplier,
        "normalized": file.contains("normalize.shift"),
        "training": training,
        "progress": progress,
    });

    let mut table = table(&settings, checkpoint.manifest().is_none());
    table.row("parameters", text::count(parameters));
    if let Some(multiplier) = multiplier {
        table.row("multiplier eᵐ", text::figure(multiplier));
    }
    let mut text = format!("{path}: {} SAE\n{}", kind_name(settings.kind()), table.text(2));
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
        .row("concepts K", settings.nb_concepts.to_string())
        .row("points N", settings.nb_points.to_string());
    match settings.selection {
        Selection::TopK { k } => table.row("top-k", format!("{k}{note}")),
        Selection::Jump { kernel, bandwidth } => {
            table.row("kernel", format!("{}, bandwidth {bandwidth}{note}", kernel.name()))
        }
    };
    table.row("delta δ", format!("{}{note}", settings.delta));
    table
}

/// What training changes: E, b, W, R, and m and t where there are any.
fn parameters(settings: &SaeSettings) -> u64 {
    let SaeSettings { input_shape, nb_concepts, nb_points, .. } = *settings;
    let thresholds = matches!(settings.selection, Selection::Jump { .. });
    let a_concept = 2 * input_shape + 1 + nb_points + usize::from(thresholds);
    (nb_concepts as u64) * (a_concept as u64) + u64::from(settings.use_multiplier)
}
