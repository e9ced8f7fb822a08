//! `archetypal compare`.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    failure::Outcome,
    output::{self, Table},
    text,
};
use archetypal::{
    Error,
    metrics::{Agreement, agreement, centred},
};
use serde::Serialize;
use std::path::{Path, PathBuf};

const AFTER_HELP: &str = "\
Figures, each a mean over the pairs of SAEs:

  stability
      Mean cosine of the atoms of two dictionaries, matched one to one so that it is largest (Hungarian algorithm), over the atoms of the smaller \
one. Beyond 4096 atoms they are matched greedily, each with one of its 32 nearest; atoms that this leaves over count as cosine 0.

  centred
      The same of the atoms at length 1, less their mean: what all atoms have in common then counts for nothing.

`archetypal stability` trains such dictionaries and reports this beside baselines.";

/// Tell how much two or more dictionaries agree: atoms matched one to one, mean cosine of the pairs
#[derive(clap::Args)]
#[command(after_long_help = AFTER_HELP)]
pub struct Args {
    /// SAEs: checkpoints of `archetypal train`, or overcomplete's state dicts as .safetensors
    #[arg(value_name = "SAE", num_args = 2.., required = true)]
    saes: Vec<PathBuf>,
    #[command(flatten)]
    overrides: OverrideArgs,
}

/// What is printed.
#[derive(Serialize)]
struct Comparison {
    /// Means over the pairs of SAEs.
    stability: f64,
    stability_centred: f64,
    pairs: Vec<Pair>,
}

#[derive(Serialize)]
struct Pair {
    first: PathBuf,
    second: PathBuf,
    stability: f64,
    /// The same of the atoms at length 1, less their mean.
    stability_centred: f64,
    /// Whether the matching is the best there is; see the help.
    exact: bool,
    /// Share of the atoms of the smaller dictionary that are matched with a cosine of at least 0.9.
    share_above_0_9: f64,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let device = context.device().await?;
    let files = args.saes.iter().map(|path| checkpoint::open(path)).collect::<Outcome<Vec<_>>>()?;
    args.overrides.expect_use(&files)?;
    let mut models = Vec::new();
    for (path, file) in args.saes.iter().zip(&files) {
        // One at a time on the device: of each only the dictionary is kept.
        let sae = checkpoint::one_of(file, &device, &args.overrides)?;
        models.push((path, sae.dictionary().await?, sae.normalizer().clone()));
    }
    let (first, _, normalizer) = &models[0];
    let width = normalizer.width();
    for (path, atoms, other) in &models[1..] {
        if other.width() != width {
            return Err(Error::shape(
                format!("the dictionary of {}", path.display()),
                &[atoms.len() / other.width(), other.width()],
                &[atoms.len() / other.width(), width],
                format!("Compare SAEs of the same layer; {} came first.", first.display()),
            )
            .into());
        }
        if other != normalizer {
            context.reporter.warn(&format!(
                "{} and {} normalise their data differently: their atoms live in different spaces",
                first.display(),
                path.display()
            ));
        }
    }
    let all = (models.len() * (models.len() - 1) / 2) as u64;
    let task = context.reporter.task("compare", 2 * all);
    let mut pairs = Vec::new();
    for (i, (first, atoms, _)) in models.iter().enumerate() {
        for (second, others, _) in &models[i + 1..] {
            let found = agreement(&device, atoms, others, width).await?;
            task.at(2 * pairs.len() as u64 + 1);
            let [a, b] = [centred(atoms, width)?, centred(others, width)?];
            let without_mean = agreement(&device, &a, &b, width).await?.stability;
            let smaller = atoms.len().min(others.len()) / width;
            pairs.push(Pair::new(first, second, &found, without_mean, smaller));
            task.at(2 * pairs.len() as u64);
        }
    }
    task.done(&format!("{all} pairs"));
    let mean = |of: fn(&Pair) -> f64| pairs.iter().map(of).sum::<f64>() / pairs.len() as f64;
    let comparison = Comparison {
        stability: mean(|pair| pair.stability),
        stability_centred: mean(|pair| pair.stability_centred),
        pairs,
    };
    match context.common.json {
        true => output::print_json(&comparison),
        false => output::print(&table(&comparison)),
    }
}

impl Pair {
    /// Of dictionaries the smaller of which has `atoms` atoms.
    fn new(
        first: &Path,
        second: &Path,
        found: &Agreement,
        stability_centred: f64,
        atoms: usize,
    ) -> Self {
        let above = found.matches.iter().filter(|pair| pair.cosine >= 0.9).count();
        Self {
            first: first.to_owned(),
            second: second.to_owned(),
            stability: found.stability,
            stability_centred,
            exact: found.exact,
            share_above_0_9: above as f64 / atoms as f64,
        }
    }
}

fn table(comparison: &Comparison) -> String {
    let mut table = Table::new();
    for pair in &comparison.pairs {
        let note = if pair.exact { "" } else { ", matched greedily" };
        let [stability, without_mean] = [pair.stability, pair.stability_centred].map(text::figure);
        let share = text::percent(pair.share_above_0_9);
        table.row(
            format!("{} and {}", pair.first.display(), pair.second.display()),
            format!("{stability}  ({without_mean} centred, {share} of the atoms above 0.9{note})"),
        );
    }
    table.row("stability, mean", text::figure(comparison.stability));
    table.row("centred, mean", text::figure(comparison.stability_centred));
    table.text(0)
}
