//! From arms to the lines of the report: as many at once as fit into memory, and those of a stopped command only once.

use super::{
    arms::Arm,
    measure::{self, Line, Trained},
    models::{Models, Ready},
};
use crate::{
    Context,
    failure::Outcome,
    interrupt, memory,
    together::{self, Ended},
};
use archetypal::train::Trainer;

/// Lines of arms, in their order: all of them, or those that were there when Ctrl-C came.
pub struct Lines {
    pub lines: Vec<Line>,
    /// Models without a line whose states were saved.
    pub saved: usize,
}

/// Trains and measures all arms. Their figures are kept until the report is out.
pub async fn find(context: &Context, models: &Models<'_>, arms: &[Arm]) -> Outcome<Lines> {
    let mut found = Vec::new();
    for &arm in arms {
        found.push(models.unfinished.kept::<Line>(&models.line_name(arm)?));
    }
    let left: Vec<usize> = (0..arms.len()).filter(|&i| found[i].is_none()).collect();
    let mut saved = 0;
    for wave in left.chunks(at_once(models)?) {
        let of_wave: Vec<Arm> = wave.iter().map(|&i| arms[i]).collect();
        let Some(mut ready) = models.ready(context, &of_wave).await? else { break };
        let trainers = std::mem::take(&mut ready.trainers);
        let loader = || models.asked.recipe.loader(models.data);
        let ended = together::train(context, trainers, &ready.names, loader, models.unfinished);
        let lines = match ended.await? {
            Ended::Done(trained) => {
                let (lines, states) =
                    measure_all(context, models, &of_wave, ready, trained).await?;
                saved = states;
                lines
            }
            Ended::Stopped(states) => {
                saved = states;
                Vec::new()
            }
        };
        let complete = lines.len() == wave.len();
        wave.iter().zip(lines).for_each(|(&i, line)| found[i] = Some(line));
        if !complete {
            break;
        }
    }
    Ok(Lines { lines: found.into_iter().flatten().collect(), saved })
}

/// Arms that fit into memory together.
fn at_once(models: &Models<'_>) -> Outcome<usize> {
    let (recipe, rows) = (models.asked.recipe, models.data.source.rows());
    memory::check(models.device, &recipe.model, &recipe.training, rows)?;
    let one = memory::needed(models.device, &recipe.model, &recipe.training, rows)?;
    Ok(memory::fitting(one.saturating_mul(models.seeds.len() as u64)).max(1))
}

/// The lines of trained arms. After Ctrl-C those that are there, and how many states were saved of the other arms.
async fn measure_all(
    context: &Context,
    models: &Models<'_>,
    arms: &[Arm],
    ready: Ready,
    trained: Vec<Trainer>,
) -> Outcome<(Vec<Line>, usize)> {
    let Models { device, judge, unfinished, .. } = models;
    let mut left: Vec<(String, Trainer)> = ready.names.into_iter().zip(trained).collect();
    let mut starts = ready.at_start.into_iter();
    let mut lines = Vec::new();
    for &arm in arms {
        if interrupt::requested() {
            let runs = left.iter_mut().map(|(name, trainer)| (&*name, trainer));
            return Ok((lines, unfinished.save_all(runs).await?));
        }
        let seeds = models.seeds.len();
        let task = context.reporter.task("measure", measure::steps(seeds));
        let (names, trainers): (Vec<_>, Vec<_>) = left.drain(..seeds).unzip();
        let trained = Trained {
            at_start: starts.by_ref().take(seeds).collect(),
            models: trainers.into_iter().map(Trainer::into_sae).collect(),
        };
        let line = measure::measure(device, judge, arm, trained, &task).await?;
        task.done(&format!("{}, {} points", arm.kind.title(), arm.points.title()));
        unfinished.keep(&models.line_name(arm)?, &line)?;
        names.iter().try_for_each(|name| unfinished.remove(name))?;
        lines.push(line);
    }
    Ok((lines, 0))
}
