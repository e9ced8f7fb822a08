//! The progress of an atlas, a bar for each of its stages.

use crate::{
    progress::{Reporter, Task},
    text,
};
use archetypal::explore::atlas::{AtlasProgress, Stage};

/// The stage that is in progress.
pub struct Stages<'a> {
    reporter: &'a Reporter,
    current: Option<(AtlasProgress, Task<'a>)>,
}

impl<'a> Stages<'a> {
    pub fn new(reporter: &'a Reporter) -> Self {
        Self { reporter, current: None }
    }

    pub fn at(&mut self, progress: AtlasProgress) {
        if self.current.as_ref().is_none_or(|(current, _)| current.stage != progress.stage) {
            self.done();
            let task = self.reporter.task(name(progress.stage), progress.total as u64);
            self.current = Some((progress, task));
        }
        if let Some((current, task)) = &mut self.current {
            *current = progress;
            task.at(progress.done as u64);
        }
    }

    /// Ends the last stage.
    pub fn done(&mut self) {
        if let Some((progress, task)) = self.current.take() {
            let what = if progress.stage == Stage::Concepts { "concepts" } else { "rows" };
            task.done(&format!("{} {what}", text::count(progress.total as u64)));
        }
    }
}

fn name(stage: Stage) -> &'static str {
    match stage {
        Stage::Encode => "encode",
        Stage::Axes => "map",
        Stage::Points => "points",
        Stage::Concepts => "concepts",
        Stage::Rows => "rows",
    }
}
