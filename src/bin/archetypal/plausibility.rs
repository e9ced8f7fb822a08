//! `archetypal plausibility`.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    eval,
    failure::Outcome,
    options::DataArgs,
    output,
    progress::Task,
    text,
};
use archetypal::{
    Device,
    data::{Examples, Source},
    metrics::{Candidates, Classes, Plausibility, plausibility},
    sae::Sae,
};
use std::{fmt::Write, path::PathBuf, sync::Arc};

/// What the second model is called among the candidates.
const AGAINST: &str = "against";

const AFTER_HELP: &str = "\
Every label is a class. For each one:

  cosine
      Largest cosine between the direction of the class and an atom. The direction is the mean of the class's rows less the mean of all \
other labelled rows, normalised as the model has it.

  AUC
      Area under the ROC curve of one concept's code, taken as a score for \"the example is of this class\"; equal scores count half. The \
concept with the largest area is chosen on one half of the examples, and the area is that on the other half. A picture of several rows has the largest \
code of its rows.

The same is found for directions u, with max(x·u/‖u‖, 0) as the score of a row x: the atoms (what the concepts would reach if no code were \
left out by the selection), the points of the model (not with a free dictionary), the principal directions of the data with both signs (pca), and random \
directions; of the last two there are as many as concepts, and of pca at most 2 d. The second model of --against is judged in its own \
normalisation, its concepts as \"against\" and its atoms as \"against_atoms\".

Each class is split by itself: half of its examples, drawn by --seed, are for choosing. Classes of fewer than 4 examples are not judged, and \
examples without a label are not looked at.";

/// Tell whether concepts are what labels call something: the best concept of each class, and baselines
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    sae: PathBuf,
    #[command(flatten)]
    data: DataArgs,
    /// What the rows are of: one JSON object a line with a label; a line for each row or, where the data's metadata has a
    /// grid, for each picture
    #[arg(long, value_name = "FILE.jsonl", required = true)]
    examples: PathBuf,
    /// A second SAE of the same layer, a baseline like the others [default: none]
    #[arg(long, value_name = "SAE")]
    against: Option<PathBuf>,
    /// Seed of the two halves, and of the random directions
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    #[command(flatten)]
    overrides: OverrideArgs,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let data = args.data.open()?;
    let examples = Examples::read(&args.examples, data.rows(), data.grid()?)?;
    let classes = Classes::new(&examples, args.seed)?;
    let device = context.device().await?;
    let (sae, against) = args.models(&device, &*data)?;
    let left_out: Vec<&str> = classes.left_out().iter().map(|class| &*class.name).collect();
    if !left_out.is_empty() {
        let names = left_out.join(", ");
        context.reporter.warn(&format!("classes of fewer than 4 examples are left out: {names}"));
    }
    let mut found = judge(context, &sae, data.clone(), &classes, true).await?;
    if let Some(sae) = against {
        let mut sets = judge(context, &sae, data, &classes, false).await?.sets;
        for set in &mut sets {
            set.name = if set.name == "concepts" {
                AGAINST.into()
            } else {
                format!("{AGAINST}_{}", set.name)
            };
        }
        found.sets.append(&mut sets);
    }
    match context.common.json {
        true => output::print_json(&found),
        false => output::print(&table(&found)),
    }
}

impl Args {
    /// The SAE and the one it is held against, both opened before the work starts.
    fn models(&self, device: &Device, data: &dyn Source) -> Outcome<(Sae, Option<Sae>)> {
        let paths: Vec<_> = std::iter::once(&self.sae).chain(&self.against).collect();
        let files = paths.iter().map(|path| checkpoint::open(path)).collect::<Outcome<Vec<_>>>()?;
        self.overrides.expect_use(&files)?;
        let mut saes = Vec::new();
        for (file, path) in files.iter().zip(paths) {
            let sae = checkpoint::one_of(file, device, &self.overrides)?;
            self.data.check_width(data, sae.settings().input_shape, path)?;
            saes.push(sae);
        }
        let against = self.against.is_some().then(|| saes.pop()).flatten();
        Ok((saes.remove(0), against))
    }
}

/// Judges one model, telling of progress.
async fn judge(
    context: &Context,
    sae: &Sae,
    data: Arc<dyn Source>,
    classes: &Classes,
    baselines: bool,
) -> Outcome<Plausibility> {
    let loader = eval::pass_loader(sae, data)?;
    let mut current: Option<(String, Task<'_>)> = None;
    let mut tell = |name: &str, done: usize, all: usize| {
        if current.as_ref().is_none_or(|(of, _)| of != name) {
            if let Some((_, task)) = current.take() {
                task.done("judged");
            }
            current = Some((name.to_owned(), context.reporter.task(name, all as u64)));
        }
        if let Some((_, task)) = &current {
            task.at(done as u64);
        }
    };
    let found = plausibility(sae, &loader, classes, baselines, &mut tell).await?;
    if let Some((_, task)) = current {
        task.done("judged");
    }
    Ok(found)
}

/// A line a class, then a line for each set of candidates.
fn table(found: &Plausibility) -> String {
    let (concepts, others) = found.sets.split_first().expect("concepts are always judged");
    let mut out = format!(
        "{:20} {:>8} {:>7} {:>7} {:>6} {:>7}",
        "class", "examples", "cosine", "concept", "AUC", "concept"
    );
    for set in others {
        // Writing to a String cannot fail.
        let _ = write!(out, " {:>1$}", set.name, column(set));
    }
    out += "\n";
    for (place, (class, best)) in found.classes.iter().zip(&concepts.classes).enumerate() {
        let _ = write!(
            out,
            "{:20} {:>8} {:>7.3} {:>7} {:>6.3} {:>7}",
            text::cut(&class.name, 20),
            class.examples,
            best.cosine,
            best.cosine_of,
            best.auc,
            best.auc_of
        );
        for set in others {
            let _ = write!(out, " {:>1$.3}", set.classes[place].auc, column(set));
        }
        out += "\n";
    }
    out + &means(found)
}

/// Width of a set's column.
fn column(set: &Candidates) -> usize {
    set.name.len().max(6)
}

fn means(found: &Plausibility) -> String {
    let mut out = format!(
        "\nmeans over {} classes, AUC on the half that nothing was chosen on\n{:20} {:>8} {:>7} {:>6}\n",
        found.classes.len(),
        "",
        "of",
        "cosine",
        "AUC"
    );
    for Candidates { name, count, cosine, auc, .. } in &found.sets {
        let _ = writeln!(out, "{name:20} {:>8} {cosine:>7.3} {auc:>6.3}", count);
    }
    out
}
