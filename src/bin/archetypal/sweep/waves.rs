//! Training the models of a sweep, as many at once as fit into memory.

use super::{
    Args, Job,
    log::{Line, SweepLog},
};
use crate::{
    Context, eval,
    failure::{Failure, Outcome},
    interrupt, memory,
    progress::Task,
    together::{self, Ended},
    train,
    unfinished::Unfinished,
};
use archetypal::{
    Device,
    checkpoint::{self, Contents},
    data::Source,
    recipe::Ingredients,
    train::Trainer,
};
use std::{collections::BTreeMap, sync::Arc};

/// Centres that were found, by their number and seed.
type Points = BTreeMap<(Option<usize>, u64), Vec<f32>>;

/// What all models share.
pub struct Sweep<'a> {
    context: &'a Context,
    args: &'a Args,
    device: Device,
    data: Ingredients,
    unfinished: &'a Unfinished,
}

impl<'a> Sweep<'a> {
    pub async fn new(
        context: &'a Context,
        args: &'a Args,
        data: Arc<dyn Source>,
        unfinished: &'a Unfinished,
    ) -> Outcome<Self> {
        let device = context.device().await?;
        let statistics = train::statistics(context, &*data)?;
        let data = Ingredients::new(data, args.training.normalize, statistics);
        Ok(Self { context, args, device, data, unfinished })
    }

    /// Trains and judges all; each is in `log` once it is done.
    pub async fn run(&self, mut jobs: Vec<Job>, log: &mut SweepLog) -> Outcome {
        let mut points = Points::new();
        let total = jobs.len();
        while !jobs.is_empty() {
            let wave: Vec<Job> = jobs.drain(..self.wave(&jobs)?).collect();
            let first = total - jobs.len() - wave.len() + 1;
            let task = format!("models {first} to {} of {total}", total - jobs.len());
            let Some(trainers) = self.trainers(&wave, &mut points, &task).await? else {
                return Err(self.stopped(0));
            };
            let names: Vec<String> = wave.iter().map(|job| job.name.clone()).collect();
            let loader = || wave[0].recipe.loader(&self.data);
            let ended = together::train(self.context, trainers, &names, loader, self.unfinished);
            let saved = match ended.await? {
                Ended::Done(trained) => self.judge_all(wave, trained, log).await?,
                Ended::Stopped(saved) => Some(saved),
            };
            if let Some(saved) = saved {
                return Err(self.stopped(saved));
            }
        }
        Ok(())
    }

    fn stopped(&self, saved: usize) -> Failure {
        let states = match (saved, self.unfinished.folder()) {
            (0, _) | (_, None) => String::new(),
            (saved, Some(folder)) => {
                format!(", {} the states of {saved} models that are not", folder.display())
            }
        };
        Failure::Interrupted(format!(
            "stopped; {} holds what was done{states}. The same command goes on from there.",
            self.args.out.display()
        ))
    }

    /// How many of the next jobs to do at once.
    fn wave(&self, jobs: &[Job]) -> Outcome<usize> {
        if let Some(count) = self.args.at_once {
            return Ok(count.min(jobs.len()));
        }
        let mut largest = 0;
        for (count, Job { recipe, .. }) in jobs.iter().enumerate() {
            let rows = self.data.source.rows();
            if count == 0 {
                memory::check(&self.device, &recipe.model, &recipe.training, rows)?;
            }
            let needed = memory::needed(&self.device, &recipe.model, &recipe.training, rows)?;
            largest = largest.max(needed);
            if count > 0 && count + 1 > memory::fitting(largest) {
                return Ok(count);
            }
        }
        Ok(jobs.len())
    }

    /// The trainers of a wave, where they were stopped or fresh; nothing if Ctrl-C came first.
    async fn trainers(
        &self,
        wave: &[Job],
        points: &mut Points,
        title: &str,
    ) -> Outcome<Option<Vec<Trainer>>> {
        let task = self.context.reporter.task("models", wave.len() as u64);
        let (mut trainers, mut resumed) = (Vec::new(), 0);
        for (i, job) in wave.iter().enumerate() {
            if interrupt::requested() {
                return Ok(None);
            }
            let (training, statistics) = (&job.recipe.training, &self.data.statistics);
            let stopped =
                self.unfinished.restore(&job.name, &self.device, training, statistics, |_| {})?;
            resumed += usize::from(stopped.is_some());
            trainers.push(match stopped {
                Some(trainer) => trainer,
                None => self.fresh(job, points, &task, i as u64).await?,
            });
        }
        task.done(&format!("{title}{}", together::going_on(resumed)));
        Ok(Some(trainers))
    }

    /// The trainer of a model that begins; `task` hears of it after `done` others.
    async fn fresh(
        &self,
        job: &Job,
        points: &mut Points,
        task: &Task<'_>,
        done: u64,
    ) -> Outcome<Trainer> {
        let Self { device, data, .. } = self;
        let Job { variant, recipe, .. } = job;
        let key = (recipe.model.nb_points(), variant.seed);
        let own = match points.get(&key) {
            Some(found) => found.clone(),
            None => {
                let found =
                    recipe.points(device, data, variant.seed, &mut task.searching(done)).await?;
                points.entry(key).or_insert(found).clone()
            }
        };
        let sae = recipe.sae(device, data, own, variant.seed, &mut task.within(done)).await?;
        Ok(recipe.trainer(sae, data)?)
    }

    /// A line for each; after Ctrl-C how many states were saved of those that have none yet.
    async fn judge_all(
        &self,
        wave: Vec<Job>,
        trained: Vec<Trainer>,
        log: &mut SweepLog,
    ) -> Outcome<Option<usize>> {
        let mut left: Vec<(Job, Trainer)> = wave.into_iter().zip(trained).rev().collect();
        while let Some((job, trainer)) = left.pop() {
            let name = job.name.clone();
            log.add(self.judge(job, trainer).await?)?;
            self.unfinished.remove(&name)?;
            if interrupt::requested() && !left.is_empty() {
                let runs = left.iter_mut().map(|(job, trainer)| (&job.name, trainer));
                return Ok(Some(self.unfinished.save_all(runs).await?));
            }
        }
        Ok(None)
    }

    async fn judge(&self, job: Job, trainer: Trainer) -> Outcome<Line> {
        let Job { variant, recipe, .. } = job;
        let mut sae = trainer.into_sae();
        sae.eval()?;
        let figures = eval::evaluation(self.context, &sae, self.data.source.clone()).await?;
        if let Some(folder) = &self.args.save {
            checkpoint::save(&variant.path(folder), Contents::Model(&sae, Some(&recipe.training)))
                .await?;
        }
        let model = sae.settings().clone();
        Ok(Line {
            data: self.args.data.identity(),
            variant,
            model,
            delta_relative: recipe.delta_relative,
            training: recipe.training,
            figures,
        })
    }
}
