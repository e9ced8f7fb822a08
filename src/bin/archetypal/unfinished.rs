//! What a command that trains many models leaves when it is stopped, so that the same command goes on: the states of
//! models that were not done, and figures of those that were.

use crate::{
    checkpoint,
    failure::{Failure, Outcome},
    options::{self, DataArgs},
};
use archetypal::{
    Device, Error,
    checkpoint::{Checkpoint, Contents, Overrides},
    data::{Statistics, write_atomically},
    sae::Sae,
    train::{DataFacts, TrainSettings, Trainer},
};
use clap::builder::RangedU64ValueParser;
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Options of commands that train many models.
#[derive(Clone, Debug, clap::Args)]
pub struct UnfinishedArgs {
    /// Folder for the states of models that are not done when Ctrl-C comes. The same command goes on with them, to the
    /// same bits, and takes them away once it has their figures [default: the name of --out, with .unfinished behind
    /// it]
    #[arg(long, value_name = "DIR")]
    unfinished: Option<PathBuf>,
    /// Write these states every so many steps too, each file whole, for runs that may be killed [default: only on
    /// Ctrl-C]
    #[arg(long, value_name = "STEPS")]
    #[arg(value_parser = RangedU64ValueParser::<u64>::new().range(1..))]
    checkpoint_every: Option<u64>,
}

/// The folder, if there is one.
pub struct Unfinished {
    folder: Option<PathBuf>,
    every: Option<u64>,
}

/// What a file in the folder is called: `what`, for people, and a number made of all that the contents depend on, so
/// that a command with other settings does not take it for its own.
pub fn name(what: &str, of: &impl Serialize) -> String {
    let json = serde_json::to_vec(of).expect("settings are plain data");
    // FNV-1a, 64 bits.
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{what}-{:016x}", json.iter().fold(0xcbf2_9ce4_8422_2325, mix))
}

impl UnfinishedArgs {
    /// The folder of a command that writes to `out` and reads `data`.
    pub fn folder(&self, out: Option<&Path>, data: &DataArgs) -> Outcome<Unfinished> {
        let beside = |out: &Path| {
            let mut name = out.as_os_str().to_owned();
            name.push(".unfinished");
            PathBuf::from(name)
        };
        let folder = self.unfinished.clone().or_else(|| out.map(beside));
        match &folder {
            Some(folder) => options::refuse_input(&folder.join("state.safetensors"), data, &[])?,
            None if self.checkpoint_every.is_some() => {
                let problem = "--checkpoint-every has nowhere to write to: name a folder with --unfinished, or a report with --out";
                return Err(Failure::Usage(problem.into()));
            }
            None => {}
        }
        Ok(Unfinished { folder, every: self.checkpoint_every })
    }
}

impl Unfinished {
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Whether states are written after this step.
    pub fn is_due(&self, step: u64) -> bool {
        self.every.is_some_and(|every| step.is_multiple_of(every))
    }

    fn path(&self, name: &str, kind: &str) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{name}.{kind}")))
    }

    fn state(&self, name: &str) -> Option<PathBuf> {
        self.path(name, "safetensors")
    }

    /// The run of this name where it was stopped, if it was. `adapt` does to the model what its file does not tell of.
    pub fn restore(
        &self,
        name: &str,
        device: &Device,
        training: &TrainSettings,
        statistics: &Statistics,
        adapt: impl FnOnce(&mut Sae),
    ) -> Outcome<Option<Trainer>> {
        let Some(path) = self.state(name).filter(|path| path.exists()) else { return Ok(None) };
        let file = checkpoint::open(&path)?;
        check_settings(&file, training)?;
        let mut sae = file.sae(device, &Overrides::default())?;
        adapt(&mut sae);
        let trainer = file.trainer_with(sae, training.whole_loss()?.criterion())?;
        // Other statistics mean other rows, or another order of them.
        if DataFacts::new(statistics, trainer.sae().normalizer()) != *trainer.data_facts() {
            let problem = "is of a run on other rows than these";
            let hint = "Give the same files in the same order, or remove it to start anew.";
            return Err(Error::file(&path, problem, hint).into());
        }
        Ok(Some(trainer))
    }

    /// Writes the state of a run whose figures were collected.
    pub async fn save(&self, name: &str, trainer: &Trainer) -> Outcome {
        let Some(path) = self.made(self.state(name))? else { return Ok(()) };
        Ok(archetypal::checkpoint::save(path, Contents::Run(trainer)).await?)
    }

    /// Writes the states of all runs that have begun; how many files there are of them. One that cannot be written leaves the others
    /// alone.
    pub async fn save_all<'a>(
        &self,
        runs: impl IntoIterator<Item = (&'a String, &'a mut Trainer)>,
    ) -> Outcome<usize> {
        let (mut saved, mut failed) = (0, None);
        for (name, trainer) in runs.into_iter().filter(|(_, trainer)| trainer.progress().step > 0) {
            match self.collect_and_save(name, trainer).await {
                Ok(()) => saved += usize::from(self.folder.is_some()),
                Err(failure) => failed = failed.or(Some(failure)),
            }
        }
        failed.map_or(Ok(saved), Err)
    }

    async fn collect_and_save(&self, name: &str, trainer: &mut Trainer) -> Outcome {
        let collected = trainer.collect().await;
        collected.map_err(|error| Failure::of_model(name, error))?;
        self.save(name, trainer).await
    }

    /// Takes away the state of a run that is needed no more.
    pub fn remove(&self, name: &str) -> Outcome {
        remove(self.state(name))
    }

    /// Keeps figures, whole or not at all.
    pub fn keep(&self, name: &str, figures: &impl Serialize) -> Outcome {
        let Some(path) = self.made(self.path(name, "json"))? else { return Ok(()) };
        let text = serde_json::to_vec(figures).expect("figures are plain data");
        Ok(write_atomically(path, |file| file.write_all(&text))?)
    }

    /// The figures that were kept. Those that cannot be read can be made again.
    pub fn kept<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.path(name, "json")?).ok()?).ok()
    }

    /// Takes figures away that are needed no more.
    pub fn forget(&self, name: &str) -> Outcome {
        remove(self.path(name, "json"))
    }

    /// Removes the folder if there is nothing in it, as there may be of other commands.
    pub fn close(&self) {
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(folder);
        }
    }

    /// `path`, with the folder that it is in.
    fn made(&self, path: Option<PathBuf>) -> Outcome<Option<PathBuf>> {
        if let Some(folder) = &self.folder {
            fs::create_dir_all(folder)
                .map_err(|error| Error::io("make the folder", folder, error))?;
        }
        Ok(path)
    }
}

fn remove(path: Option<PathBuf>) -> Outcome {
    let Some(path) = path else { return Ok(()) };
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::io("remove", path, error).into())
        }
        _ => Ok(()),
    }
}

/// Refuses a file that is not what its name says: it was damaged, or put there by hand.
fn check_settings(file: &Checkpoint, training: &TrainSettings) -> Outcome {
    let manifest = file.manifest();
    if let Some(manifest) = manifest {
        manifest.model.validate().map_err(|error| checkpoint::damaged(file, &error))?;
    }
    if manifest.and_then(|manifest| manifest.training.as_ref()) == Some(training) {
        return Ok(());
    }
    let problem = "is of a run with other settings than its name stands for";
    Err(Error::file(file.file().path(), problem, "Remove it to start that run anew.").into())
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn other_settings_have_other_names() {
        let of_a = name("x", &"a");
        assert_eq!(of_a, name("x", &"a"));
        assert!(of_a.starts_with("x-") && of_a.len() == 18, "{of_a}");
        assert_ne!(of_a, name("x", &"b"));
    }
}
