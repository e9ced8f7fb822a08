//! `archetypal stability`.

mod arms;
mod lines;
mod measure;
mod models;
mod page;
mod show;

use crate::{
    Context,
    failure::{Failure, Outcome},
    interrupt, options,
    options::DataArgs,
    output, text, train,
    unfinished::{Unfinished, UnfinishedArgs},
};
use archetypal::{
    Device,
    data::Source,
    recipe::{Ingredients, Preset, Recipe},
    sae::ModelSettings,
    train::TrainSettings,
};
use arms::Asked;
use clap::builder::RangedU64ValueParser;
use lines::Lines;
use measure::Line;
use models::Models;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

const LONG_ABOUT: &str = "\
Train the same model from several seeds and tell how much their dictionaries agree, beside baselines

All models are trained at once on the same batches (one order of the rows for all), the data being read once. Stability is the mean cosine of the \
atoms of two dictionaries, matched one to one so that it is largest (Hungarian algorithm; beyond 4096 atoms greedily among \
the 32 nearest), over all pairs of seeds.

Much of an archetypal dictionary's stability is that of its points. Hence: the same figure at the start, before any \
training; seeds with points of their own (independent) and with the same points (shared); and, with the same sizes, \
codes, learning rate and epochs, the same model with W and R free to go anywhere (projection off), a free dictionary that starts \
at the points with the same encoder, one with a random encoder, and one from random atoms.

Ctrl-C finishes the step and, with --out or --unfinished, saves the states of all models (exit status 1): the same command goes on \
with them and gives the same report. Without either it tells what is known of the models that were done. A second \
Ctrl-C ends at once.";

/// Train the same model from several seeds and tell how much their dictionaries agree, beside baselines
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT, after_long_help = show::definitions())]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Seeds, counted on from --seed
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(2..=64))]
    seeds: u64,
    /// Whether seeds have points of their own, the same ones, or first the one and then the other
    #[arg(long, value_enum, default_value_t, value_name = "WHOSE")]
    points_of: PointsOf,
    /// Leave out the baselines [default: with them]
    #[arg(long)]
    no_baselines: bool,
    /// Judge reconstruction, sparsity, OOD and what fires together on these rows, which are not trained on; may be given
    /// several times [default: the rows that are trained on]
    #[arg(long, value_name = "FILE")]
    judge: Vec<PathBuf>,
    /// Write the report with its plots to this file, one page of HTML [default: none]
    #[arg(long, short, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Defaults for all that is not given
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    preset: Preset,
    #[command(flatten, next_help_heading = "Model")]
    model: ModelSettings,
    /// Points that atoms are blends of: so many centres of k-means [default: as `archetypal train`]
    #[arg(long, value_name = "N", help_heading = "Model")]
    points: Option<usize>,
    #[command(flatten, next_help_heading = "Training")]
    training: TrainSettings,
    #[command(flatten, next_help_heading = "Saving and resuming")]
    saving: UnfinishedArgs,
}

/// Whose points are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum PointsOf {
    #[default]
    Both,
    Independent,
    Shared,
}

/// What `--json` prints.
#[derive(Serialize)]
pub struct Report {
    /// The data.
    pub data: String,
    pub rows: usize,
    pub width: usize,
    /// The rows that models are judged on, where they are not those of `data`.
    pub judged_on: Option<JudgedOn>,
    /// The recipe of the archetypal model.
    pub model: archetypal::sae::SaeSettings,
    pub training: TrainSettings,
    pub delta_relative: Option<f32>,
    pub seeds: Vec<u64>,
    pub lines: Vec<Line>,
    /// Whether Ctrl-C came before all lines were there.
    pub interrupted: bool,
    pub seconds: f64,
}

/// Rows that no model of the report was trained on.
#[derive(Clone, Serialize)]
pub struct JudgedOn {
    pub data: String,
    pub rows: usize,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let started = Instant::now();
    interrupt::install()?;
    args.check()?;
    let unfinished = args.saving.folder(args.out.as_deref(), &args.data)?;
    let data = args.data.open()?;
    let given = train::given(context, &args.training);
    let (rows, width) = (data.rows(), data.width());
    let (judged_on, judge) = args.judge(width)?.unzip();
    let recipe = Recipe::new(args.preset, &args.model, &given, args.points, rows, width)?;
    let device = context.device().await?;
    let statistics = train::statistics(context, &*data)?;
    let data: Arc<dyn Source> = data;
    let ingredients = Ingredients::new(data.clone(), recipe.training.normalize, statistics);

    let asked = Asked { preset: args.preset, model: &args.model, given: &given, recipe: &recipe };
    let first = recipe.training.seed;
    let seeds: Vec<u64> = (0..args.seeds).map(|i| first.wrapping_add(i)).collect();
    let points = all_points(context, &device, &recipe, &ingredients, &seeds).await?;
    let arms = args.arms();
    let models = Models {
        name: args.data.identity(),
        asked: &asked,
        device: &device,
        data: &ingredients,
        judge: judge.as_ref().unwrap_or(&ingredients.source),
        judged_on: judged_on.as_ref(),
        points: &points,
        seeds: &seeds,
        unfinished: &unfinished,
    };
    let Lines { lines, saved } = lines::find(context, &models, &arms).await?;
    let interrupted = lines.len() < arms.len();
    let report = Report {
        data: args.data.name(),
        rows,
        width,
        judged_on: judged_on.clone(),
        model: recipe.model.clone(),
        training: recipe.training.clone(),
        delta_relative: recipe.delta_relative,
        seeds: seeds.clone(),
        lines,
        interrupted,
        seconds: started.elapsed().as_secs_f64(),
    };
    if interrupted {
        return stopped(context, &unfinished, saved, &report);
    }
    if let Some(out) = &args.out {
        page::write(out, &report)?;
        context.reporter.note(&format!("the report with its plots is in {}", out.display()));
    }
    print(context, &report)?;
    models.forget_lines(&arms)?;
    unfinished.close();
    Ok(())
}

impl Args {
    /// Checks what can be checked before any data is read.
    fn check(&self) -> Outcome {
        if let Some(out) = &self.out {
            let judge: Vec<&Path> = self.judge.iter().map(PathBuf::as_path).collect();
            options::check_output(out, &self.data, &judge)?;
        }
        match self.model.is_archetypal() {
            true => Ok(()),
            false => Err(Failure::Usage(
                "--model must be ra-topk, ra-jump or ra-batch-topk: free dictionaries are the baselines".into(),
            )),
        }
    }

    fn arms(&self) -> Vec<arms::Arm> {
        arms::all(
            !self.no_baselines,
            self.points_of != PointsOf::Shared,
            self.points_of != PointsOf::Independent,
        )
    }

    /// The rows of --judge, if it is given.
    fn judge(&self, width: usize) -> Outcome<Option<(JudgedOn, Arc<dyn Source>)>> {
        if self.judge.is_empty() {
            return Ok(None);
        }
        let args = DataArgs { data: self.judge.clone(), tensor: self.data.tensor.clone() };
        let rows = args.open()?;
        args.expect_width(&*rows, width, || {
            format!("Judge on activations of the same layer as {}.", self.data.name())
        })?;
        Ok(Some((JudgedOn { data: args.name(), rows: rows.rows() }, rows)))
    }
}

fn print(context: &Context, report: &Report) -> Outcome {
    match context.common.json {
        true => output::print_json(report),
        false => output::print(&show::table(report)),
    }
}

/// What there is to say after Ctrl-C; where nothing can be kept, all figures that there are.
fn stopped(context: &Context, unfinished: &Unfinished, saved: usize, report: &Report) -> Outcome {
    let message = match unfinished.folder() {
        Some(folder) => {
            let states = match saved {
                0 => "no model was begun and not done".to_owned(),
                some => format!("the states of {some} models are in {}", folder.display()),
            };
            format!("stopped; {states}. The same command goes on from there.")
        }
        None => {
            if !report.lines.is_empty() {
                print(context, report)?;
            }
            "stopped, and nothing was kept; with --out or --unfinished it would be, and the same command would go on."
                .into()
        }
    };
    Err(Failure::Interrupted(message))
}

/// The points of every seed.
async fn all_points(
    context: &Context,
    device: &Device,
    recipe: &Recipe,
    data: &Ingredients,
    seeds: &[u64],
) -> Outcome<Vec<Vec<f32>>> {
    let mut points = Vec::new();
    let task = context.reporter.task("points", seeds.len() as u64);
    for (i, &seed) in seeds.iter().enumerate() {
        let mut tell = task.searching(i as u64);
        points.push(recipe.points(device, data, seed, &mut tell).await?);
    }
    let count = recipe.model.nb_points().unwrap_or(0) as u64;
    task.done(&format!("{} centres for each of {} seeds", text::count(count), seeds.len()));
    Ok(points)
}
