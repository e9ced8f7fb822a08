//! A model, idle or in training, for JavaScript.

use super::{
    JsResult,
    data::Data,
    device::Device,
    options::{Options, json},
    training::Training,
};
use crate::{
    checkpoint::{self, Checkpoint, Contents, Overrides},
    data::{Loader, Normalize, Shuffle},
    device::Tensor,
    error::{Error, Result, human_bytes},
    metrics,
    sae::{Activations, ModelSettings, Sae},
    train::TrainSettings,
};
use js_sys::{Float32Array, Function, Object, Reflect, Uint32Array};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// Rows that are encoded at once: bounds the memory that a long input takes on the device.
const PIECE: usize = 1024;

/// A model with the run that it is in, if it is in one.
#[wasm_bindgen]
pub struct Model {
    pub(super) held: Held,
    /// How it was trained, for its file.
    pub(super) trained: Option<TrainSettings>,
    /// What its parameters take rows to be normalised by, once they belong to any rows.
    pub(super) space: Option<Normalize>,
}

/// Where the model is.
pub(super) enum Held {
    /// Nothing is being done with it.
    Idle(Box<Sae>),
    /// In a run, which may have ended: its optimiser can then still be saved.
    Training(Box<Training>),
    /// Only while it goes from one of these to the other; or something failed then.
    Nowhere,
}

impl Held {
    fn sae(&mut self) -> Result<&mut Sae> {
        match self {
            Self::Idle(sae) => Ok(sae),
            Self::Training(training) => Ok(training.sae()),
            Self::Nowhere => Err(Error::setting(
                "the model",
                "gone",
                "whole",
                "Its last run failed to start; load it again.",
            )),
        }
    }

    /// The model on its own; ends a run.
    pub fn into_sae(self) -> Result<Sae> {
        match self {
            Self::Idle(sae) => Ok(*sae),
            Self::Training(training) => Ok(training.into_sae()),
            Self::Nowhere => Self::Nowhere.sae().map(|_| unreachable!("there is no model")),
        }
    }
}

impl Model {
    fn idle(sae: Sae, trained: Option<TrainSettings>, space: Option<Normalize>) -> Self {
        Self { held: Held::Idle(Box::new(sae)), trained, space }
    }

    pub(super) fn in_training(run: Training, settings: TrainSettings) -> Self {
        let space = Some(settings.normalize);
        Self { held: Held::Training(Box::new(run)), trained: Some(settings), space }
    }

    pub(super) fn sae(&mut self) -> Result<&mut Sae> {
        self.held.sae()
    }

    /// The model as one applies it: with its dictionary kept, and norms as they were learnt.
    pub(super) fn applied(&mut self) -> Result<&mut Sae> {
        let sae = self.sae()?;
        sae.eval()?;
        Ok(sae)
    }
}

#[wasm_bindgen]
impl Model {
    /// A fresh model: the options are `ModelSettings`, `input_shape` and `seed`; `points` [N, d] for an archetypal
    /// one.
    pub fn create(device: &Device, options: String, points: Option<Vec<f32>>) -> JsResult<Model> {
        let mut options = Options::parse(&options)?;
        let input_shape = options.take("input_shape")?.unwrap_or(0);
        let seed = options.take("seed")?.unwrap_or(0);
        let settings: ModelSettings = options.take_fields()?;
        options.finish()?;
        let points = points.unwrap_or_default();
        if input_shape == 0 || !points.len().is_multiple_of(input_shape) {
            let hint = "Points are rows of input_shape values, and input_shape is at least 1.";
            return Err(Error::shape(
                "points",
                &[points.len()],
                &[points.len() / input_shape.max(1), input_shape],
                hint,
            )
            .into());
        }
        let settings = settings.resolve(input_shape, points.len() / input_shape)?;
        Ok(Self::idle(Sae::initial(&device.inner, settings, points, seed)?, None, None))
    }

    /// The model in the bytes of a file; the options are `Overrides`, for files without settings.
    pub fn load(device: &Device, bytes: Vec<u8>, options: String) -> JsResult<Model> {
        let mut options = Options::parse(&options)?;
        let overrides = Overrides {
            top_k: options.take("top_k")?,
            delta: options.take("delta")?,
            kernel: options.take("kernel")?,
            bandwidth: options.take("bandwidth")?,
            normalization: options.take("normalization")?,
            use_multiplier: options.take("use_multiplier")?,
        };
        options.finish()?;
        let file = Checkpoint::from_bytes("the checkpoint", bytes)?;
        let sae = file.sae(&device.inner, &overrides)?;
        let trained = file.manifest().and_then(|manifest| manifest.training.clone());
        let space = match (file.manifest(), &trained) {
            // The reference trains on rows as they are.
            (None, _) => Some(Normalize::None),
            (Some(_), trained) => trained.as_ref().map(|trained| trained.normalize),
        };
        Ok(Self::idle(sae, trained, space))
    }

    /// The settings, as they stand in a file.
    pub fn settings(&mut self) -> JsResult<String> {
        Ok(json(self.sae()?.settings()))
    }

    /// The class of the model: "ra-topk", …
    pub fn kind(&mut self) -> JsResult<String> {
        Ok(self.sae()?.settings().kind().name().to_string())
    }

    /// Pre-codes and codes of raw rows, dense: { preCodes, codes }.
    pub async fn encode(&mut self, rows: Vec<f32>) -> JsResult<Object> {
        let sae = self.applied()?;
        // All of them, for a piece would count its own rows.
        sae.check_finite(&rows)?;
        let [d, k] = [sae.settings().input_shape, sae.settings().nb_concepts];
        let size = (rows.len() / d).saturating_mul(k);
        let hint = "Encode fewer rows at once, or all of them with encodeSparse.";
        let (mut pre_codes, mut codes) = (room_for(size, hint)?, room_for(size, hint)?);
        for rows in pieces(sae, &rows) {
            let encoded = sae.encode(rows)?;
            pre_codes.extend(encoded.pre_codes.read().await?);
            codes.extend(encoded.codes.into_dense(sae.device())?.read().await?);
        }
        Ok(object([
            ("preCodes", Float32Array::from(&*pre_codes).into()),
            ("codes", Float32Array::from(&*codes).into()),
        ]))
    }

    /// The codes of raw rows, compressed by rows: { indptr, indices, values }.
    #[wasm_bindgen(js_name = encodeSparse)]
    pub async fn encode_sparse(&mut self, rows: Vec<f32>) -> JsResult<Object> {
        let sae = self.applied()?;
        sae.check_finite(&rows)?;
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for rows in pieces(sae, &rows) {
            let codes = sae.codes(rows).await?;
            let before = indices.len() as u32;
            indptr.extend(codes.indptr[1..].iter().map(|&end| before + end as u32));
            indices.extend(codes.indices);
            values.extend(codes.values);
        }
        Ok(object([
            ("indptr", Uint32Array::from(&*indptr).into()),
            ("indices", Uint32Array::from(&*indices).into()),
            ("values", Float32Array::from(&*values).into()),
        ]))
    }

    /// The raw rows that dense codes [rows, K] stand for.
    pub async fn decode(&mut self, codes: Vec<f32>) -> JsResult<Vec<f32>> {
        let sae = self.applied()?;
        let k = sae.settings().nb_concepts;
        if codes.is_empty() || !codes.len().is_multiple_of(k) {
            let hint = format!("This model has {k} concepts, and a row a code for each.");
            return Err(Error::shape(
                "the codes",
                &[codes.len()],
                &[codes.len().div_ceil(k), k],
                hint,
            )
            .into());
        }
        let size = (codes.len() / k).saturating_mul(sae.settings().input_shape);
        let mut rows = room_for(size, "Decode fewer rows at once.")?;
        for codes in codes.chunks(PIECE * k) {
            let codes = Tensor::from_slice(sae.device(), codes.len() / k, k, codes)?;
            rows.extend(sae.decode(&Activations::Dense(codes)).await?);
        }
        Ok(rows)
    }

    /// The dictionary [K, d], in the space of normalised rows.
    pub async fn dictionary(&mut self) -> JsResult<Vec<f32>> {
        Ok(self.applied()?.dictionary().await?)
    }

    /// Every figure of `metrics::evaluate` on all rows, as JSON.
    pub async fn evaluate(
        &mut self,
        data: Data,
        on_progress: Option<Function>,
    ) -> JsResult<String> {
        let sae = self.applied()?;
        let normalizer = Arc::new(sae.normalizer().clone());
        let loader = Loader::new(data.source, normalizer, Shuffle::none(), PIECE)?;
        let of = loader.source().rows();
        let mut tell = |done: usize| {
            if let Some(tell) = &on_progress {
                // What it throws is its own affair.
                let _ = tell.call2(&JsValue::UNDEFINED, &done.into(), &of.into());
            }
        };
        Ok(json(&metrics::evaluate(sae, &loader, &mut tell).await?))
    }

    /// How much its dictionary agrees with `other` [K', d], as JSON.
    pub async fn agreement(&mut self, other: Vec<f32>) -> JsResult<String> {
        let sae = self.applied()?;
        let own = sae.dictionary().await?;
        let width = sae.settings().input_shape;
        Ok(json(&metrics::agreement(sae.device(), &own, &other, width).await?))
    }

    /// The bytes of its file; with the state of the optimiser if that is asked for and there.
    pub async fn save(&mut self, optimizer: bool) -> JsResult<Vec<u8>> {
        if let Held::Training(training) = &mut self.held {
            training.collect().await?;
        }
        let contents = match &mut self.held {
            Held::Training(training) if optimizer => Contents::Run(training.trainer()),
            held => Contents::Model(held.sae()?, self.trained.as_ref()),
        };
        Ok(checkpoint::to_bytes(contents).await?)
    }
}

/// Room for so many numbers, if there is that much memory: growing step by step would panic in the end, and a panic is
/// the end of the module.
fn room_for(size: usize, hint: &str) -> Result<Vec<f32>> {
    let mut room = Vec::new();
    room.try_reserve_exact(size).map_err(|_| Error::TooLarge {
        what: format!("a result of {size} values"),
        needed: human_bytes(4 * size as u64),
        limit_name: "the memory of a module of WebAssembly".into(),
        limit: human_bytes(1 << 32),
        hint: hint.into(),
    })?;
    Ok(room)
}

/// Rows in pieces; an input that is no whole number of rows stays whole, to be refused as it is. So does one whose
/// codes depend on all rows together.
fn pieces<'a>(sae: &Sae, rows: &'a [f32]) -> impl Iterator<Item = &'a [f32]> {
    let d = sae.settings().input_shape;
    let whole = !rows.len().is_multiple_of(d) || rows.is_empty() || sae.goes_by_the_batch();
    rows.chunks(if whole { rows.len().max(1) } else { PIECE * d })
        .chain(rows.is_empty().then_some(rows))
}

fn object<const N: usize>(fields: [(&str, JsValue); N]) -> Object {
    let object = Object::new();
    for (name, value) in fields {
        // Setting a property of a fresh object cannot fail.
        let _ = Reflect::set(&object, &name.into(), &value);
    }
    object
}
