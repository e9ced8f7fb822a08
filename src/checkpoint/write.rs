//! What goes into a checkpoint.

use super::{FORMAT, METADATA_KEY, Manifest, RunState, entry::Entry, names};
use crate::{
    data::encode_tensors,
    error::Result,
    sae::{
        Sae,
        model::{DIRECT_THRESHOLDS, THRESHOLDS},
    },
    train::{TrainSettings, Trainer},
};
use std::collections::BTreeMap;

/// What to write.
#[derive(Clone, Copy, Debug)]
pub enum Contents<'a> {
    /// A model, and how it was trained if that is known.
    Model(&'a Sae, Option<&'a TrainSettings>),
    /// A run with all that it needs to go on. Its figures must have been collected
    /// ([`Trainer::collect`]).
    Run(&'a Trainer),
}

impl<'a> Contents<'a> {
    fn manifest(&self) -> Manifest {
        let (sae, training, run) = match *self {
            Self::Model(sae, training) => (sae, training, None),
            Self::Run(trainer) => (trainer.sae(), Some(trainer.settings()), Some(trainer.state())),
        };
        Manifest { format: FORMAT, model: sae.settings().clone(), training: training.cloned(), run }
    }

    fn metadata(&self) -> BTreeMap<String, String> {
        let json = serde_json::to_string(&self.manifest()).expect("a manifest is plain data");
        BTreeMap::from([(METADATA_KEY.to_owned(), json)])
    }

    async fn entries(&self) -> Result<Vec<Entry<'a>>> {
        if let Self::Run(trainer) = *self {
            assert!(
                trainer.is_collected(),
                "the figures of a run are collected before it is saved"
            );
        }
        match *self {
            Self::Model(sae, _) => model_entries(sae).await,
            Self::Run(trainer) => {
                let mut entries = model_entries(trainer.sae()).await?;
                entries.extend(trainer.entries().await?);
                Ok(entries)
            }
        }
    }
}

/// The bytes of a checkpoint: the same for the same contents.
///
/// # Errors
/// [`crate::Error::Device`] if a tensor could not be read back.
///
/// # Panics
/// If a run has figures on the device that were not read yet: see [`crate::train::Trainer::collect`].
pub async fn to_bytes(contents: Contents<'_>) -> Result<Vec<u8>> {
    let entries = contents.entries().await?;
    let tensors: Vec<_> = entries.iter().map(Entry::out).collect();
    Ok(encode_tensors(&tensors, &contents.metadata()))
}

/// Writes a checkpoint: beside, synced, then renamed, so that `path` holds the old file or the new one. A state with
/// NaN or infinity in it is not written, for it would replace the last one that can be gone on from.
///
/// # Errors
/// [`crate::Error::File`] if a value is not finite,
/// [`crate::Error::Io`] if it cannot be written, [`crate::Error::Device`] if a tensor could not be read back.
///
/// # Panics
/// As [`to_bytes`].
#[cfg(not(target_arch = "wasm32"))]
pub async fn save(path: impl AsRef<std::path::Path>, contents: Contents<'_>) -> Result<()> {
    let entries = contents.entries().await?;
    if let Some(entry) = entries.iter().find(|entry| !entry.is_finite()) {
        return Err(crate::Error::file(
            path.as_ref(),
            format!("not written: {} holds values that are not finite", entry.name()),
            "The run has diverged: lower --lr or --clip-grad, or standardise the data.",
        ));
    }
    let tensors: Vec<_> = entries.iter().map(Entry::out).collect();
    crate::data::write_tensors(path, &tensors, &contents.metadata())
}

async fn model_entries(sae: &Sae) -> Result<Vec<Entry<'_>>> {
    let mut entries = Vec::new();
    for parameter in sae.parameters().into_iter().chain(sae.buffers()) {
        entries.push(Entry::of(parameter.name, &parameter.dims, &parameter.value).await?);
    }
    if let Some(direct) = sae.thresholds.as_ref().filter(|t| t.name == DIRECT_THRESHOLDS) {
        // For readers that know the reference's name only.
        let logarithms = direct.value.read().await?.into_iter().map(f32::ln).collect();
        entries.push(Entry::owned(THRESHOLDS, &direct.dims, logarithms));
    }
    entries.push(Entry::vector(names::SHIFT, sae.normalizer().shift()));
    entries.push(Entry::vector(names::SCALE, sae.normalizer().scale()));
    Ok(entries)
}

impl Trainer {
    fn state(&self) -> RunState {
        RunState { data: self.data, custom_loss: self.custom_loss, progress: self.progress.clone() }
    }

    async fn entries(&self) -> Result<Vec<Entry<'_>>> {
        let mut entries = Vec::new();
        for (parameter, (first, second)) in self.sae.parameters().iter().zip(&self.adam.moments) {
            let name = |prefix: &str| format!("{prefix}{}", parameter.name);
            entries.push(Entry::of(name(names::FIRST), &parameter.dims, first).await?);
            entries.push(Entry::of(name(names::SECOND), &parameter.dims, second).await?);
        }
        entries.push(Entry::counters(names::FIRED, &self.counters.fired).await?);
        entries.push(Entry::counters(names::IDLE, &self.counters.idle).await?);
        Ok(entries)
    }
}
