//! `archetypal sweep`.

mod log;
mod variants;

use crate::{
    Context, eval, failure::Outcome, interrupt, memory, options, options::DataArgs, output, text,
    train,
};
use archetypal::{
    Device,
    checkpoint::{self, Contents},
    data::Source,
    recipe::{Ingredients, Preset, Recipe},
    sae::ModelKind,
    train::{SideBySide, TrainSettings, Trainer},
};
use clap::builder::RangedU64ValueParser;
use log::{Line, SweepLog};
use std::{collections::BTreeMap, fmt::Write, path::PathBuf, sync::Arc};
use variants::{Grid, Variant};

const LONG_ABOUT: &str = "\
Train every combination of some settings and judge each

As many models as fit into memory are trained at once on the same batches. Each is judged on the data as by `archetypal \
eval` and becomes a line of JSON in --out once those trained with it are done; --at-once 1 writes every line as soon as it can. What that file holds already is not trained again, so that a sweep that was \
stopped goes on with the same command, and one with more values trains only what is new.";

/// Train every combination of some settings and judge each
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Where the results go, a line of JSON a model
    #[arg(long, short, value_name = "FILE.jsonl")]
    out: PathBuf,
    /// Save every model in this folder, under the name that the table has for it [default: none is saved]
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
}

/// A model to train.
struct Job {
    variant: Variant,
    recipe: Recipe,
}

/// Centres that were found, by their number and seed.
type Points = BTreeMap<(Option<usize>, u64), Vec<f32>>;

pub async fn run(context: &Context, args: Args) -> Outcome {
    interrupt::install()?;
    options::refuse_input(&args.out, &args.data, &[])?;
    let data = args.data.open()?;
    let (rows, width, name) = (data.rows(), data.width(), args.data.name());
    let given = train::given(context, &args.training);
    // Every combination is checked before a file is made and the first is trained.
    let all = args.grid.variants().into_iter().map(|variant| {
        let recipe = variant.recipe(args.preset, args.model, &given, rows, width)?;
        Ok(Job { variant, recipe })
    });
    let mut jobs = all.collect::<Result<Vec<Job>, archetypal::Error>>()?;
    let (mut log, asked) = (SweepLog::open(&args.out)?, jobs.len());
    jobs.retain(|Job { variant, recipe }| !log.holds(&name, rows, variant, recipe));
    let done = asked - jobs.len();
    if done > 0 {
        let file = args.out.display();
        context
            .reporter
            .note(&format!("{done} models are in {file} already, {} to train", jobs.len()));
    }
    if !jobs.is_empty() {
        if let Some(folder) = &args.save {
            std::fs::create_dir_all(folder)
                .map_err(|error| archetypal::Error::io("write", folder, error))?;
        }
        let sweep = Sweep::new(context, &args, data).await?;
        sweep.run(jobs, &mut log).await?;
    }
    match context.common.json {
        true => output::print_json(&log.lines),
        false => output::print(&table(&log.lines)),
    }
}

/// What all models share.
struct Sweep<'a> {
    context: &'a Context,
    args: &'a Args,
    device: Device,
    data: Ingredients,
}

impl<'a> Sweep<'a> {
    async fn new(context: &'a Context, args: &'a Args, data: Arc<dyn Source>) -> Outcome<Self> {
        let device = context.device().await?;
        let statistics = train::statistics(context, &*data)?;
        let data = Ingredients::new(data, args.training.normalize, statistics);
        Ok(Self { context, args, device, data })
    }

    async fn run(&self, mut jobs: Vec<Job>, log: &mut SweepLog) -> Outcome {
        interrupt::listen();
        let mut points = Points::new();
        let total = jobs.len();
        while !jobs.is_empty() && !interrupt::requested() {
            let wave: Vec<Job> = jobs.drain(..self.wave(&jobs)?).collect();
            let first = total - jobs.len() - wave.len() + 1;
            let title = format!("train {first} to {} of {total}", total - jobs.len());
            let trainers = self.trainers(&wave, &mut points).await?;
            let Some(trained) = self.train(trainers, &wave[0].recipe, &title).await? else { break };
            for (job, trainer) in wave.into_iter().zip(trained) {
                log.add(self.judge(job, trainer).await?)?;
            }
        }
        if interrupt::requested() {
            let problem = format!(
                "stopped; {} holds what was done. The same command goes on from there.",
                self.args.out.display()
            );
            return Err(crate::failure::Failure::Interrupted(problem));
        }
        Ok(())
    }

    /// How many of the next jobs to do at once.
    fn wave(&self, jobs: &[Job]) -> Outcome<usize> {
        if let Some(count) = self.args.at_once {
            return Ok(count.min(jobs.len()));
        }
        let mut largest = 0;
        for (count, Job { recipe, .. }) in jobs.iter().enumerate() {
            let rows = self.data.source.rows();
            if count == 0 {
                memory::check(&self.device, &recipe.model, &recipe.training, rows)?;
            }
            largest = memory::needed(&recipe.model, &recipe.training, rows)?.max(largest);
            if count > 0 && count + 1 > memory::fitting(largest) {
                return Ok(count);
            }
        }
        Ok(jobs.len())
    }

    async fn trainers(&self, wave: &[Job], points: &mut Points) -> Outcome<Vec<Trainer>> {
        let Self { context, device, data, .. } = self;
        let task = context.reporter.task("models", wave.len() as u64);
        let mut trainers = Vec::new();
        for (i, Job { variant, recipe }) in wave.iter().enumerate() {
            task.at(i as u64);
            let key = (recipe.model.nb_points(), variant.seed);
            let own = match points.get(&key) {
                Some(found) => found.clone(),
                None => {
                    let found = recipe.points(device, data, variant.seed, &mut |_| {}).await?;
                    points.entry(key).or_insert(found).clone()
                }
            };
            let sae = recipe.sae(device, data, own, variant.seed).await?;
            trainers.push(recipe.trainer(sae, data)?);
        }
        task.done(&format!("{} models with their points", wave.len()));
        Ok(trainers)
    }

    /// The trained ones, or nothing if Ctrl-C came first.
    async fn train(
        &self,
        trainers: Vec<Trainer>,
        recipe: &Recipe,
        title: &str,
    ) -> Outcome<Option<Vec<Trainer>>> {
        let mut all = SideBySide::new(trainers, recipe.loader(&self.data)?)?;
        let task = self.context.reporter.task("train", 1000);
        while all.step().await? {
            if interrupt::requested() {
                return Ok(None);
            }
            task.at((all.progress() * 1000.0) as u64);
            for (_, event) in all.take_events() {
                if let archetypal::train::Event::Warning { message } = event {
                    self.context.reporter.warn(&message);
                }
            }
        }
        task.done(title);
        Ok(Some(all.into_trainers()))
    }

    async fn judge(&self, job: Job, trainer: Trainer) -> Outcome<Line> {
        let Job { variant, recipe } = job;
        let mut sae = trainer.into_sae();
        sae.eval()?;
        let figures = eval::evaluation(self.context, &sae, self.data.source.clone()).await?;
        if let Some(folder) = &self.args.save {
            let path = folder.join(variant.name() + ".safetensors");
            checkpoint::save(&path, Contents::Model(&sae, Some(&recipe.training))).await?;
        }
        let model = sae.settings().clone();
        Ok(Line {
            data: self.args.data.name(),
            variant,
            model,
            delta_relative: recipe.delta_relative,
            training: recipe.training,
            figures,
        })
    }
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
