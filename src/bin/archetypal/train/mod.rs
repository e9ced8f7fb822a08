//! `archetypal train`.

mod drive;
mod log;
mod resume;
mod start;

pub use start::{enough_rows, given, initial, kmeans, statistics};

use crate::{
    Context,
    failure::{Failure, Outcome},
    interrupt, options,
    options::DataArgs,
    output, text,
};
use archetypal::{
    Error,
    data::{Loader, Shuffle, Source},
    recipe::Preset,
    sae::ModelSettings,
    train::{Run, TrainSettings, Trainer},
};
use clap::builder::RangedU64ValueParser;
use drive::{Ending, Finished};
use std::{
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
};

const LONG_ABOUT: &str = "\
Train an archetypal SAE on activations

Reads the data once for their statistics, normalises them, finds the points that atoms are blends of, and trains. The \
same command gives the same file, byte for byte, on the same device.

Ctrl-C finishes the step, saves the state to --out and says how to go on (exit status 1, so that a script does not \
go on with an unfinished model); a second Ctrl-C ends at once. Figures: loss, the mean over every element of \
(x - x̂)²; R², 1 - Σ(x - x̂)² / Σ(x - mean of its dimension)², of the normalised data; L0, the mean number of codes \
≥ 1e-6 a row; dead, the share of concepts that never fired in an epoch.";

/// Train an archetypal SAE on activations
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Where the SAE goes, a .safetensors file [default with --resume: the file that is resumed]
    #[arg(long, short, value_name = "FILE", required_unless_present = "resume")]
    out: Option<PathBuf>,
    /// Defaults for all that is not given: those that are best on our data, or the reference's. The defaults that
    /// differ are told at each option; a run from --init has the reference's
    #[arg(long, value_enum, default_value_t, value_name = "NAME", conflicts_with = "resume")]
    preset: Preset,
    #[command(flatten, next_help_heading = "Model")]
    model: ModelSettings,
    /// Points that atoms are blends of: so many centres of k-means, or a file with one 2-D tensor of points in the
    /// space of the data [default: K centres, at most 4096 and one a row; K / 2 with --preset reference]
    #[arg(long, value_name = "FILE|N", help_heading = "Model", conflicts_with = "init")]
    points: Option<PointsChoice>,
    /// Start from the parameters, points and normalisation of this SAE [default: a fresh model]
    #[arg(long, value_name = "FILE", help_heading = "Model", conflicts_with = "resume")]
    init: Option<PathBuf>,
    #[command(flatten, next_help_heading = "Training")]
    training: TrainSettings,
    /// Go on with the unfinished run in this file, to the same bits as if it had never stopped. Its settings are in
    /// the file; the data must be the same [default: start anew]
    #[arg(long, value_name = "FILE", help_heading = "Saving and resuming")]
    resume: Option<PathBuf>,
    /// Write the unfinished state to --out every so many steps, whole each time [default: only on Ctrl-C]
    #[arg(long, value_name = "STEPS", help_heading = "Saving and resuming")]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    checkpoint_every: Option<u64>,
    /// Keep the optimiser's moments in the finished file, twice the size of the parameters [default: settings and
    /// parameters only]
    #[arg(long, help_heading = "Saving and resuming")]
    keep_optimizer: bool,
    /// Write every event to this file as a line of JSON; a resumed run goes on in it, from the checkpoint on [default:
    /// no log]
    #[arg(long, value_name = "FILE.jsonl", help_heading = "Saving and resuming")]
    log: Option<PathBuf>,
}

/// Where points come from.
#[derive(Clone, Debug, PartialEq)]
enum PointsChoice {
    Count(usize),
    File(PathBuf),
}

impl FromStr for PointsChoice {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::File(text.into()), Self::Count))
    }
}

/// Everything up to the first step.
struct Prepared {
    trainer: Trainer,
    source: Arc<dyn Source>,
    warnings: Vec<String>,
}

impl Args {
    fn out(&self) -> &PathBuf {
        let out = self.out.as_ref().or(self.resume.as_ref());
        out.expect("the parser demands --out or --resume")
    }

    /// Refuses what cannot be written, before any work.
    fn check_files(&self) -> Outcome {
        let mut others: Vec<&Path> = Vec::new();
        if let Some(PointsChoice::File(points)) = &self.points {
            others.push(points);
        }
        options::check_output(self.out(), &self.data, &others)?;
        let Some(log) = &self.log else { return Ok(()) };
        // Unlike --out, which is replaced whole, the log is written into what is there.
        others.extend([&self.init, &self.resume].into_iter().flatten().map(PathBuf::as_path));
        options::refuse_input(log, &self.data, &others)?;
        if options::same_target(log, self.out()) {
            let problem = "--log and --out name the same file; the log needs one of its own";
            return Err(Failure::Usage(problem.into()));
        }
        Ok(log::check(log)?)
    }
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    interrupt::install()?;
    args.check_files()?;
    let prepared = match &args.resume {
        Some(file) => resume::prepare(context, &args, file).await?,
        None => start::prepare(context, &args).await?,
    };
    let settings = prepared.trainer.settings().clone();
    let loader = loader(&prepared, &settings)?;
    let run = Run::new(prepared.trainer, loader)?;
    let finished = drive::drive(context, &args, run, prepared.warnings).await?;
    report(context, &args, &finished)
}

fn loader(prepared: &Prepared, settings: &TrainSettings) -> Outcome<Loader> {
    let order = match settings.no_shuffle {
        true => Shuffle::none(),
        false => Shuffle::seeded(settings.seed),
    };
    let order = order.with_memory(settings.shuffle_buffer.saturating_mul(1 << 20));
    let normalizer = Arc::new(prepared.trainer.sae().normalizer().clone());
    Ok(Loader::new(prepared.source.clone(), normalizer, order, settings.batch_size)?)
}

/// The last figures on stdout, or how to go on.
fn report(context: &Context, args: &Args, finished: &Finished) -> Outcome {
    if context.common.json {
        output::print_json(&finished.figures)?;
    } else if finished.ending == Ending::Done {
        let figures = &finished.figures;
        let mut table = output::Table::new();
        table.row("saved", &figures.out);
        table.row("steps", text::count(figures.steps));
        if let Some(last) = finished.last {
            table.row("loss", text::figure(last.loss));
            table.row("R²", text::figure(last.r2));
            table.row("L0", text::figure(last.l0));
            table.row("dead", text::percent(last.dead_share));
        }
        output::print(&table.text(0))?;
    }
    match finished.ending {
        Ending::Done => Ok(()),
        Ending::Stopped => Err(Failure::Interrupted(format!(
            "stopped after step {} of {}; its state is in {}. To go on:\n  {}",
            finished.figures.steps,
            finished.total_steps,
            args.out().display(),
            resume::command_line(context, args),
        ))),
    }
}

/// The error for data without variance: every R² would be 0/0.
fn never_varies(args: &Args) -> Failure {
    let hint = "There is nothing to learn from; are these the right activations?";
    Error::file(args.data.name(), "all rows are the same", hint).into()
}
