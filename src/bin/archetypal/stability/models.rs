//! The models of some arms: made, or gone on with, and what their files are called.

use super::{
    JudgedOn,
    arms::{Arm, Asked, Kind, Points},
};
use crate::{
    Context, failure::Outcome, interrupt, together::going_on, unfinished, unfinished::Unfinished,
};
use archetypal::{
    Device,
    data::Source,
    recipe::{Ingredients, Recipe},
    train::{DataFacts, Trainer},
};
use std::sync::Arc;

/// What models are made from.
pub struct Models<'a> {
    /// What tells the data from others.
    pub name: String,
    pub asked: &'a Asked<'a>,
    pub device: &'a Device,
    pub data: &'a Ingredients,
    /// What they are judged on, and what that is called where it is not the data.
    pub judge: &'a Arc<dyn Source>,
    pub judged_on: Option<&'a JudgedOn>,
    /// Those of each seed.
    pub points: &'a [Vec<f32>],
    pub seeds: &'a [u64],
    pub unfinished: &'a Unfinished,
}

/// All seeds of some arms, arm by arm, ready to be trained.
#[derive(Default)]
pub struct Ready {
    pub trainers: Vec<Trainer>,
    /// What their states are called.
    pub names: Vec<String>,
    /// Their dictionaries before any training.
    pub at_start: Vec<Vec<f32>>,
    /// How many of them go on from where they were stopped.
    pub resumed: usize,
}

impl Models<'_> {
    /// The models of some arms; nothing if Ctrl-C came first.
    pub async fn ready(&self, context: &Context, arms: &[Arm]) -> Outcome<Option<Ready>> {
        let task = context.reporter.task("models", (arms.len() * self.seeds.len()) as u64);
        let mut ready = Ready::default();
        for &arm in arms {
            let recipe = self.asked.recipe_of(arm.kind, self.data)?;
            for i in 0..self.seeds.len() {
                if interrupt::requested() {
                    return Ok(None);
                }
                let mut tell = task.within(ready.trainers.len() as u64);
                self.add(&mut ready, arm, &recipe, i, &mut tell).await?;
            }
        }
        let going_on = going_on(ready.resumed);
        task.done(&format!("{} models to train side by side{going_on}", ready.names.len()));
        Ok(Some(ready))
    }

    /// The model of the `i`-th seed, made even if it is gone on with: how it started is in no file.
    async fn add(
        &self,
        ready: &mut Ready,
        arm: Arm,
        recipe: &Recipe,
        i: usize,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Outcome {
        let Self { asked, device, data, points, seeds, .. } = self;
        let own = match arm.points {
            Points::Shared => &points[0],
            _ => &points[i],
        };
        let sae = asked.model_of(arm.kind, device, data, own, seeds[i], on_progress).await?;
        ready.at_start.push(sae.dictionary().await?);
        let name = self.state_name(arm, recipe, seeds[i]);
        let (training, statistics) = (&recipe.training, &data.statistics);
        let stopped = self.unfinished.restore(&name, device, training, statistics, |sae| {
            if arm.kind == Kind::WithoutProjection {
                sae.release();
            }
        })?;
        ready.resumed += usize::from(stopped.is_some());
        ready.trainers.push(match stopped {
            Some(trainer) => trainer,
            None => recipe.trainer(sae, data)?,
        });
        ready.names.push(name);
        Ok(())
    }

    fn state_name(&self, arm: Arm, recipe: &Recipe, seed: u64) -> String {
        let Recipe { model, delta_relative, training } = recipe;
        let first = (arm.points == Points::Shared).then_some(self.seeds[0]);
        let (rows, points) = (self.data.source.rows(), self.asked.recipe.model.nb_points());
        let all =
            (&self.name, rows, arm.kind, seed, first, points, model, delta_relative, training);
        unfinished::name(&format!("{}-seed{seed}", arm.file_name()), &all)
    }

    /// What the figures of an arm are called.
    pub fn line_name(&self, arm: Arm) -> Outcome<String> {
        let recipe = self.asked.recipe_of(arm.kind, self.data)?;
        let states = self.seeds.iter().map(|&seed| self.state_name(arm, &recipe, seed));
        // A state says itself what rows it was trained on.
        let facts = DataFacts::new(&self.data.statistics, &self.data.normalizer);
        let all = (states.collect::<Vec<_>>(), &self.judged_on, facts);
        Ok(unfinished::name(&arm.file_name(), &all))
    }

    /// Takes away the figures that were kept.
    pub fn forget_lines(&self, arms: &[Arm]) -> Outcome {
        arms.iter().try_for_each(|&arm| self.unfinished.forget(&self.line_name(arm)?))
    }
}
