//! From data to a model in training, as the command does it.

use super::{
    JsResult,
    data::Data,
    device::Device,
    model::{Held, Model},
    options::Options,
    points,
    training::Training,
};
use crate::{
    checkpoint::Checkpoint,
    data::{Normalizer, Source, Statistics},
    device,
    error::{Error, Result},
    points::Method,
    sae::{ModelSettings, Sae},
    train::{DataFacts, TrainSettings, Trainer},
};
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// What is to be made.
struct Plan {
    model: ModelSettings,
    training: TrainSettings,
    points: Option<usize>,
}

impl Plan {
    fn parse(options: &str) -> Result<Self> {
        let mut options = Options::parse(options)?;
        let plan = Self {
            points: options.take("points")?,
            model: options.take_fields()?,
            training: options.take_fields()?,
        };
        options.finish()?;
        Ok(plan)
    }

    /// The number of points; 0 for a free dictionary.
    fn points(&self, source: &dyn Source) -> usize {
        match self.model.is_archetypal() {
            true => {
                self.points.unwrap_or_else(|| self.model.nb_points(source.width(), source.rows()))
            }
            false => 0,
        }
    }
}

#[wasm_bindgen]
impl Model {
    /// A model in training: statistics, normalisation, points, then the first step to come. The options are
    /// `ModelSettings`, `TrainSettings` and `points`, how many. `on_progress(phase, done, of)` hears how far it is.
    pub async fn fit(
        data: Data,
        device: Device,
        options: String,
        on_progress: Option<Function>,
    ) -> JsResult<Model> {
        let (source, device) = (&*data.source, device.inner);
        let plan = Plan::parse(&options)?;
        let training = plan.training.clone();
        training.validate()?;
        training.schedule.check(training.total_steps(source.rows()))?;
        let count = plan.points(source);
        let settings = plan.model.resolve(source.width(), count)?;
        training.whole_loss()?.check_model(&settings)?;

        let rows = source.rows();
        let tell = |done| points::tell(on_progress.as_ref(), "statistics", done, rows);
        let statistics = Statistics::compute_breathing(source, tell).await?;
        let normalizer = Normalizer::new(training.normalize, &statistics);
        let found =
            points_of(&device, source, &normalizer, count, training.seed, on_progress.as_ref());
        let mut sae = Sae::initial(&device, settings, found.await?, training.seed)?;
        let facts = DataFacts::new(&statistics, &normalizer);
        refuse_constant(&data, facts)?;
        sae.set_normalizer(normalizer)?;
        let trainer = Trainer::new(sae, training.clone(), facts)?;
        let run = Training::new(trainer, data.source.clone(), warnings(&statistics))?;
        Ok(Self { held: Held::Training(Box::new(run)), trained: Some(training) })
    }

    /// The unfinished run in the bytes of a file, on the same data.
    pub fn resume(device: &Device, data: &Data, bytes: Vec<u8>) -> JsResult<Model> {
        let trainer = Checkpoint::from_bytes("the checkpoint", bytes)?.trainer(&device.inner)?;
        let trained = Some(trainer.settings().clone());
        let run = Training::new(trainer, data.source.clone(), Vec::new())?;
        Ok(Self { held: Held::Training(Box::new(run)), trained })
    }
}

async fn points_of(
    device: &device::Device,
    source: &dyn Source,
    normalizer: &Normalizer,
    count: usize,
    seed: u64,
    on_progress: Option<&Function>,
) -> Result<Vec<f32>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    let mut tell = |progress| points::report(on_progress, progress);
    crate::points::find(device, source, normalizer, Method::Kmeans, count, seed, &mut tell).await
}

/// Data without variance: every R² would be 0/0.
pub(super) fn refuse_constant(data: &Data, facts: DataFacts) -> Result<()> {
    if facts.row_variance > 0.0 {
        return Ok(());
    }
    let hint = "There is nothing to learn from; are these the right activations?";
    Err(Error::file(data.name(), "all rows are the same", hint))
}

fn warnings(statistics: &Statistics) -> Vec<String> {
    let constant = statistics.variance.iter().filter(|&&variance| variance == 0.0).count();
    if constant == 0 {
        return Vec::new();
    }
    let of = statistics.variance.len();
    vec![format!("{constant} of {of} dimensions never vary; they are centred and left at that")]
}
