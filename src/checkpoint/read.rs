//! From the bytes of a checkpoint, ours or the reference's, to a model.

use super::{FORMAT, METADATA_KEY, Manifest, guess, names};
use crate::{
    data::{Normalizer, TensorFile},
    device::Device,
    error::{Error, Result},
    sae::{
        Encoder, Kernel, Normalization, Sae, SaeSettings, Selection, StateDict, Thresholds,
        model::{DIRECT_THRESHOLDS, RUNNING_THRESHOLD, THRESHOLDS},
    },
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
    /// What a free dictionary is held to; l2 where nothing says otherwise.
    pub normalization: Option<Normalization>,
    /// Whether the dictionary's scale is trained; if it is not 0 where nothing says otherwise.
    pub use_multiplier: Option<bool>,
}

/// A checkpoint whose header has been read.
#[derive(Debug)]
pub struct Checkpoint {
    pub(super) file: TensorFile,
    pub(super) manifest: Option<Manifest>,
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

    /// Whether it holds a model at all.
    pub fn is_model(&self) -> bool {
        guess::holds_model(&self.file)
    }

    /// The scale eᵐ of its dictionary.
    ///
    /// # Errors
    /// [`Error::File`] if it holds none.
    pub fn multiplier(&self) -> Result<f32> {
        guess::multiplier(&self.file).map(f32::exp)
    }

    /// The settings in the file, or what its tensors and `overrides` make of a file without.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor is missing, [`Error::Setting`] if an override is out of range.
    pub fn settings(&self, overrides: &Overrides) -> Result<SaeSettings> {
        match &self.manifest {
            Some(manifest) => Ok(manifest.model.clone()),
            None => guess::settings(&self.file, overrides),
        }
    }

    /// The model, on `device`, in train mode: for its codes alone call [`Sae::eval`] first, which matters to batch norms and batch
    /// top-k.
    ///
    /// # Errors
    /// [`Error::File`] if a tensor cannot be read, [`Error::Shape`] if one is missing or of another shape than the
    /// settings ask for, [`Error::TooLarge`] if the device cannot hold it.
    pub fn sae(&self, device: &Device, overrides: &Overrides) -> Result<Sae> {
        let settings = self.settings(overrides)?;
        self.sae_with(device, settings)
    }

    /// As [`Checkpoint::sae`], with settings of one's own: to train on from its parameters in another way.
    ///
    /// # Errors
    /// As [`Checkpoint::sae`].
    pub fn sae_with(&self, device: &Device, settings: SaeSettings) -> Result<Sae> {
        let state = self.state(&settings)?;
        self.finished(Sae::new(device, settings, &state)?)
    }

    /// The model of a file that was trained with an encoder of one's own: `make` is given the tensors that the file
    /// holds and returns that encoder with its values.
    ///
    /// # Errors
    /// As [`Checkpoint::sae`], and those of `make`.
    pub fn sae_with_encoder(
        &self,
        device: &Device,
        make: impl FnOnce(&SaeSettings, &StateDict) -> Result<Box<dyn Encoder>>,
    ) -> Result<Sae> {
        let settings = self.settings(&Overrides::default())?;
        let state = self.state(&settings)?;
        let encoder = make(&settings, &state)?;
        self.finished(Sae::with_encoder(device, settings, encoder, &state)?)
    }

    /// A model made of the file's tensors, with all that belongs to it.
    fn finished(&self, mut sae: Sae) -> Result<Sae> {
        let d = sae.settings().input_shape;
        let as_written =
            self.manifest.as_ref().is_some_and(|manifest| manifest.model == *sae.settings());
        if let Some(normalizer) = self.normalizer(d)? {
            sae.set_normalizer(normalizer)?;
        }
        if !as_written {
            // The reference projects before the next forward, not after the update; and another δ is another ball.
            sae.project();
        }
        Ok(sae)
    }

    /// All tensors of the model, under the names that this crate has for them.
    fn state(&self, settings: &SaeSettings) -> Result<StateDict> {
        let mut state = StateDict::default();
        for stored in self.file.names() {
            let of_the_model = !["train.", "normalize."].iter().any(|p| stored.starts_with(p));
            if let Some(name) = guess::state_name(&self.file, &stored).filter(|_| of_the_model) {
                let (shape, values) = self.any_floats(&stored)?;
                state.insert(name, &shape, values);
            }
        }
        let k = settings.nb_concepts;
        let direct =
            matches!(settings.selection, Selection::Jump { thresholds: Thresholds::Direct, .. });
        if direct && state.get(DIRECT_THRESHOLDS).is_none() {
            let thresholds = state.values(THRESHOLDS, &[k])?.iter().map(|t| t.exp()).collect();
            state.insert(DIRECT_THRESHOLDS, &[k], thresholds);
        }
        if matches!(settings.selection, Selection::BatchTopK { .. })
            && state.get(RUNNING_THRESHOLD).is_none()
        {
            state.insert(RUNNING_THRESHOLD, &[], vec![-1.0]);
        }
        Ok(state)
    }

    fn any_floats(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        let tensor = self.file.tensor(name)?;
        let shape = tensor.shape().to_vec();
        // PyTorch counts the batches that a norm has seen as an integer.
        let values = match tensor.to_i64() {
            Ok(integers) => integers.into_iter().map(|count| count as f32).collect(),
            Err(_) => self.floats(name, &shape)?,
        };
        Ok((shape, values))
    }

    fn normalizer(&self, width: usize) -> Result<Option<Normalizer>> {
        if !self.file.contains(names::SHIFT) {
            return Ok(None);
        }
        let shift = self.floats(names::SHIFT, &[width])?;
        let scale = self.floats(names::SCALE, &[width])?;
        Normalizer::from_parts(shift, scale).map(Some)
    }

    pub(super) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        let values = self.file.tensor(name)?.with_shape(shape)?.to_f32()?;
        if let Some(value) = values.iter().find(|value| !value.is_finite()) {
            let problem = format!("tensor {name:?} holds {value}");
            let hint = "The run that wrote it had diverged; use an earlier checkpoint.";
            return Err(Error::file(self.file.path(), problem, hint));
        }
        Ok(values)
    }
}
