//! A fresh run: from data to a trainer.

use super::{Args, PointsChoice, Prepared};
use crate::{Context, checkpoint, failure::Outcome, memory, text};
use archetypal::{
    Device, Error,
    checkpoint::Checkpoint,
    data::{DataSet, MatrixFile, Normalize, Normalizer, Source, Statistics, read_normalized},
    points::{self, Method},
    recipe::{Given, Ingredients, Preset, Recipe},
    sae::{Sae, SaeSettings, Selection, Start, Thresholds},
    train::{DataFacts, TrainSettings, Trainer},
};
use std::{path::Path, sync::Arc};

/// The trainer of a fresh run. All that can be refused is refused before the data are read.
pub async fn prepare(context: &Context, args: &Args) -> Outcome<Prepared> {
    let data = args.data.open()?;
    let origin = Origin::of(context, args, &data)?;
    let training = origin.training();
    let device = context.device().await?;
    memory::check(&device, origin.settings(), training, data.rows())?;

    let statistics = statistics(context, &*data)?;
    if !varies(&statistics, &Normalizer::new(training.normalize, &statistics)) {
        return Err(super::never_varies(args));
    }
    let ingredients = Ingredients::new(data.clone(), training.normalize, statistics);
    let warnings = origin.warnings(&ingredients.statistics);
    let trainer = origin.trainer(context, &device, &data, &ingredients).await?;
    Ok(Prepared { trainer, source: data, warnings })
}

/// Where the parameters come from.
enum Origin {
    Fresh { recipe: Box<Recipe>, points: PointsFrom },
    Init { settings: SaeSettings, training: Box<TrainSettings>, file: Box<Checkpoint> },
}

enum PointsFrom {
    /// Centres of k-means; none for a free dictionary.
    KMeans,
    File(MatrixFile),
}

/// The training settings that stand on the command line.
pub fn given(context: &Context, training: &TrainSettings) -> Given {
    let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(training) else {
        unreachable!("settings are a struct of plain data")
    };
    fields.into_iter().filter(|(name, _)| context.given.contains(name)).collect()
}

impl Origin {
    fn of(context: &Context, args: &Args, data: &DataSet) -> Outcome<Self> {
        let given = given(context, &args.training);
        if let Some(path) = &args.init {
            return Self::init(context, args, path, data, &given);
        }
        let (count, points) = match &args.points {
            Some(_) if !args.model.is_archetypal() => {
                let allowed = "left out, for a free dictionary is not made of points";
                let hint = "Choose --model ra-topk, ra-jump or ra-batch-topk, or drop it.";
                return Err(Error::setting("points", "given", allowed, hint).into());
            }
            None => (None, PointsFrom::KMeans),
            Some(PointsChoice::Count(count)) => {
                enough_rows("points", *count, data.rows())?;
                (Some(*count), PointsFrom::KMeans)
            }
            Some(PointsChoice::File(path)) => {
                let file = open_points(path, data)?;
                (Some(file.rows()), PointsFrom::File(file))
            }
        };
        let (rows, width) = (data.rows(), data.width());
        let recipe = Recipe::new(args.preset, &args.model, &given, count, rows, width)?;
        Ok(Self::Fresh { recipe: Box::new(recipe), points })
    }

    fn init(
        context: &Context,
        args: &Args,
        path: &Path,
        data: &DataSet,
        given: &Given,
    ) -> Outcome<Self> {
        let file = checkpoint::open(path)?;
        let base = file.settings(&Default::default())?;
        base.validate().map_err(|error| checkpoint::damaged(&file, &error))?;
        args.data.check_width(data, base.input_shape, path)?;
        let mut training = args.training.clone();
        let stored = file.manifest().and_then(|manifest| manifest.training.as_ref());
        let normalize = stored.map_or(Normalize::None, |stored| stored.normalize);
        if context.given.iter().any(|id| id == "normalize") && training.normalize != normalize {
            return Err(Error::setting(
                "normalize",
                format!("{:?}", training.normalize).to_lowercase(),
                format!("{normalize:?}, as in {}", path.display()).to_lowercase(),
                "The parameters that it starts from belong to that space; leave the option out.",
            )
            .into());
        }
        if context.given.iter().any(|id| id == "start") && args.training.start == Start::Matched {
            let allowed = "left out, for the initial values are those of the file";
            return Err(Error::setting("start", "matched", allowed, "Drop it, or --init.").into());
        }
        let settings = args.model.resolve_over(&base)?;
        // Its codes have the right size already, so that nothing of what a matched start needs is wanted.
        training =
            Preset::Reference.training(&args.model, 0, settings.input_shape, data.rows(), given)?;
        training.normalize = normalize;
        if let Selection::Jump { thresholds: Thresholds::Direct, .. } = base.selection {
            // They were trained, and would be lost.
            training.threshold_warmup = training.threshold_warmup.or(Some(0));
        }
        training.schedule.check(training.total_steps(data.rows()))?;
        training.check_model(&settings)?;
        training.lr_factors.check_model(&settings)?;
        Ok(Self::Init { settings, training: Box::new(training), file: Box::new(file) })
    }

    fn settings(&self) -> &SaeSettings {
        match self {
            Self::Fresh { recipe, .. } => &recipe.model,
            Self::Init { settings, .. } => settings,
        }
    }

    fn training(&self) -> &TrainSettings {
        match self {
            Self::Fresh { recipe, .. } => &recipe.training,
            Self::Init { training, .. } => training,
        }
    }

    fn warnings(&self, statistics: &Statistics) -> Vec<String> {
        match self {
            Self::Fresh { .. } => warnings(statistics),
            Self::Init { .. } => Vec::new(),
        }
    }

    async fn trainer(
        self,
        context: &Context,
        device: &Device,
        data: &Arc<DataSet>,
        ingredients: &Ingredients,
    ) -> Outcome<Trainer> {
        match self {
            Self::Init { settings, training, file } => {
                let sae = file.sae_with(device, settings)?;
                let facts = DataFacts::new(&ingredients.statistics, sae.normalizer());
                Ok(Trainer::new(sae, *training, facts)?)
            }
            Self::Fresh { recipe, points } => {
                let (normalizer, seed) = (&ingredients.normalizer, recipe.training.seed);
                let points = match (points, recipe.model.nb_points()) {
                    (PointsFrom::File(file), _) => read_all(&file, normalizer)?,
                    (PointsFrom::KMeans, None) => Vec::new(),
                    (PointsFrom::KMeans, Some(count)) => {
                        kmeans(context, device, &**data, normalizer, count, seed).await?
                    }
                };
                let sae = initial(context, device, &recipe, ingredients, points).await?;
                Ok(recipe.trainer(sae, ingredients)?)
            }
        }
    }
}

/// The fresh model of a recipe over these points.
pub async fn initial(
    context: &Context,
    device: &Device,
    recipe: &Recipe,
    ingredients: &Ingredients,
    points: Vec<f32>,
) -> Outcome<Sae> {
    let task = context.reporter.task("start", 1);
    let seed = recipe.training.seed;
    let sae = recipe.sae(device, ingredients, points, seed, &mut task.within(0)).await?;
    let start = match recipe.training.start {
        Start::Reference => "a random encoder",
        Start::Matched => "an encoder matched to the atoms",
    };
    task.done(start);
    Ok(sae)
}

/// Whether there is anything to learn.
fn varies(statistics: &Statistics, normalizer: &Normalizer) -> bool {
    DataFacts::new(statistics, normalizer).row_variance > 0.0
}

/// Refuses a number of points that a set of `rows` rows cannot give; `setting` is the option that asked for it.
pub fn enough_rows(setting: &'static str, points: usize, rows: usize) -> Outcome {
    if (1..=rows).contains(&points) {
        return Ok(());
    }
    let hint = "There are fewer rows than points: ask for fewer points, or give more data.";
    let hint = if points == 0 { "Atoms are blends of points." } else { hint };
    let allowed = format!("between 1 and the number of rows, {rows}");
    Err(Error::setting(setting, points, allowed, hint).into())
}

fn open_points(path: &Path, data: &DataSet) -> Outcome<MatrixFile> {
    let file = MatrixFile::open(path, None)?;
    if file.width() != data.width() {
        return Err(Error::shape(
            path.display().to_string(),
            &[file.rows(), file.width()],
            &[file.rows(), data.width()],
            "Points must have the width of the data; make them from the same layer.",
        )
        .into());
    }
    Ok(file)
}

fn read_all(file: &MatrixFile, normalizer: &Normalizer) -> Outcome<Vec<f32>> {
    let rows: Vec<usize> = (0..file.rows()).collect();
    let mut points = vec![0.0; file.rows() * file.width()];
    read_normalized(file, normalizer, &rows, &mut points)?;
    Ok(points)
}

/// Mean and variance of every dimension; finds what is not finite.
pub fn statistics(context: &Context, data: &dyn Source) -> Outcome<Statistics> {
    let task = context.reporter.task("statistics", data.rows() as u64);
    let statistics = Statistics::compute_with(data, |rows| task.at(rows as u64))?;
    let rows = text::count(statistics.rows as u64);
    task.done(&format!("{rows} rows of {} dimensions", data.width()));
    Ok(statistics)
}

/// k-means centres of the normalised data.
pub async fn kmeans(
    context: &Context,
    device: &Device,
    data: &dyn Source,
    normalizer: &Normalizer,
    count: usize,
    seed: u64,
) -> Outcome<Vec<f32>> {
    let task = context.reporter.task("points", count as u64);
    let mut iterations = 0;
    let mut tell = |progress| match progress {
        points::Progress::Seeding { done, .. } => task.at(done as u64),
        points::Progress::Iteration { iteration, error, .. } => {
            iterations = iteration;
            task.say(format!("k-means, iteration {iteration}, error {}", text::figure(error)));
        }
    };
    let found =
        points::find(device, data, normalizer, Method::Kmeans, count, seed, &mut tell).await?;
    task.done(&format!("{} centres in {iterations} iterations", text::count(count as u64)));
    Ok(found)
}

fn warnings(statistics: &Statistics) -> Vec<String> {
    let constant = statistics.variance.iter().filter(|&&variance| variance == 0.0).count();
    if constant == 0 {
        return Vec::new();
    }
    let of = statistics.variance.len();
    vec![format!("{constant} of {of} dimensions never vary; they are centred and left at that")]
}
