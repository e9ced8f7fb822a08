//! Going on with an unfinished run.

use super::{Checkpoint, Manifest, Overrides, RunState, names};
use crate::{
    device::Device,
    error::{Error, Result},
    sae::Sae,
    train::{Adam, Counters, Criterion, TrainSettings, Trainer, sparse_serves},
};

impl Checkpoint {
    /// The run that the file is a part of, to go on with.
    ///
    /// # Errors
    /// [`Error::File`] if it holds no unfinished run; otherwise as [`Checkpoint::sae`].
    pub fn trainer(&self, device: &Device) -> Result<Trainer> {
        let (training, run) = self.run()?;
        if run.custom_loss {
            return Err(Error::file(
                self.file.path(),
                "was trained with a loss of its author's own",
                "Go on with it in the program that has that loss (Checkpoint::trainer_with), or start a new run from \
                 the parameters with --init FILE.",
            ));
        }
        let sae = self.sae(device, &Overrides::default())?;
        self.trainer_with(sae, training.whole_loss()?.criterion())
    }

    /// As [`Checkpoint::trainer`], of a run with an encoder or a loss of one's own: with the model that
    /// [`Checkpoint::sae`] or [`Checkpoint::sae_with_encoder`] made of the file, and the criterion that the run had.
    ///
    /// # Errors
    /// As [`Checkpoint::trainer`].
    pub fn trainer_with(&self, sae: Sae, criterion: Criterion) -> Result<Trainer> {
        let (training, run) = self.run()?;
        let device = &sae.device().clone();
        training.validate()?;
        let RunState { data, progress, custom_loss } = run.clone();
        let sparse = sparse_serves(&*sae.encoder, criterion.needs());
        if !progress.is_within(training, data.rows, sae.settings(), sparse) {
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
        let idle = self.file.tensor(names::IDLE)?.with_shape(&[sae.settings().nb_concepts])?;
        counters.restore(&fired.to_u32()?, &idle.to_u32()?);
        let training = training.clone();
        let mut trainer =
            Trainer::continued(sae, training, data, criterion, progress, adam, counters)?;
        trainer.custom_loss = custom_loss;
        Ok(trainer)
    }

    fn run(&self) -> Result<(&TrainSettings, &RunState)> {
        match &self.manifest {
            Some(Manifest { training: Some(training), run: Some(run), .. }) => Ok((training, run)),
            _ => Err(Error::file(
                self.file.path(),
                "holds no unfinished training",
                "Only files written by --checkpoint-every, by Ctrl-C or with --keep-optimizer can be resumed; \
                 --init FILE starts a new run from the parameters of any other.",
            )),
        }
    }
}
