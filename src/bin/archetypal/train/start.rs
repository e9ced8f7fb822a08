//! A fresh run: from data to a trainer.

use super::{Args, PointsChoice, Prepared};
use crate::{Context, checkpoint, failure::Outcome, memory, text};
use archetypal::{
    Device, Error,
    checkpoint::Checkpoint,
    data::{DataSet, MatrixFile, Normalize, Normalizer, Source, Statistics, read_normalized},
    points::{self, Method},
    sae::{Sae, SaeSettings, Selection, Thresholds},
    train::{DataFacts, TrainSettings, Trainer},
};
use std::path::Path;

/// The trainer of a fresh run. All that can be refused is refused before the data are read.
pub async fn prepare(context: &Context, args: &Args) -> Outcome<Prepared> {
    let mut training = args.training.clone();
    training.validate()?;
    let data = args.data.open()?;
    training.schedule.check(training.total_steps(data.rows()))?;
    let origin = Origin::of(context, args, &data, &mut training)?;
    training.whole_loss()?.check_model(origin.settings())?;
    let device = context.device().await?;
    let batch = training.largest_batch(data.rows());
    memory::check(&device, origin.settings(), &training.whole_loss()?, batch)?;

    let statistics = statistics(context, &*data)?;
    let (sae, warnings) = origin.build(context, &device, &data, &statistics, &training).await?;
    let facts = DataFacts::new(&statistics, sae.normalizer());
    if facts.row_variance <= 0.0 {
        return Err(super::never_varies(args));
    }
    let trainer = Trainer::new(sae, training, facts)?;
    Ok(Prepared { trainer, source: data, warnings })
}

/// Where the parameters come from.
enum Origin {
    Fresh { settings: SaeSettings, points: PointsFrom },
    Init { settings: SaeSettings, file: Box<Checkpoint> },
}

enum PointsFrom {
    /// A free dictionary needs none.
    Nowhere,
    KMeans(usize),
    File(MatrixFile),
}

impl Origin {
    fn of(
        context: &Context,
        args: &Args,
        data: &DataSet,
        training: &mut TrainSettings,
    ) -> Outcome<Self> {
        if let Some(path) = &args.init {
            return Self::init(context, args, path, data, training);
        }
        let (count, points) = match &args.points {
            None if !args.model.is_archetypal() => (0, PointsFrom::Nowhere),
            Some(_) if !args.model.is_archetypal() => {
                let allowed = "left out, for a free dictionary is not made of points";
                let hint = "Choose --model ra-topk, ra-jump or ra-batch-topk, or drop it.";
                return Err(Error::setting("points", "given", allowed, hint).into());
            }
            None => {
                let count = args.model.nb_points(data.width(), data.rows());
                (count, PointsFrom::KMeans(count))
            }
            Some(PointsChoice::Count(count)) => {
                enough_rows("points", *count, data.rows())?;
                (*count, PointsFrom::KMeans(*count))
            }
            Some(PointsChoice::File(path)) => {
                let file = open_points(path, data)?;
                (file.rows(), PointsFrom::File(file))
            }
        };
        Ok(Self::Fresh { settings: args.model.resolve(data.width(), count)?, points })
    }

    fn init(
        context: &Context,
        args: &Args,
        path: &Path,
        data: &DataSet,
        training: &mut TrainSettings,
    ) -> Outcome<Self> {
        let file = checkpoint::open(path)?;
        let base = file.settings(&Default::default())?;
        base.validate().map_err(|error| checkpoint::damaged(&file, &error))?;
        args.data.check_width(data, base.input_shape, path)?;
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
        training.normalize = normalize;
        if let Selection::Jump { thresholds: Thresholds::Direct, .. } = base.selection {
            // They were trained, and would be lost.
            training.threshold_warmup = training.threshold_warmup.or(Some(0));
        }
        let settings = args.model.resolve_over(&base)?;
        Ok(Self::Init { settings, file: Box::new(file) })
    }

    fn settings(&self) -> &SaeSettings {
        let (Self::Fresh { settings, .. } | Self::Init { settings, .. }) = self;
        settings
    }

    async fn build(
        self,
        context: &Context,
        device: &Device,
        data: &DataSet,
        statistics: &Statistics,
        training: &TrainSettings,
    ) -> Outcome<(Sae, Vec<String>)> {
        match self {
            Self::Init { settings, file } => Ok((file.sae_with(device, settings)?, Vec::new())),
            Self::Fresh { settings, points } => {
                let normalizer = Normalizer::new(training.normalize, statistics);
                let points = match points {
                    PointsFrom::Nowhere => Vec::new(),
                    PointsFrom::KMeans(count) => {
                        kmeans(context, device, data, &normalizer, count, training.seed).await?
                    }
                    PointsFrom::File(file) => read_all(&file, &normalizer)?,
                };
                let mut sae = Sae::initial(device, settings, points, training.seed)?;
                sae.set_normalizer(normalizer)?;
                Ok((sae, warnings(statistics)))
            }
        }
    }
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
