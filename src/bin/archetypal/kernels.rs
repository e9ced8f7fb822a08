//! The kernels of training on a GPU, made before the first step: a driver compiles them for seconds, without a word otherwise.

use crate::{Context, failure::Outcome};
use archetypal::{
    sae::SaeSettings,
    train::{TrainSettings, Trainer},
};

/// Lets the driver compile what the steps of these trainers need, and says how far it is: once for each kind of them. Warns
/// if matrix units were asked for and none of these steps has a use for them.
pub async fn warm_up(
    context: &Context,
    trainers: impl IntoIterator<Item = &mut Trainer>,
) -> Outcome {
    let mut kinds: Vec<(SaeSettings, TrainSettings)> = Vec::new();
    let mut half = false;
    for trainer in trainers {
        half |= trainer.settings().half;
        let kind = kind(trainer);
        let on_gpu = trainer.sae().device().is_gpu();
        if on_gpu && !trainer.is_done() && !kinds.contains(&kind) {
            prepare(context, trainer).await?;
            kinds.push(kind);
        }
    }
    if context.common.cooperative && !half {
        context
            .reporter
            .warn("--cooperative is for the products of --half; without it nothing changes");
    }
    Ok(())
}

/// All that kernels may depend on: neither seed nor rate is in them.
fn kind(trainer: &Trainer) -> (SaeSettings, TrainSettings) {
    let training = TrainSettings { seed: 0, lr: 0.0, ..trainer.settings().clone() };
    (trainer.sae().settings().clone(), training)
}

async fn prepare(context: &Context, trainer: &mut Trainer) -> Outcome {
    let (mut task, mut kernels) = (None, 0);
    let mut tell = |done: usize, of: usize| {
        kernels = of;
        let task = task.get_or_insert_with(|| context.reporter.task("kernels", of as u64));
        task.at(done as u64);
        task.say(format!("preparing kernels, {done} of {of}"));
    };
    trainer.warm_up(&mut tell).await?;
    if let Some(task) = task {
        task.done(&format!("{kernels} prepared"));
    }
    Ok(())
}
