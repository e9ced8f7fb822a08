//! The model: encoder, selection and dictionary put together.

use super::{
    Activations, Archetypal, CodeRows, Encoded, Encoder, Linear, Parameter, SaeSettings, Selection,
    init::Tensors,
};
use crate::{
    data::Normalizer,
    device::{Device, Tensor},
    error::{Error, Result},
};

/// State-dict name of the log-thresholds t.
pub(crate) const THRESHOLDS: &str = "thresholds";

/// An archetypal sparse autoencoder on a device.
///
/// It is in *train mode* until [`Sae::eval`] is called, which builds the dictionary once and keeps it; training
/// needs train mode and drops the kept dictionary.
///
/// Inputs given as slices are raw rows: the model's own [`Normalizer`] is applied to them, and undone by
/// [`Sae::decode`]. Tensors are taken to be normalised already.
#[derive(Debug)]
pub struct Sae {
    device: Device,
    settings: SaeSettings,
    pub(crate) encoder: Box<dyn Encoder>,
    pub(crate) dictionary: Archetypal,
    pub(crate) thresholds: Option<Parameter>,
    normalizer: Normalizer,
    fused: Option<Tensor>,
}

impl Sae {
    /// A model from settings and the values of its tensors.
    ///
    /// # Errors
    /// [`Error::Setting`] or [`Error::Shape`] where they do not fit together.
    pub fn new(device: &Device, settings: SaeSettings, tensors: Tensors) -> Result<Self> {
        settings.validate()?;
        tensors.check(&settings)?;
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        let upload = |rows, cols, values: &[f32]| Tensor::from_slice(device, rows, cols, values);
        let encoder = Linear::new(
            upload(k, d, &tensors.encoder_weight)?,
            upload(k, 1, &tensors.encoder_bias)?,
        );
        let dictionary = Archetypal::new(
            upload(k, n, &tensors.mixing)?,
            upload(k, d, &tensors.relax)?,
            upload(n, d, &tensors.points)?,
            upload(1, 1, &[tensors.multiplier])?,
            settings.delta,
            settings.use_multiplier,
        );
        let thresholds = match settings.selection {
            Selection::TopK { .. } => None,
            Selection::Jump { .. } => {
                Some(Parameter::vector(THRESHOLDS, upload(k, 1, &tensors.thresholds)?))
            }
        };
        Ok(Self {
            device: device.clone(),
            normalizer: Normalizer::identity(d),
            settings,
            encoder: Box::new(encoder),
            dictionary,
            thresholds,
            fused: None,
        })
    }

    /// A fresh model over `points` [N, d], row by row, with the reference's initial values; the encoder's are drawn
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
        let tensors = Tensors::initial(&settings, points, seed)?;
        let mut sae = Self::new(device, settings, tensors)?;
        sae.project();
        Ok(sae)
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

    /// The trained tensors: encoder, W, R, m if trained, thresholds.
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

    /// Puts every parameter into the set that it is held in. A model made by [`RaTopKSae`](super::RaTopKSae) or
    /// trained here is there already; one from elsewhere may not be.
    pub fn project(&mut self) {
        self.fused = None;
        self.dictionary.project(&self.device);
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

    /// Whether the dictionary is kept.
    pub fn is_eval(&self) -> bool {
        self.fused.is_some()
    }

    /// The dictionary D = (W C + R)·eᵐ on the host, [K, d] row by row, in the space of normalised rows.
    ///
    /// # Errors
    /// [`Error::Device`] or [`Error::TooLarge`].
    pub async fn dictionary(&self) -> Result<Vec<f32>> {
        match &self.fused {
            Some(fused) => fused.read().await,
            None => self.dictionary.fused(&self.device)?.read().await,
        }
    }

    /// Pre-codes and codes of raw rows, [B, d] row by row.
    ///
    /// # Errors
    /// [`Error::Shape`] if `rows` is not a whole number of rows; [`Error::TooLarge`], [`Error::Device`].
    pub fn encode(&self, rows: &[f32]) -> Result<Encoded> {
        let d = self.settings.input_shape;
        if rows.is_empty() || !rows.len().is_multiple_of(d) {
            let hint = format!("This model takes rows of {d} values.");
            return Err(Error::shape(
                "the input",
                &[rows.len()],
                &[rows.len().div_ceil(d), d],
                hint,
            ));
        }
        let mut normalised = rows.to_vec();
        self.normalizer.apply(&mut normalised);
        let x = Tensor::from_slice(&self.device, rows.len() / d, d, &normalised)?;
        self.encode_tensor(&x)
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
        self.encoder.forward(&self.device, x, &mut pre_codes);
        let mut codes = Activations::room(&self.device, &self.settings, x.rows())?;
        self.select_into(&pre_codes, &mut codes);
        Ok(Encoded { pre_codes, codes })
    }

    /// Selects the codes of relu(pre-codes) into what [`Activations::room`] made.
    pub(crate) fn select_into(&self, pre_codes: &Tensor, codes: &mut Activations) {
        match (codes, &self.thresholds) {
            (Activations::Sparse(codes), _) => self.device.top_k(pre_codes, codes),
            (Activations::Dense(z), Some(t)) => self.device.jump(pre_codes, &t.value, z),
            (Activations::Dense(_), None) => unreachable!("a jump model has thresholds"),
        }
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
        let built;
        let dictionary = match &self.fused {
            Some(fused) => fused,
            None => {
                built = self.dictionary.fused(&self.device)?;
                &built
            }
        };
        let mut x_hat = Tensor::zeros(&self.device, rows, self.settings.input_shape)?;
        codes.times(&self.device, dictionary, &mut x_hat);
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

    /// Encodes and decodes normalised rows: (pre-codes and codes, x̂).
    ///
    /// # Errors
    /// As [`Sae::encode_tensor`] and [`Sae::decode_tensor`].
    pub fn forward(&self, x: &Tensor) -> Result<(Encoded, Tensor)> {
        let encoded = self.encode_tensor(x)?;
        let x_hat = self.decode_tensor(&encoded.codes)?;
        Ok((encoded, x_hat))
    }

    /// The codes of raw rows, on the host: what an embedding program wants.
    ///
    /// # Errors
    /// As [`Sae::encode`].
    pub async fn codes(&self, rows: &[f32]) -> Result<CodeRows> {
        self.encode(rows)?.codes.rows().await
    }

    /// The values of all tensors of the state dict.
    ///
    /// # Errors
    /// [`Error::Device`] if the device failed.
    pub async fn tensors(&self) -> Result<Tensors> {
        let encoder = self.encoder.parameters();
        let dictionary = &self.dictionary;
        Ok(Tensors {
            encoder_weight: encoder[0].value.read().await?,
            encoder_bias: encoder[1].value.read().await?,
            mixing: dictionary.mixing.value.read().await?,
            relax: dictionary.relax.value.read().await?,
            points: dictionary.points.read().await?,
            multiplier: dictionary.multiplier.value.read_scalar().await?,
            thresholds: match &self.thresholds {
                Some(thresholds) => thresholds.value.read().await?,
                None => Vec::new(),
            },
        })
    }
}
