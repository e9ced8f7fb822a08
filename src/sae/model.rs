//! The model: encoder, selection and dictionary put together.

use super::{
    Activations, CodeRows, Dictionary, EncodeBuffers, Encoded, Encoder, Group, LinearMap,
    Parameter, Pass, Purpose, Room, SaeSettings, Selection, StateDict, encoder,
    settings::Thresholds,
};
use crate::{
    data::Normalizer,
    device::{Codes, Device, Projection, Tensor, TopKRoom},
    error::{Error, Result},
};
use std::ops::Deref;

/// State-dict name of the log-thresholds t.
pub(crate) const THRESHOLDS: &str = "thresholds";
/// The name of thresholds θ that are trained directly.
pub(crate) const DIRECT_THRESHOLDS: &str = "direct_thresholds";
/// The name of batch top-k's threshold; negative before the first batch.
pub(crate) const RUNNING_THRESHOLD: &str = "running_threshold";

/// What thresholds that are trained directly are kept above, so that their logarithm exists.
const LEAST_THRESHOLD: f32 = 1e-6;

/// A sparse autoencoder on a device.
///
/// It is in *train mode* until [`Sae::eval`] is called, which builds the dictionary once and keeps it; training
/// needs train mode and drops the kept dictionary. In train mode batch norms and batch top-k go by the rows that are
/// encoded together, in eval mode by what training learned (batch top-k that has not been trained goes by the rows).
///
/// Inputs given as slices are raw rows: the model's own [`Normalizer`] is applied to them, and undone by
/// [`Sae::decode`]. Tensors are taken to be normalised already.
#[derive(Debug)]
pub struct Sae {
    device: Device,
    settings: SaeSettings,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) dictionary: Dictionary,
    /// t or θ of jump, [K, 1].
    pub(crate) thresholds: Option<Parameter>,
    /// Threshold of batch top-k, [1, 1].
    pub(crate) running_threshold: Option<Parameter>,
    /// Whether batch top-k has learned its threshold.
    pub(crate) has_threshold: bool,
    normalizer: Normalizer,
    fused: Option<Tensor>,
}

/// A dictionary that was kept, or one that was built for the occasion.
pub(crate) enum Held<'a> {
    Kept(&'a Tensor),
    Built(Tensor),
}

impl Deref for Held<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        match self {
            Self::Kept(tensor) => tensor,
            Self::Built(tensor) => tensor,
        }
    }
}

impl Sae {
    /// A model from settings and the values of its tensors.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Shape`] where they do not fit together, [`Error::TooLarge`] if the device cannot
    /// hold it.
    pub fn new(device: &Device, settings: SaeSettings, state: &StateDict) -> Result<Self> {
        settings.validate()?;
        let encoder = encoder::build(device, &settings, state)?;
        Self::with_encoder(device, settings, encoder, state)
    }

    /// A model with an encoder of one's own: the settings then say [`EncoderKind::Custom`](super::EncoderKind), and
    /// `state` holds the tensors of dictionary and selection ([`StateDict::initial`] makes them).
    ///
    /// # Errors
    /// As [`Sae::new`].
    pub fn with_encoder(
        device: &Device,
        settings: SaeSettings,
        encoder: Box<dyn Encoder>,
        state: &StateDict,
    ) -> Result<Self> {
        settings.validate()?;
        if encoder.kind() != settings.encoder {
            let allowed = format!("{}, as the encoder says", encoder.kind().name());
            return Err(Error::setting("encoder", settings.encoder.name(), allowed, ""));
        }
        let k = settings.nb_concepts;
        let dictionary = Dictionary::new(device, &settings, state)?;
        let vector = |name| -> Result<Parameter> {
            Ok(Parameter::vector(name, state.upload(device, name, &[k])?, Group::Thresholds))
        };
        let thresholds = match settings.selection {
            Selection::Jump { thresholds: Thresholds::Reference, .. } => Some(vector(THRESHOLDS)?),
            Selection::Jump { thresholds: Thresholds::Direct, .. } => {
                Some(vector(DIRECT_THRESHOLDS)?.held(Projection::AtLeast(LEAST_THRESHOLD)))
            }
            _ => None,
        };
        let running_threshold = match settings.selection {
            Selection::BatchTopK { .. } => {
                let value = state.upload(device, RUNNING_THRESHOLD, &[])?;
                Some(Parameter::scalar(RUNNING_THRESHOLD, value, Group::Thresholds))
            }
            _ => None,
        };
        let stored = state.get(RUNNING_THRESHOLD).and_then(|stored| stored.values.first());
        let has_threshold =
            running_threshold.is_some() && stored.is_some_and(|&value| value >= 0.0);
        Ok(Self {
            device: device.clone(),
            has_threshold,
            normalizer: Normalizer::identity(settings.input_shape),
            settings,
            encoder,
            dictionary,
            thresholds,
            running_threshold,
            fused: None,
        })
    }

    /// A fresh model over `points` [N, d], row by row (empty for a free dictionary), with the reference's initial values; the encoder's are drawn
    /// from `seed`.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Shape`] where an argument is out of range, [`Error::TooLarge`] if the device
    /// cannot hold it.
    pub fn initial(
        device: &Device,
        settings: SaeSettings,
        points: Vec<f32>,
        seed: u64,
    ) -> Result<Self> {
        let state = StateDict::initial(&settings, points, seed)?;
        let mut sae = Self::new(device, settings, &state)?;
        sae.project();
        Ok(sae)
    }

    /// Takes away the sets that parameters are held in, so that training is free to leave them: the baseline that
    /// shows what a projection does. Files do not tell of it. Thresholds stay above 0, which their logarithms in files
    /// need. The model is in train mode afterwards.
    pub fn release(&mut self) {
        for parameter in self.parameters_mut() {
            if !matches!(parameter.projection, Projection::AtLeast(_)) {
                parameter.projection = Projection::None;
            }
        }
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// What it is.
    pub fn settings(&self) -> &SaeSettings {
        &self.settings
    }

    /// What is done to raw rows before they are encoded.
    pub fn normalizer(&self) -> &Normalizer {
        &self.normalizer
    }

    /// Keeps `normalizer` with the model.
    ///
    /// # Errors
    /// [`Error::Shape`] if it is for rows of another width.
    pub fn set_normalizer(&mut self, normalizer: Normalizer) -> Result<()> {
        if normalizer.width() != self.settings.input_shape {
            return Err(Error::shape(
                "the normalisation",
                &[normalizer.width()],
                &[self.settings.input_shape],
                "Make it from data of the model's width.",
            ));
        }
        self.normalizer = normalizer;
        Ok(())
    }

    /// The trained tensors: those of the encoder, of the dictionary (W and R, or V; m if trained), thresholds.
    pub fn parameters(&self) -> Vec<&Parameter> {
        let mut all = self.encoder.parameters();
        all.extend(self.dictionary.parameters());
        all.extend(&self.thresholds);
        all
    }

    /// The same, to update; in the same order.
    pub(crate) fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        self.fused = None;
        let mut all = self.encoder.parameters_mut();
        all.extend(self.dictionary.parameters_mut());
        all.extend(&mut self.thresholds);
        all
    }

    /// What is kept beside the parameters: running statistics, points, what is not trained.
    pub fn buffers(&self) -> Vec<&Parameter> {
        let mut all = self.encoder.buffers();
        all.extend(self.dictionary.buffers());
        all.extend(&self.running_threshold);
        all
    }

    /// Replaces the dictionary, whatever the selection: the reference's `sae.dictionary = …`. The model is in train mode
    /// afterwards.
    ///
    /// # Errors
    /// As [`Sae::new`], with `state` holding the dictionary's tensors.
    pub fn set_dictionary(
        &mut self,
        kind: super::DictionaryKind,
        use_multiplier: bool,
        state: &StateDict,
    ) -> Result<()> {
        let settings = SaeSettings { dictionary: kind, use_multiplier, ..self.settings.clone() };
        settings.validate()?;
        self.dictionary = Dictionary::new(&self.device, &settings, state)?;
        self.settings = settings;
        self.project();
        Ok(())
    }

    /// Puts every parameter into the set that it is held in. A model made by [`RaTopKSae`](super::RaTopKSae) or
    /// trained here is there already; one from elsewhere may not be. The model is in train mode afterwards.
    pub fn project(&mut self) {
        let device = self.device.clone();
        for parameter in self.parameters_mut() {
            device.project(&mut parameter.value, parameter.projection);
        }
    }

    /// Train mode: the dictionary follows its parameters.
    pub fn train(&mut self) {
        self.fused = None;
    }

    /// Eval mode: the dictionary is built once and kept.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the device cannot hold it.
    pub fn eval(&mut self) -> Result<()> {
        if self.fused.is_none() {
            self.fused = Some(self.dictionary.fused(&self.device)?);
        }
        Ok(())
    }

    /// Whether the codes of a row depend on the rows that it is encoded with.
    #[cfg(all(target_arch = "wasm32", feature = "web"))]
    pub(crate) fn goes_by_the_batch(&self) -> bool {
        matches!(self.settings.selection, Selection::BatchTopK { .. })
            && !(self.is_eval() && self.has_threshold)
    }

    /// Whether the dictionary is kept.
    pub fn is_eval(&self) -> bool {
        self.fused.is_some()
    }

    /// The dictionary D on the host, [K, d] row by row, in the space of normalised rows.
    ///
    /// # Errors
    /// [`Error::Device`] or [`Error::TooLarge`].
    pub async fn dictionary(&self) -> Result<Vec<f32>> {
        self.held_dictionary()?.read().await
    }

    /// D [K, d] on the device, built if it is not kept.
    pub(crate) fn held_dictionary(&self) -> Result<Held<'_>> {
        Ok(match &self.fused {
            Some(fused) => Held::Kept(fused),
            None => Held::Built(self.dictionary.fused(&self.device)?),
        })
    }

    /// Pre-codes and codes of raw rows, [B, d] row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] if `rows` is not a whole number of rows, [`Error::NotFinite`] at a NaN or infinity in them;
    /// [`Error::TooLarge`], [`Error::Device`].
    pub fn encode(&self, rows: &[f32]) -> Result<Encoded> {
        let (count, normalised) = self.normalised(rows)?;
        let d = self.settings.input_shape;
        let x = Tensor::from_slice(&self.device, count, d, &normalised)?;
        self.encode_tensor(&x)
    }

    /// Refuses rows with a NaN or infinity.
    pub(crate) fn check_finite(&self, rows: &[f32]) -> Result<()> {
        let Some(at) = rows.iter().position(|value| !value.is_finite()) else { return Ok(()) };
        let (d, file) = (self.settings.input_shape, "the rows to encode".to_owned());
        Err(Error::NotFinite { file, row: at / d, column: at % d, value: rows[at] })
    }

    /// How many raw rows these are, and the rows normalised.
    fn normalised(&self, rows: &[f32]) -> Result<(usize, Vec<f32>)> {
        let count = self.count_rows(rows)?;
        self.check_finite(rows)?;
        let mut normalised = rows.to_vec();
        self.normalizer.apply(&mut normalised);
        Ok((count, normalised))
    }

    /// How many rows there are in a slice of whole rows.
    fn count_rows(&self, rows: &[f32]) -> Result<usize> {
        let d = self.settings.input_shape;
        if rows.is_empty() || !rows.len().is_multiple_of(d) {
            let hint = format!("This model takes rows of {d} values.");
            let (got, expected) = ([rows.len()], [rows.len().div_ceil(d), d]);
            return Err(Error::shape("the input", &got, &expected, hint));
        }
        Ok(rows.len() / d)
    }

    /// Pre-codes and codes of normalised rows x [B, d] on the model's device.
    ///
    /// # Errors
    /// [`Error::Shape`] for another width; [`Error::TooLarge`].
    pub fn encode_tensor(&self, x: &Tensor) -> Result<Encoded> {
        let SaeSettings { input_shape, nb_concepts, .. } = self.settings;
        if x.cols() != input_shape {
            let hint = format!("This model takes rows of {input_shape} values.");
            return Err(Error::shape("the input", &x.shape(), &[x.rows(), input_shape], hint));
        }
        let mut pre_codes = Tensor::zeros(&self.device, x.rows(), nb_concepts)?;
        let mut room = self.encoder.room(&self.device, x.rows(), Purpose::Encode)?;
        self.encode_into(x, &mut room, &mut pre_codes)?;
        let mut codes = Activations::room(&self.device, &self.settings, x.rows())?;
        self.select_into(&pre_codes, &mut codes)?;
        Ok(Encoded { pre_codes, codes })
    }

    /// Writes the pre-codes of x to `pre_codes`, in a room for at least as many rows.
    pub(crate) fn encode_into(
        &self,
        x: &Tensor,
        room: &mut Room,
        pre_codes: &mut Tensor,
    ) -> Result<()> {
        room.set_rows(x.rows());
        let dictionary = match self.encoder.uses_dictionary() {
            true => Some(self.held_dictionary()?),
            false => None,
        };
        let pass = Pass {
            device: &self.device,
            x,
            dictionary: dictionary.as_deref(),
            training: !self.is_eval(),
        };
        self.encoder.forward(&pass, room, pre_codes);
        Ok(())
    }

    /// The k of top-k, if codes can be selected as pre-codes are made: for an encoder that is a
    /// [linear map](Encoder::linear_map).
    pub(crate) fn fused_top_k(&self) -> Option<usize> {
        match self.settings.selection {
            Selection::TopK { k } => self.encoder.linear_map().map(|_| k),
            _ => None,
        }
    }

    /// Top-k codes of x without pre-codes, for an encoder that is a [linear map](Encoder::linear_map).
    pub(crate) fn top_k_into(&self, x: &Tensor, room: &mut TopKRoom, codes: &mut Codes) {
        let map = self.encoder.linear_map();
        let LinearMap { weight, bias } = map.expect("a room was made for a linear map");
        self.device.linear_top_k(x, weight, bias, room, codes);
    }

    /// Selects the codes of relu(pre-codes) into what [`Activations::room`] made.
    pub(crate) fn select_into(&self, pre_codes: &Tensor, codes: &mut Activations) -> Result<()> {
        let device = &self.device;
        match (codes, self.settings.selection) {
            (Activations::Sparse(codes), _) if self.encoder.rectifies() => {
                device.top_k(pre_codes, codes);
            }
            (Activations::Sparse(codes), _) => device.top_k_signed(pre_codes, codes),
            (Activations::Dense(z), Selection::BatchTopK { k, .. }) => {
                match &self.running_threshold {
                    Some(running) if self.is_eval() && self.has_threshold => {
                        device.above(pre_codes, &running.value, z);
                    }
                    _ => {
                        let mut threshold = Tensor::zeros(device, 1, 1)?;
                        device.kth_largest(pre_codes, k * pre_codes.rows(), &mut threshold);
                        device.above(pre_codes, &threshold, z);
                    }
                }
            }
            (Activations::Dense(z), _) => {
                device.jump(pre_codes, &*self.log_thresholds()?, z);
            }
        }
        Ok(())
    }

    /// t = ln θ [K, 1] of a jump model.
    pub(crate) fn log_thresholds(&self) -> Result<Held<'_>> {
        let parameter = self.thresholds.as_ref().expect("a jump model has thresholds");
        if parameter.name == THRESHOLDS {
            return Ok(Held::Kept(&parameter.value));
        }
        let mut logarithms = Tensor::zeros(&self.device, parameter.value.rows(), 1)?;
        self.device.ln(&parameter.value, &mut logarithms);
        Ok(Held::Built(logarithms))
    }

    /// Reconstruction x̂ [B, d] of codes, on the device, in the space of normalised rows.
    ///
    /// # Errors
    /// [`Error::Shape`] for codes of another number of concepts; [`Error::TooLarge`].
    pub fn decode_tensor(&self, codes: &Activations) -> Result<Tensor> {
        let (rows, concepts) = match codes {
            Activations::Sparse(codes) => (codes.rows(), codes.concepts()),
            Activations::Dense(z) => (z.rows(), z.cols()),
        };
        if concepts != self.settings.nb_concepts {
            let expected = [rows, self.settings.nb_concepts];
            return Err(Error::shape("the codes", &[rows, concepts], &expected, ""));
        }
        let dictionary = self.held_dictionary()?;
        let mut x_hat = Tensor::zeros(&self.device, rows, self.settings.input_shape)?;
        codes.times(&self.device, &dictionary, &mut x_hat);
        Ok(x_hat)
    }

    /// Raw rows [B, d] that the codes stand for: x̂ with the normalisation undone.
    ///
    /// # Errors
    /// As [`Sae::decode_tensor`], and [`Error::Device`].
    pub async fn decode(&self, codes: &Activations) -> Result<Vec<f32>> {
        let mut rows = self.decode_tensor(codes)?.read().await?;
        self.normalizer.invert(&mut rows);
        Ok(rows)
    }

    /// Encodes and decodes normalised rows x [B, d]: (pre-codes and codes, x̂ [B, d], normalised too).
    ///
    /// # Errors
    /// As [`Sae::encode_tensor`] and [`Sae::decode_tensor`].
    pub fn forward(&self, x: &Tensor) -> Result<(Encoded, Tensor)> {
        let encoded = self.encode_tensor(x)?;
        let x_hat = self.decode_tensor(&encoded.codes)?;
        Ok((encoded, x_hat))
    }

    /// The codes of raw rows [B, d], on the host: what an embedding program wants.
    ///
    /// # Errors
    /// As [`Sae::encode`].
    pub async fn codes(&self, rows: &[f32]) -> Result<CodeRows> {
        let (count, normalised) = self.normalised(rows)?;
        EncodeBuffers::new(self, count)?.encode(self, &normalised)?.rows().await
    }

    /// The values of all tensors of the state dict.
    ///
    /// # Errors
    /// [`Error::Device`] if the device failed.
    pub async fn state(&self) -> Result<StateDict> {
        let mut state = StateDict::default();
        for parameter in self.parameters().into_iter().chain(self.buffers()) {
            state.download(parameter).await?;
        }
        Ok(state)
    }
}
