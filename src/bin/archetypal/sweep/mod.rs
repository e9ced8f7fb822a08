//! `archetypal sweep`.

mod log;
mod variants;
mod waves;

use crate::{
    Context,
    failure::Outcome,
    interrupt, options,
    options::DataArgs,
    output, text, train,
    unfinished::{self, UnfinishedArgs},
};
use archetypal::{
    Error,
    data::Source,
    recipe::{Preset, Recipe},
    sae::ModelKind,
    train::TrainSettings,
};
use clap::builder::RangedU64ValueParser;
use log::{Line, SweepLog};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};
use variants::{Grid, Variant};
use waves::Sweep;

const LONG_ABOUT: &str = "\
Train every combination of some settings and judge each

As many models as fit into memory are trained at once on the same batches. Each is judged on the data as by `archetypal \
eval` and becomes a line of JSON in --out once those trained with it are done. What that file holds already is not \
trained again, so that one with more values trains only what is new.

Ctrl-C finishes the step and saves the states of the models at hand (exit status 1); the same command goes on with them \
and gives the same figures as if it had never stopped. A second Ctrl-C ends at once. A sweep that is killed repeats the \
models at hand, from their last states where --checkpoint-every had them written; --at-once 1 makes every line as soon \
as it can be.";

/// Train every combination of some settings and judge each
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Where the results go, a line of JSON a model
    #[arg(long, short, value_name = "FILE.jsonl")]
    out: PathBuf,
    /// Save every model in this folder, under the name that the table has for it; no file there is replaced [default: none
    /// is saved]
    #[arg(long, value_name = "DIR")]
    save: Option<PathBuf>,
    /// Models to train at once [default: as many as fit into three quarters of the free memory]
    #[arg(long, value_name = "N")]
    #[arg(value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    at_once: Option<usize>,
    /// Defaults for all that is not given
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    preset: Preset,
    /// Dictionary and codes
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    model: ModelKind,
    #[command(flatten, next_help_heading = "Values to try")]
    grid: Grid,
    #[command(flatten, next_help_heading = "Training")]
    training: TrainSettings,
    #[command(flatten, next_help_heading = "Saving and resuming")]
    saving: UnfinishedArgs,
}

/// A model to train.
struct Job {
    variant: Variant,
    recipe: Recipe,
    /// What its state is called.
    name: String,
}

impl Job {
    fn new(variant: Variant, recipe: Recipe, data: &str, rows: usize) -> Self {
        let Recipe { model, delta_relative, training } = &recipe;
        let all = (data, rows, &variant, model, delta_relative, training);
        let name = unfinished::name(&variant.name(), &all);
        Self { variant, recipe, name }
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    interrupt::install()?;
    options::refuse_input(&args.out, &args.data, &[])?;
    let unfinished = args.saving.folder(Some(&args.out), &args.data)?;
    let data = args.data.open()?;
    let (rows, width, name) = (data.rows(), data.width(), args.data.identity());
    let given = train::given(context, &args.training);
    // Every combination is checked before a file is made and the first is trained.
    let all = args.grid.variants().into_iter().map(|variant| {
        let recipe = variant.recipe(args.preset, args.model, &given, rows, width)?;
        Ok(Job::new(variant, recipe, &name, rows))
    });
    let mut jobs = all.collect::<Result<Vec<Job>, Error>>()?;
    let (mut log, asked) = (SweepLog::open(&args.out)?, jobs.len());
    let is_done = |job: &mut Job| log.holds(&name, rows, &job.variant, &job.recipe);
    for job in jobs.extract_if(.., is_done) {
        // It has a state only if the command was killed just before it took that away.
        unfinished.remove(&job.name)?;
    }
    tell_of_done(context, &args, asked - jobs.len(), jobs.len());
    if let Some(folder) = &args.save {
        folder_for(folder, &jobs, &args.data)?;
    }
    if !jobs.is_empty() {
        let sweep = Sweep::new(context, &args, data, &unfinished).await?;
        sweep.run(jobs, &mut log).await?;
    }
    unfinished.close();
    match context.common.json {
        true => output::print_json(&log.lines),
        false => output::print(&table(&log.lines)),
    }
}

/// Says how many models are not trained again.
fn tell_of_done(context: &Context, args: &Args, done: usize, left: usize) {
    if done == 0 {
        return;
    }
    let unsaved = match args.save {
        Some(_) => {
            "; those are not saved, for which they would have to be trained: name another file with --out"
        }
        None => "",
    };
    let file = args.out.display();
    let line = format!("{done} models are in {file} already, {left} to train{unsaved}");
    context.reporter.note(&line);
}

/// Makes the folder that the models of `jobs` are saved in, where none of them replaces anything.
fn folder_for(folder: &Path, jobs: &[Job], data: &DataArgs) -> Outcome {
    for job in jobs {
        let path = job.variant.path(folder);
        options::refuse_input(&path, data, &[])?;
        if path.exists() {
            let hint = "It may be of other settings: name another folder with --save, or remove it, as where a sweep was killed.";
            return Err(Error::file(path, "this file is there already", hint).into());
        }
    }
    std::fs::create_dir_all(folder).map_err(|error| Error::io("write", folder, error).into())
}

/// A line a model, in the order of the file.
fn table(lines: &[Line]) -> String {
    let names: Vec<_> = lines.iter().map(|line| line.variant.name()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(5);
    let mut out = format!(
        "{:width$} {:>7} {:>7} {:>5} {:>8} {:>7} {:>7} {:>7}\n",
        "model", "K", "N", "L0", "R²", "dead", "OOD", "max W"
    );
    for (line, name) in lines.iter().zip(names) {
        let Line { model, figures, .. } = line;
        let points = model.nb_points().map_or("–".into(), |n| n.to_string());
        let optional = |value: Option<f64>| value.map_or("–".into(), |v| format!("{v:.4}"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "{name:width$} {:>7} {points:>7} {:>5.1} {:>8} {:>7} {:>7.3} {:>7}",
            model.nb_concepts,
            figures.l0,
            optional(figures.r2),
            text::percent(figures.dead_share),
            figures.ood,
            optional(figures.max_weight_mean),
        );
    }
    out
}
