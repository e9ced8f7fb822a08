//! `archetypal stability`.

mod arms;
mod measure;
mod page;
mod show;

use crate::{
    Context,
    failure::{Failure, Outcome},
    memory, options,
    options::DataArgs,
    output, text, train,
};
use archetypal::{
    Device,
    data::Source,
    recipe::{Ingredients, Preset, Recipe},
    sae::ModelSettings,
    train::{SideBySide, TrainSettings, Trainer},
};
use arms::{Arm, Asked, Points};
use clap::builder::RangedU64ValueParser;
use measure::{Line, Trained};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Instant};

const LONG_ABOUT: &str = "\
Train the same model from several seeds and tell how much their dictionaries agree, beside baselines

All models are trained at once on the same batches (one order of the rows for all), the data being read once. Stability is the mean cosine of the \
atoms of two dictionaries, matched one to one so that it is largest (Hungarian algorithm; beyond 4096 atoms greedily among \
the 32 nearest), over all pairs of seeds.

Much of an archetypal dictionary's stability is that of its points. Hence: the same figure at the start, before any \
training; seeds with points of their own (independent) and with the same points (shared); and, with the same sizes, \
codes, learning rate and epochs, the same model with W and R free to go anywhere (projection off), a free dictionary that starts \
at the points with the same encoder, one with a random encoder, and one from random atoms.";

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
    /// Leave out the baselines
    #[arg(long)]
    no_baselines: bool,
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
    /// The recipe of the archetypal model.
    pub model: archetypal::sae::SaeSettings,
    pub training: TrainSettings,
    pub delta_relative: Option<f32>,
    pub seeds: Vec<u64>,
    pub lines: Vec<Line>,
    pub seconds: f64,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    let started = Instant::now();
    if let Some(out) = &args.out {
        options::check_output(out, &args.data, &[])?;
    }
    if !args.model.is_archetypal() {
        return Err(Failure::Usage(
            "--model must be ra-topk, ra-jump or ra-batch-topk: free dictionaries are the baselines".into(),
        ));
    }
    let data = args.data.open()?;
    let given = train::given(context, &args.training);
    let (rows, width) = (data.rows(), data.width());
    let recipe = Recipe::new(args.preset, &args.model, &given, args.points, rows, width)?;
    let device = context.device().await?;
    let statistics = train::statistics(context, &*data)?;
    let data: Arc<dyn Source> = data;
    let ingredients = Ingredients::new(data.clone(), recipe.training.normalize, statistics);

    let asked = Asked { preset: args.preset, model: &args.model, given: &given, recipe: &recipe };
    let first = recipe.training.seed;
    let seeds: Vec<u64> = (0..args.seeds).map(|i| first.wrapping_add(i)).collect();
    let points = all_points(context, &device, &recipe, &ingredients, &seeds).await?;
    let arms = arms::all(
        !args.no_baselines,
        args.points_of != PointsOf::Shared,
        args.points_of != PointsOf::Independent,
    );
    let mut lines = Vec::new();
    for wave in waves(&device, &arms, &recipe, &ingredients, seeds.len())? {
        let models = Models { asked: &asked, device: &device, data: &ingredients, points: &points };
        for (arm, trained) in models.train(context, &wave, &seeds).await? {
            let task = context.reporter.task("measure", 1);
            let line = measure::measure(&device, &data, arm, trained).await?;
            task.done(&format!("{}, {} points", arm.kind.title(), arm.points.title()));
            lines.push(line);
        }
    }
    let report = Report {
        data: args.data.name(),
        rows,
        width,
        model: recipe.model.clone(),
        training: recipe.training.clone(),
        delta_relative: recipe.delta_relative,
        seeds,
        lines,
        seconds: started.elapsed().as_secs_f64(),
    };
    if let Some(out) = &args.out {
        page::write(out, &report)?;
        context.reporter.note(&format!("the report with its plots is in {}", out.display()));
    }
    match context.common.json {
        true => output::print_json(&report),
        false => output::print(&show::table(&report)),
    }
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
        task.at(i as u64);
        points.push(recipe.points(device, data, seed, &mut |_| {}).await?);
    }
    let count = recipe.model.nb_points().unwrap_or(0) as u64;
    task.done(&format!("{} centres for each of {} seeds", text::count(count), seeds.len()));
    Ok(points)
}

/// Arms that fit into memory together, as many at once as possible.
fn waves(
    device: &Device,
    arms: &[Arm],
    recipe: &Recipe,
    data: &Ingredients,
    seeds: usize,
) -> Outcome<Vec<Vec<Arm>>> {
    let rows = data.source.rows();
    memory::check(device, &recipe.model, &recipe.training, rows)?;
    let one = memory::needed(&recipe.model, &recipe.training, rows)?.saturating_mul(seeds as u64);
    let at_once = memory::fitting(one).clamp(1, arms.len());
    Ok(arms.chunks(at_once).map(<[Arm]>::to_vec).collect())
}

/// What models are made from.
struct Models<'a> {
    asked: &'a Asked<'a>,
    device: &'a Device,
    data: &'a Ingredients,
    points: &'a [Vec<f32>],
}

impl Models<'_> {
    /// Trains all seeds of all arms of a wave side by side.
    async fn train(
        &self,
        context: &Context,
        wave: &[Arm],
        seeds: &[u64],
    ) -> Outcome<Vec<(Arm, Trained)>> {
        let Self { asked, device, data, points } = self;
        let mut trainers: Vec<Trainer> = Vec::new();
        let mut at_start = Vec::new();
        let task = context.reporter.task("models", (wave.len() * seeds.len()) as u64);
        for arm in wave {
            let recipe = asked.recipe_of(arm.kind, data)?;
            for (i, &seed) in seeds.iter().enumerate() {
                let own = match arm.points {
                    Points::Shared => &points[0],
                    _ => &points[i],
                };
                let sae = asked.model_of(arm.kind, device, data, own, seed).await?;
                at_start.push(sae.dictionary().await?);
                trainers.push(recipe.trainer(sae, data)?);
                task.at(trainers.len() as u64);
            }
        }
        task.done(&format!("{} models to train side by side", trainers.len()));
        let trained = self.step(context, trainers).await?;
        let mut models = trained.into_iter().map(Trainer::into_sae);
        let mut starts = at_start.into_iter();
        let each = wave.iter().map(|&arm| {
            let of_arm = Trained {
                at_start: starts.by_ref().take(seeds.len()).collect(),
                models: models.by_ref().take(seeds.len()).collect(),
            };
            (arm, of_arm)
        });
        Ok(each.collect())
    }

    async fn step(&self, context: &Context, trainers: Vec<Trainer>) -> Outcome<Vec<Trainer>> {
        let loader = self.asked.recipe.loader(self.data)?;
        let count = trainers.len();
        let mut all = SideBySide::new(trainers, loader)?;
        let task = context.reporter.task("train", 1000);
        while all.step().await? {
            task.at((all.progress() * 1000.0) as u64);
            for (_, event) in all.take_events() {
                if let archetypal::train::Event::Warning { message } = event {
                    context.reporter.warn(&message);
                }
            }
        }
        task.done(&format!("{count} models, {} epochs", self.asked.recipe.training.epochs));
        Ok(all.into_trainers())
    }
}
