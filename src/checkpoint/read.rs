//! From the bytes of a checkpoint, ours or the reference's, to a model or to a run that goes on.

use super::{FORMAT, METADATA_KEY, Manifest, RunState, names};
use crate::{
    data::Normalizer,
    device::Device,
    error::{Error, Result},
    sae::{
        EncoderKind, Kernel, Sae, SaeSettings, Selection, Tensors,
        dictionary::names::{MIXING, MULTIPLIER, POINTS, RELAX},
        encoder::{BIAS, WEIGHT},
        model::THRESHOLDS,
    },
    train::{Adam, Counters, TrainSettings, Trainer},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::path::{Path, PathBuf};

/// Settings that a file of the reference does not hold; ignored where the file holds them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Overrides {
    /// Codes a row; the reference's default, max(K // 10, 1), where nothing says otherwise.
    pub top_k: Option<usize>,
    /// Radius of the relaxation; 1 where nothing says otherwise.
    pub delta: Option<f32>,
    /// Jump's kernel; silverman where nothing says otherwise.
    pub kernel: Option<Kernel>,
    /// Jump's bandwidth; 1e-3 where nothing says otherwise.
    pub bandwidth: Option<f32>,
}

/// A checkpoint whose header has been read.
pub struct Checkpoint<'a> {
    path: PathBuf,
    tensors: SafeTensors<'a>,
    manifest: Option<Manifest>,
}

impl<'a> Checkpoint<'a> {
    /// Reads the header of `bytes`; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::File`] if it is no .safetensors file, truncated, or of a later format.
    pub fn parse(bytes: &'a [u8], path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let broken = |problem: String| {
            let hint = "A checkpoint is a .safetensors file as `archetypal train` writes it, or a state dict of \
                        overcomplete saved as one; was it copied whole?";
            Error::file(&path, problem, hint)
        };
        let tensors = SafeTensors::deserialize(bytes)
            .map_err(|error| broken(format!("not a whole .safetensors file ({error})")))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| broken(e.to_string()))?;
        let json = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY));
        let manifest = match json {
            None => None,
            Some(json) => Some(Self::manifest_from(json).map_err(broken)?),
        };
        Ok(Self { path, tensors, manifest })
    }

    fn manifest_from(json: &str) -> std::result::Result<Manifest, String> {
        let unreadable = |error| format!("its settings cannot be read ({error})");
        let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {
                serde_json::from_value(value).map_err(unreadable)
            }
            Some(format) => Err(format!(
                "it has checkpoint format {format}, this version of archetypal reads format {FORMAT}"
            )),
            None => Err("its settings name no format".into()),
        }
    }

    /// What the file says of itself; `None` for a file of the reference.
    pub fn manifest(&self) -> Option<&Manifest> {
        self.manifest.as_ref()
    }

    /// Whether it holds an archetypal model at all.
    pub fn is_model(&self) -> bool {
        self.tensors.tensor(MIXING).is_ok()
    }

    /// Name, dtype and shape of each tensor, sorted by name.
    pub fn layout(&self) -> Vec<(String, Dtype, Vec<usize>)> {
        let mut layout: Vec<_> = self
            .tensors
            .iter()
            .map(|(name, view)| (name.to_owned(), view.dtype(), view.shape().to_vec()))
            .collect();
        layout.sort_by(|a, b| a.0.cmp(&b.0));
        layout
    }

    /// The settings in the file, or what the shapes and `overrides` make of a file without.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor is missing, [`Error::Setting`] if an override is out of range.
    pub fn settings(&self, overrides: &Overrides) -> Result<SaeSettings> {
        if let Some(manifest) = &self.manifest {
            return Ok(manifest.model.clone());
        }
        let [nb_concepts, nb_points] = self.dims(MIXING)?;
        let [_, input_shape] = self.dims(POINTS)?;
        let selection = if self.tensors.tensor(THRESHOLDS).is_ok() {
            Selection::Jump {
                kernel: overrides.kernel.unwrap_or_default(),
                bandwidth: overrides.bandwidth.unwrap_or(1e-3),
            }
        } else {
            let k = overrides.top_k.unwrap_or(Selection::default_top_k(nb_concepts));
            Selection::TopK { k }
        };
        let settings = SaeSettings {
            input_shape,
            nb_concepts,
            nb_points,
            selection,
            delta: overrides.delta.unwrap_or(1.0),
            use_multiplier: true,
            encoder: EncoderKind::Linear,
        };
        settings.validate()?;
        Ok(settings)
    }

    /// The model, on `device`.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor is missing or of another shape than the settings ask for, [`Error::TooLarge`] if
    /// the device cannot hold it.
    pub fn sae(&self, device: &Device, overrides: &Overrides) -> Result<Sae> {
        let settings = self.settings(overrides)?;
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        let tensors = Tensors {
            encoder_weight: self.floats(WEIGHT, &[k, d])?,
            encoder_bias: self.floats(BIAS, &[k])?,
            mixing: self.floats(MIXING, &[k, n])?,
            relax: self.floats(RELAX, &[k, d])?,
            points: self.floats(POINTS, &[n, d])?,
            multiplier: self.floats(MULTIPLIER, &[])?[0],
            thresholds: match settings.selection {
                Selection::TopK { .. } => Vec::new(),
                Selection::Jump { .. } => self.floats(THRESHOLDS, &[k])?,
            },
        };
        let mut sae = Sae::new(device, settings, tensors)?;
        if self.tensors.tensor(names::SHIFT).is_ok() {
            let shift = self.floats(names::SHIFT, &[d])?;
            sae.set_normalizer(Normalizer::new(shift, self.floats(names::SCALE, &[d])?))?;
        }
        if self.manifest.is_none() {
            // The reference projects before the next forward, not after the update.
            sae.project();
        }
        Ok(sae)
    }

    /// The run that the file is a part of, to go on with.
    ///
    /// # Errors
    /// [`Error::File`] if it holds no unfinished run; otherwise as [`Checkpoint::sae`].
    pub fn trainer(&self, device: &Device) -> Result<Trainer> {
        let Some(Manifest { training: Some(training), run: Some(run), .. }) = &self.manifest else {
            return Err(Error::file(
                &self.path,
                "holds no unfinished training",
                "Only files written by --checkpoint-every, by Ctrl-C or with --keep-optimizer can be resumed; \
                 --init FILE starts a new run from the parameters of any other.",
            ));
        };
        let sae = self.sae(device, &Overrides::default())?;
        let mut adam = Adam::new(device, &sae.parameters())?;
        adam.steps = run.adam_steps;
        for (parameter, (first, second)) in sae.parameters().iter().zip(&mut adam.moments) {
            for (prefix, moment) in [(names::FIRST, first), (names::SECOND, second)] {
                let name = format!("{prefix}{}", parameter.name);
                moment.write(&self.floats(&name, &parameter.dims)?);
            }
        }
        let mut counters = Counters::new(device, sae.settings().nb_concepts)?;
        counters.fired.write(&self.integers(names::FIRED, &[sae.settings().nb_concepts])?);
        self.resumed(sae, training, run, adam, counters)
    }

    fn resumed(
        &self,
        sae: Sae,
        training: &TrainSettings,
        run: &RunState,
        adam: Adam,
        counters: Counters,
    ) -> Result<Trainer> {
        let RunState { data, progress, .. } = run.clone();
        Trainer::continued(sae, training.clone(), data, progress, adam, counters)
    }

    fn view(&self, name: &str) -> Result<TensorView<'a>> {
        self.tensors.tensor(name).map_err(|_| {
            let problem = format!("has no tensor {name:?}");
            Error::file(&self.path, problem, "Is it an archetypal SAE? `archetypal inspect` lists what it holds.")
        })
    }

    fn dims(&self, name: &str) -> Result<[usize; 2]> {
        let view = self.view(name)?;
        view.shape().try_into().map_err(|_| {
            let problem = format!("tensor {name:?} has shape {:?}, not two dimensions", view.shape());
            Error::file(&self.path, problem, "")
        })
    }

    fn shaped(&self, name: &str, dims: &[usize]) -> Result<TensorView<'a>> {
        let view = self.view(name)?;
        if view.shape() != dims {
            let got = view.shape();
            let problem = format!("tensor {name:?} has shape {got:?}, the settings ask for {dims:?}");
            return Err(Error::file(&self.path, problem, "The file was made for a model of another shape."));
        }
        Ok(view)
    }

    fn floats(&self, name: &str, dims: &[usize]) -> Result<Vec<f32>> {
        let view = self.shaped(name, dims)?;
        crate::data::floats(view.dtype(), view.data()).ok_or_else(|| {
            let problem = format!("tensor {name:?} holds {:?}", view.dtype());
            Error::file(&self.path, problem, "F16, BF16, F32 and F64 can be read.")
        })
    }

    fn integers(&self, name: &str, dims: &[usize]) -> Result<Vec<u32>> {
        let view = self.shaped(name, dims)?;
        if view.dtype() != Dtype::U32 {
            let problem = format!("tensor {name:?} holds {:?}, not U32", view.dtype());
            return Err(Error::file(&self.path, problem, ""));
        }
        Ok(view.data().chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().expect("4 bytes"))).collect())
    }
}
