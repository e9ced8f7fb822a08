//! From the bytes of a checkpoint, ours or the reference's, to a model or to a run that goes on.

use super::{FORMAT, METADATA_KEY, Manifest, RunState, names};
use crate::{
    data::{Normalizer, TensorFile},
    device::Device,
    error::{Error, Result},
    sae::{
        EncoderKind, Kernel, Sae, SaeSettings, Selection, Tensors,
        dictionary::names::{MIXING, MULTIPLIER, POINTS, RELAX},
        encoder::{BIAS, WEIGHT},
        model::THRESHOLDS,
    },
    train::{Adam, Counters, Trainer},
};
use std::path::Path;

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
#[derive(Debug)]
pub struct Checkpoint {
    file: TensorFile,
    manifest: Option<Manifest>,
}

impl Checkpoint {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::File`] if it is no .safetensors file, truncated, or of a later
    /// format.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::new(TensorFile::open(path)?)
    }

    /// From the bytes of a file; `name` is for messages.
    ///
    /// # Errors
    /// As [`Checkpoint::open`].
    pub fn from_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self> {
        Self::new(TensorFile::from_bytes(name, bytes)?)
    }

    fn new(file: TensorFile) -> Result<Self> {
        let manifest = match file.metadata().get(METADATA_KEY) {
            None => None,
            Some(json) => Some(Self::manifest_from(json).map_err(|problem| {
                let hint = "Was it written by a later version, or changed by hand?";
                Error::file(file.path(), problem, hint)
            })?),
        };
        Ok(Self { file, manifest })
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

    /// The file with its tensors.
    pub fn file(&self) -> &TensorFile {
        &self.file
    }

    /// Whether it holds an archetypal model at all.
    pub fn is_model(&self) -> bool {
        self.file.contains(MIXING)
    }

    /// The settings in the file, or what the shapes and `overrides` make of a file without.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor is missing, [`Error::Setting`] if an override is out of range.
    pub fn settings(&self, overrides: &Overrides) -> Result<SaeSettings> {
        if let Some(manifest) = &self.manifest {
            return Ok(manifest.model.clone());
        }
        let (_, [nb_concepts, nb_points]) = self.file.tensor(MIXING)?.matrix()?;
        let (_, [_, input_shape]) = self.file.tensor(POINTS)?.matrix()?;
        let selection = if self.file.contains(THRESHOLDS) {
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
        self.sae_with(device, settings)
    }

    /// As [`Checkpoint::sae`], with settings of one's own: to train on from its parameters in another way.
    ///
    /// # Errors
    /// As [`Checkpoint::sae`].
    pub fn sae_with(&self, device: &Device, settings: SaeSettings) -> Result<Sae> {
        let d = settings.input_shape;
        let tensors = self.tensors(&settings)?;
        let as_written = self.manifest.as_ref().is_some_and(|manifest| manifest.model == settings);
        let mut sae = Sae::new(device, settings, tensors)?;
        if let Some(normalizer) = self.normalizer(d)? {
            sae.set_normalizer(normalizer)?;
        }
        if !as_written {
            // The reference projects before the next forward, not after the update; and another δ is another ball.
            sae.project();
        }
        Ok(sae)
    }

    fn tensors(&self, settings: &SaeSettings) -> Result<Tensors> {
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        Ok(Tensors {
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
        })
    }

    fn normalizer(&self, width: usize) -> Result<Option<Normalizer>> {
        if !self.file.contains(names::SHIFT) {
            return Ok(None);
        }
        let shift = self.floats(names::SHIFT, &[width])?;
        let scale = self.floats(names::SCALE, &[width])?;
        Normalizer::from_parts(shift, scale).map(Some)
    }

    /// The run that the file is a part of, to go on with.
    ///
    /// # Errors
    /// [`Error::File`] if it holds no unfinished run; otherwise as [`Checkpoint::sae`].
    pub fn trainer(&self, device: &Device) -> Result<Trainer> {
        let Some(Manifest { training: Some(training), run: Some(run), .. }) = &self.manifest else {
            return Err(Error::file(
                self.file.path(),
                "holds no unfinished training",
                "Only files written by --checkpoint-every, by Ctrl-C or with --keep-optimizer can be resumed; \
                 --init FILE starts a new run from the parameters of any other.",
            ));
        };
        training.validate()?;
        let RunState { data, progress } = run.clone();
        let sae = self.sae(device, &Overrides::default())?;
        if !progress.is_within(training, data.rows, sae.settings()) {
            let problem = format!(
                "it stands at step {}, epoch {}, batch {} ({:?}), where its run never is",
                progress.step, progress.epoch, progress.batch, progress.path
            );
            let hint = "The checkpoint is damaged; resume from an earlier one.";
            return Err(Error::file(self.file.path(), problem, hint));
        }
        let mut adam = Adam::new(device, &sae.parameters())?;
        adam.steps = progress.step;
        for (parameter, (first, second)) in sae.parameters().iter().zip(&mut adam.moments) {
            for (prefix, moment) in [(names::FIRST, first), (names::SECOND, second)] {
                let name = format!("{prefix}{}", parameter.name);
                moment.write(&self.floats(&name, &parameter.dims)?);
            }
        }
        let mut counters = Counters::new(device, sae.settings().nb_concepts)?;
        let fired = self.file.tensor(names::FIRED)?.with_shape(&[sae.settings().nb_concepts])?;
        counters.fired.write(&fired.to_u32()?);
        Trainer::continued(sae, training.clone(), data, progress, adam, counters)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = self.file.tensor(name)?.with_shape(shape)?.to_f32()?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let problem = format!("tensor {name:?} holds {value}");
            let hint = "The run that wrote it had diverged; use an earlier checkpoint.";
            return Err(Error::file(self.file.path(), problem, hint));
        }
        Ok(values)
    }
}
