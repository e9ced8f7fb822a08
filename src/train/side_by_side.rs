//! Several runs over the same batches: the data are read, normalised and shuffled once for all of them.

use super::{
    Event, Trainer,
    run::{check_width, cut_short},
};
use crate::{
    data::{BatchStream, Loader},
    error::{Error, Result},
};

/// Trainers that see the same batches in the same order.
pub struct SideBySide {
    trainers: Vec<Trainer>,
    loader: Loader,
    batches: Option<Box<dyn BatchStream>>,
}

impl SideBySide {
    /// Trainers of runs of one length that stand at one step, fresh or resumed, fed from one loader. Their seeds count for
    /// their initial values; the order of the rows is the loader's.
    ///
    /// # Errors
    /// [`Error::Setting`] if they are for other data, batches or numbers of epochs, or not at one step.
    pub fn new(trainers: Vec<Trainer>, loader: Loader) -> Result<Self> {
        for trainer in &trainers {
            check_width(trainer, &loader)?;
            let of = |trainer: &Trainer| {
                let settings = trainer.settings();
                (
                    trainer.data_facts().rows,
                    settings.batch_size,
                    settings.epochs,
                    trainer.progress().step,
                )
            };
            let (rows, batch_size, epochs, step) = of(trainer);
            let (_, _, first_epochs, first_step) = of(&trainers[0]);
            let expected = (loader.source().rows(), loader.batch_size(), first_epochs, first_step);
            if (rows, batch_size, epochs, step) != expected {
                return Err(Error::setting(
                    "runs side by side",
                    format!("{rows} rows, batches of {batch_size}, {epochs} epochs, step {step}"),
                    format!(
                        "{} rows, batches of {}, {} epochs, step {}",
                        expected.0, expected.1, expected.2, expected.3
                    ),
                    "Runs that share their batches must be equally long.",
                ));
            }
        }
        Ok(Self { trainers, loader, batches: None })
    }

    /// One step of each; `false` if all epochs were done already.
    ///
    /// # Errors
    /// Those of [`Trainer::step`] and of reading the data.
    pub async fn step(&mut self) -> Result<bool> {
        loop {
            self.trainers.iter().try_for_each(Trainer::check_sound)?;
            let Some(first) = self.trainers.first().filter(|trainer| !trainer.is_done()) else {
                return Ok(false);
            };
            let opened = self.batches.is_none();
            let batches = match &mut self.batches {
                Some(batches) => batches,
                none => {
                    let progress = first.progress();
                    none.insert(self.loader.epoch(progress.epoch, progress.batch as usize)?)
                }
            };
            let Some(batch) = batches.next() else {
                if opened {
                    return Err(cut_short(first));
                }
                self.batches = None;
                continue;
            };
            let batch = batch?;
            for trainer in &mut self.trainers {
                trainer.step(&batch.data).await?;
            }
            batches.recycle(batch);
            return Ok(true);
        }
    }

    /// The index of the run of which a step was not finite, if that is why [`SideBySide::step`] fails.
    pub fn failed(&self) -> Option<usize> {
        self.trainers.iter().position(|trainer| trainer.check_sound().is_err())
    }

    /// How far they are, as a share of all steps.
    pub fn progress(&self) -> f64 {
        let Some(first) = self.trainers.first() else { return 1.0 };
        first.progress().step as f64 / first.total_steps().max(1) as f64
    }

    /// Reads the figures of every run and brings its rows up to date, so that its state can be saved: see
    /// [`Trainer::collect`].
    ///
    /// # Errors
    /// As [`Trainer::collect`].
    pub async fn collect(&mut self) -> Result<()> {
        for trainer in &mut self.trainers {
            trainer.collect().await?;
        }
        Ok(())
    }

    /// The trainers, in the order that they were given in.
    pub fn trainers(&self) -> &[Trainer] {
        &self.trainers
    }

    /// The events since the last call, each with the index of its run.
    pub fn take_events(&mut self) -> Vec<(usize, Event)> {
        let each = self.trainers.iter_mut().enumerate();
        each.flat_map(|(i, trainer)| trainer.take_events().into_iter().map(move |e| (i, e)))
            .collect()
    }

    /// The trainers, wherever they stand.
    pub fn into_trainers(self) -> Vec<Trainer> {
        self.trainers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Device,
        data::{InMemory, Normalize},
        recipe::{Given, Ingredients, Preset, Recipe},
        sae::ModelSettings,
        train::Run,
    };
    use std::sync::Arc;

    fn recipe(seed: u64) -> Recipe {
        let model = ModelSettings { concepts: Some(12), top_k: Some(3), ..Default::default() };
        let given: Given = [
            ("epochs".to_owned(), 3.into()),
            ("batch_size".to_owned(), 32.into()),
            ("seed".to_owned(), seed.into()),
        ]
        .into_iter()
        .collect();
        Recipe::new(Preset::Recommended, &model, &given, None, 100, 6).unwrap()
    }

    #[test]
    fn each_ends_as_it_would_alone() {
        pollster::block_on(async {
            let rows: Vec<f32> = (0..600).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
            let source = Arc::new(InMemory::new("rows", 6, rows).unwrap());
            let data = Ingredients::gather(source, Normalize::Standardize, &mut |_| {}).unwrap();
            let device = Device::cpu();
            let mut trainers = Vec::new();
            let mut alone = Vec::new();
            for seed in [0, 1] {
                let recipe = recipe(seed);
                let make = async || {
                    let points = recipe.points(&device, &data, seed, &mut |_| {}).await.unwrap();
                    let sae =
                        recipe.sae(&device, &data, points, seed, &mut |_, _| {}).await.unwrap();
                    recipe.trainer(sae, &data).unwrap()
                };
                trainers.push(make().await);
                let loader = super::tests::recipe(0).loader(&data).unwrap();
                let mut run = Run::new(make().await, loader).unwrap();
                while run.step().await.unwrap() {}
                alone.push(run.into_trainer().into_sae().state().await.unwrap());
            }
            let mut both =
                SideBySide::new(trainers, super::tests::recipe(0).loader(&data).unwrap()).unwrap();
            while both.step().await.unwrap() {}
            assert_eq!(both.progress(), 1.0);
            for (trainer, alone) in both.into_trainers().into_iter().zip(alone) {
                assert_eq!(trainer.into_sae().state().await.unwrap(), alone);
            }
        });
    }
}
