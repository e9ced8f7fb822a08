//! From data to a model in training, as the command does it.

use super::{
    JsResult, data::Data, device::Device, model::Model, options::Options, points,
    training::Training,
};
use crate::{
    checkpoint::Checkpoint,
    data::{Source, Statistics},
    error::Result,
    recipe::{Ingredients, Recipe},
    sae::ModelSettings,
};
use js_sys::Function;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Model {
    /// A model in training: statistics, normalisation, points, initial values, kernels, then the first step to come. The
    /// options are those of `ModelSettings` and `TrainSettings`, `preset`, and `points`, how many.
    /// `on_progress(phase, done, of)` hears how far it is.
    pub async fn fit(
        data: Data,
        device: Device,
        options: String,
        on_progress: Option<Function>,
    ) -> JsResult<Model> {
        let (source, device) = (data.source, device.inner);
        let recipe = recipe(&options, &*source)?;
        let (training, rows) = (recipe.training.clone(), source.rows());
        let on_progress = on_progress.as_ref();
        let tell = |done| points::tell(on_progress, "statistics", done, rows);
        let statistics = Statistics::compute_breathing(&*source, tell).await?;
        let warnings = warnings(&statistics);
        let data = Ingredients::new(source, training.normalize, statistics);
        let mut report = |progress| points::report(on_progress, progress);
        let points = recipe.points(&device, &data, training.seed, &mut report).await?;
        let mut tell = |done, of| points::tell(on_progress, "start", done, of);
        let sae = recipe.sae(&device, &data, points, training.seed, &mut tell).await?;
        let trainer = recipe.trainer(sae, &data)?;
        let mut tell = |done, of| points::tell(on_progress, "kernels", done, of);
        let run = Training::new(trainer, data.source, warnings, &mut tell).await?;
        Ok(Self::in_training(run, training))
    }

    /// The unfinished run in the bytes of a file, on the same data.
    pub async fn resume(device: Device, data: Data, bytes: Vec<u8>) -> JsResult<Model> {
        let trainer = Checkpoint::from_bytes("the checkpoint", bytes)?.trainer(&device.inner)?;
        let settings = trainer.settings().clone();
        let run = Training::new(trainer, data.source, Vec::new(), &mut |_, _| {}).await?;
        Ok(Self::in_training(run, settings))
    }
}

/// What is asked for, resolved for these data.
fn recipe(options: &str, source: &dyn Source) -> Result<Recipe> {
    let mut options = Options::parse(options)?;
    let preset = options.take("preset")?.unwrap_or_default();
    let points = options.take("points")?;
    let model: ModelSettings = options.take_fields()?;
    Recipe::new(preset, &model, &options.rest(), points, source.rows(), source.width())
}

fn warnings(statistics: &Statistics) -> Vec<String> {
    let constant = statistics.variance.iter().filter(|&&variance| variance == 0.0).count();
    if constant == 0 {
        return Vec::new();
    }
    let of = statistics.variance.len();
    vec![format!("{constant} of {of} dimensions never vary; they are centred and left at that")]
}
