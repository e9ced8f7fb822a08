//! A whole step of training, and where its time goes.

use super::{
    Setting,
    clock::{self, Runs, Time},
    cost::{self, Fill, Updated},
    machine,
    model::{self, Model},
    roofline::Roofline,
};
use crate::failure::Outcome;
use archetypal::{
    Device,
    device::OperationTime,
    train::{Event, Path, Trainer},
};
use serde::Serialize;

/// Steps after which jump has chosen its path by its counters: sparse after 16, and the cheaper sparse path after 16 more.
const JUMP_CHOOSES: usize = 32;

/// A step of a size.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub seconds: Time,
    /// Loss of the batch of each step, before its update, from the first one on.
    pub losses: Vec<f32>,
    pub path: Path,
    pub codes: Fill,
    /// Floating-point operations that it needs …
    pub flops: f64,
    /// … and those that the reference's way needs.
    pub reference_flops: f64,
    /// The least seconds that the device needs for them and for the bytes, if only the rows of concepts that fired are
    /// updated; and if all rows are.
    pub limit: Option<f64>,
    pub limit_all_rows: Option<f64>,
    /// limit / seconds.
    pub share: Option<f64>,
    /// Peak of the resident set from the making of the model on, in bytes.
    pub memory: Option<u64>,
    /// Seconds of a step by operation, while the clock is on each; the rest is what the host does besides.
    pub stages: Vec<Stage>,
}

/// An operation in a step.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stage {
    pub name: &'static str,
    pub calls: f64,
    pub seconds: f64,
}

/// Measures steps on the batches of `setting`.
pub async fn measure(setting: &Setting<'_>, roofline: Option<&Roofline>) -> Outcome<Step> {
    let Setting { device, size, rows, runs, .. } = *setting;
    let _ = machine::reset_peak();
    let sae = model::build(device, setting.model, size, rows, setting.l0).await?;
    let mut trainer = model::trainer(sae, size)?;
    let mut batches = rows.batches(size.batch);
    let mut losses = Vec::new();
    let mut step = async |trainer: &mut Trainer| -> Outcome {
        let batch = batches.next().expect("they go round");
        trainer.step(batch).await?;
        losses.extend(take_losses(trainer));
        Ok(())
    };
    let choosing = if setting.model == Model::RaJump { JUMP_CHOOSES } else { 0 };
    let runs = Runs { warm_up: choosing + runs.warm_up, ..runs };
    let seconds = clock::whole(device, runs, async || step(&mut trainer).await).await?;
    let memory = machine::peak();

    device.set_profiling(true);
    for _ in 0..runs.timed {
        step(&mut trainer).await?;
    }
    let stages = stages(device, runs.timed).await?;
    trainer.collect().await?;
    losses.extend(take_losses(&mut trainer));
    let path = trainer.progress().path;
    let codes = model::fill(trainer.sae(), size, rows).await?;
    let costs = |updated| cost::of_step(path, size, codes, updated);
    let limit = |updated| roofline.map(|roofline| roofline.limit(&costs(updated)));
    Ok(Step {
        losses,
        path,
        codes,
        flops: cost::flops(&costs(Updated::Fired)),
        reference_flops: cost::flops(&cost::of_step(Path::Dense, size, codes, Updated::All)),
        limit: limit(Updated::Fired),
        limit_all_rows: limit(Updated::All),
        share: limit(Updated::Fired).map(|limit| limit / seconds.median),
        seconds,
        memory,
        stages,
    })
}

/// The losses that were read since the last call.
fn take_losses(trainer: &mut Trainer) -> impl Iterator<Item = f32> + use<> {
    trainer.take_events().into_iter().filter_map(|event| match event {
        Event::Step { loss, .. } => Some(loss),
        _ => None,
    })
}

/// The profile of `steps` steps, for one of them.
async fn stages(device: &Device, steps: usize) -> Outcome<Vec<Stage>> {
    device.sync().await?;
    let profile = device.take_profile().await?;
    device.set_profiling(false);
    let steps = steps as f64;
    let stage = |OperationTime { name, calls, seconds }| Stage {
        name,
        calls: calls as f64 / steps,
        seconds: seconds / steps,
    };
    Ok(profile.into_iter().map(stage).collect())
}
