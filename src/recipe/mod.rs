//! From data to a model in the making: what the command does before the first step, for every program.
//!
//! ```
//! use archetypal::{
//!     Device,
//!     data::InMemory,
//!     recipe::{Given, Preset, Recipe},
//!     sae::ModelSettings,
//! };
//! use std::sync::Arc;
//! # pollster::block_on(async {
//! let rows: Vec<f32> = (0..600 * 8).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
//! let data = Arc::new(InMemory::new("activations", 8, rows)?);
//! let model = ModelSettings { concepts: Some(32), top_k: Some(4), ..Default::default() };
//! let given: Given = [("epochs".to_owned(), 3.into())].into_iter().collect();
//! let recipe = Recipe::new(Preset::Recommended, &model, &given, None, 600, 8)?;
//! let mut run = recipe.run(&Device::cpu(), data, &mut |_| {}).await?;
//! while run.step().await? {}
//! let sae = run.into_trainer().into_sae();
//! # assert_eq!(sae.settings().nb_points(), Some(32));
//! # Ok::<(), archetypal::Error>(()) }).unwrap();
//! ```

mod ingredients;
mod preset;

pub use ingredients::Ingredients;
pub use preset::{Given, Preset};

use crate::{
    data::{Loader, Shuffle, Source},
    device::Device,
    error::{Error, Result},
    points::{self, Method},
    progress::part,
    sae::{DictionaryKind, ModelSettings, Sae, SaeSettings, Samples, StateDict},
    train::{DataFacts, Run, TrainSettings, Trainer},
};
use std::sync::Arc;

/// What is made before the first step.
#[derive(Clone, Copy, Debug)]
pub enum Stage {
    /// Statistics: so many rows are read.
    Statistics(usize),
    /// Points are looked for.
    Points(points::Progress),
    /// Initial values are found: how much of that is done, and of how much.
    Start(usize, usize),
}

/// A model and its training, all settings resolved for one set of data.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// The model. Its δ is provisional where [`Recipe::delta_relative`] is given.
    pub model: SaeSettings,
    /// δ as a share of the points' mean norm, from which [`Recipe::sae`] takes it.
    pub delta_relative: Option<f32>,
    /// Its training.
    pub training: TrainSettings,
}

impl Recipe {
    /// Settings for a set of `rows` rows of `width` values: what is given, and `preset` for the rest. `nb_points` is for
    /// archetypal models only.
    ///
    /// # Errors
    /// [`Error::Setting`] where something given is out of range, or does not go with this kind of model.
    pub fn new(
        preset: Preset,
        model: &ModelSettings,
        given: &Given,
        nb_points: Option<usize>,
        rows: usize,
        width: usize,
    ) -> Result<Self> {
        let model = preset.model(model, width);
        let nb_points = nb_points.unwrap_or_else(|| preset.nb_points(&model, width, rows));
        let training = preset.training(&model, nb_points, width, rows, given)?;
        training.schedule.check(training.total_steps(rows))?;
        let delta_relative = model.delta_relative;
        let model = model.resolve(width, nb_points)?;
        training.check_model(&model)?;
        if given.contains_key("lr_factors") {
            training.lr_factors.check_model(&model)?;
        }
        if model.nb_points().is_some_and(|points| points > rows) {
            let hint = "There are fewer rows than points: ask for fewer points, or give more data.";
            let allowed = format!("between 1 and the number of rows, {rows}");
            return Err(Error::setting("points", nb_points, allowed, hint));
        }
        Ok(Self { model, delta_relative, training })
    }

    /// The points of an archetypal model by k-means, [N, d] in the space of the normalised data; none for a free
    /// dictionary.
    ///
    /// # Errors
    /// As [`points::find`].
    pub async fn points(
        &self,
        device: &Device,
        data: &Ingredients,
        seed: u64,
        on_progress: &mut dyn FnMut(points::Progress),
    ) -> Result<Vec<f32>> {
        let Some(count) = self.model.nb_points() else { return Ok(Vec::new()) };
        let Ingredients { source, normalizer, .. } = data;
        points::find(device, &**source, normalizer, Method::Kmeans, count, seed, on_progress).await
    }

    /// The fresh model over `points`, with its normalisation. For a free dictionary `points` are the atoms that it
    /// starts from, [K, d], or empty for random ones. A matched start takes a while, the most where there are more
    /// concepts than points, for it then looks for centres that the atoms begin near: `on_progress` gets how much is
    /// done, of how much.
    ///
    /// # Errors
    /// [`Error::Shape`] if `points` are not [N, d]; [`Error::TooLarge`], [`Error::Device`], and those of reading.
    pub async fn sae(
        &self,
        device: &Device,
        data: &Ingredients,
        points: Vec<f32>,
        seed: u64,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Sae> {
        let mut settings = self.model.clone();
        if let (DictionaryKind::Archetypal { delta, .. }, Some(share)) =
            (&mut settings.dictionary, self.delta_relative)
        {
            *delta = share * mean_norm(&points, settings.input_shape);
            if points.len() == settings.input_shape {
                check_delta(*delta, share, data)?;
            }
        }
        let state = match settings.nb_points() {
            None if !points.is_empty() => {
                StateDict::initial_from(&settings, Vec::new(), Some(points), seed)?
            }
            _ => StateDict::initial(&settings, points, seed)?,
        };
        self.started(device, data, settings, state, seed, on_progress).await
    }

    /// The model of these initial values, once the start has changed them.
    async fn started(
        &self,
        device: &Device,
        data: &Ingredients,
        settings: SaeSettings,
        mut state: StateDict,
        seed: u64,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Sae> {
        let start = self.training.start;
        let rows = data.sample(start.sample_rows(settings.input_shape), seed)?;
        let targets = match start.needs_targets(&settings) {
            true => {
                let mut tell = part(on_progress, 0, 600);
                data.centres(device, settings.nb_concepts, seed, &mut tell).await?
            }
            false => Vec::new(),
        };
        let samples = Samples { rows: &rows, targets: &targets };
        let device_of_start = device.without_software();
        let mut tell = part(on_progress, if targets.is_empty() { 0 } else { 600 }, 1000);
        start.apply(&device_of_start, &settings, samples, &mut state, &mut tell).await?;
        let mut sae = Sae::new(device, settings, &state)?;
        sae.project();
        sae.set_normalizer(data.normalizer.clone())?;
        Ok(sae)
    }

    /// The trainer of `sae`.
    ///
    /// # Errors
    /// [`Error::Setting`] if the data never vary; [`Error::TooLarge`], [`Error::Device`].
    pub fn trainer(&self, sae: Sae, data: &Ingredients) -> Result<Trainer> {
        let facts = DataFacts::new(&data.statistics, sae.normalizer());
        if facts.row_variance <= 0.0 {
            let hint = "There is nothing to learn from; are these the right activations?";
            return Err(Error::setting(
                "the data",
                "rows that are all the same",
                "rows that vary",
                hint,
            ));
        }
        Trainer::new(sae, self.training.clone(), facts)
    }

    /// The batches that a run of these settings is fed with.
    ///
    /// # Errors
    /// As [`Loader::new`].
    pub fn loader(&self, data: &Ingredients) -> Result<Loader> {
        let TrainSettings { no_shuffle, seed, shuffle_buffer, batch_size, .. } = self.training;
        let order = if no_shuffle { Shuffle::none() } else { Shuffle::seeded(seed) };
        let order = order.with_memory(shuffle_buffer.saturating_mul(1 << 20));
        Loader::new(data.source.clone(), Arc::new(data.normalizer.clone()), order, batch_size)
    }

    /// All of it: statistics, points, model, trainer, batches, with the seed of the training settings.
    ///
    /// # Errors
    /// Those of the parts.
    pub async fn run(
        &self,
        device: &Device,
        source: Arc<dyn Source>,
        on_progress: &mut dyn FnMut(Stage),
    ) -> Result<Run> {
        let mut rows_read = |rows| on_progress(Stage::Statistics(rows));
        let data = Ingredients::gather(source, self.training.normalize, &mut rows_read)?;
        let seed = self.training.seed;
        let mut searching = |progress| on_progress(Stage::Points(progress));
        let points = self.points(device, &data, seed, &mut searching).await?;
        let mut starting = |done, of| on_progress(Stage::Start(done, of));
        let sae = self.sae(device, &data, points, seed, &mut starting).await?;
        Run::new(self.trainer(sae, &data)?, self.loader(&data)?)
    }
}

/// Refuses a share of next to nothing: the one centre of centred data is their mean.
fn check_delta(delta: f32, share: f32, data: &Ingredients) -> Result<()> {
    let spread = DataFacts::new(&data.statistics, &data.normalizer).row_variance.sqrt();
    if share == 0.0 || f64::from(delta / share) > 1e-4 * spread {
        return Ok(());
    }
    Err(Error::setting(
        "the points' mean norm, of which --delta-relative is a share,",
        format!("{:e}", delta / share),
        format!("large beside {spread:.3}, how far rows lie from their mean"),
        "Take more points than one, or give --delta.",
    ))
}

/// Mean length of `points` [N, d].
fn mean_norm(points: &[f32], d: usize) -> f32 {
    let norms = points
        .chunks_exact(d)
        .map(|point| point.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt());
    (norms.sum::<f64>() / (points.len() / d) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    #[test]
    fn the_search_for_initial_values_tells_how_far_it_is() {
        for points in [16, 32] {
            let rows: Vec<f32> = (0..600 * 8).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
            let data = Arc::new(InMemory::new("activations", 8, rows).unwrap());
            let model =
                ModelSettings { concepts: Some(32), top_k: Some(4), ..ModelSettings::default() };
            let preset = Preset::Recommended;
            let recipe = Recipe::new(preset, &model, &Given::new(), Some(points), 600, 8).unwrap();
            let mut told = Vec::new();
            let mut tell = |stage| {
                if let Stage::Start(done, of) = stage {
                    told.push((done, of));
                }
            };
            pollster::block_on(recipe.run(&Device::cpu(), data, &mut tell)).unwrap();
            assert!(told.is_sorted(), "{told:?}");
            assert!(told.len() > 20 && told.last() == Some(&(1000, 1000)), "{told:?}");
        }
    }
}
