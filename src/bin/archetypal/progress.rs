//! Progress on stderr: bars on a terminal, plain lines elsewhere, nothing if so asked.

use crate::text;
use archetypal::{points, train::Event};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

/// What a bar can tell apart within a step.
const FINE: u64 = 100;

/// How progress is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Quiet,
    Lines,
    Bars,
}

/// Tells of progress on stderr.
pub struct Reporter(Kind);

impl Reporter {
    /// Bars if stderr is a terminal, else lines; nothing if `quiet`.
    pub fn new(quiet: bool) -> Self {
        Self(match (quiet, io::stderr().is_terminal()) {
            (true, _) => Kind::Quiet,
            (false, true) => Kind::Bars,
            (false, false) => Kind::Lines,
        })
    }

    /// A line that is not progress.
    pub fn note(&self, line: &str) {
        if self.0 != Kind::Quiet {
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(io::stderr(), "{line}");
        }
    }

    /// Something that the user should know.
    pub fn warn(&self, message: &str) {
        self.note(&format!("warning: {message}"));
    }

    /// A piece of work of `total` steps that takes a while.
    pub fn task(&self, name: &str, total: u64) -> Task<'_> {
        let bar = self.bar(total * FINE, "{prefix:<10} {bar:24} {percent:>3} %  {msg}");
        bar.set_prefix(name.to_owned());
        bar.tick();
        Task { reporter: self, name: name.to_owned(), bar, started: Instant::now() }
    }

    /// Training for `epochs` epochs.
    pub fn training(&self, epochs: u64) -> Training<'_> {
        let bar = self.bar(1, "{prefix:>5} {wide_bar} {msg}");
        let started = Instant::now();
        Training {
            reporter: self,
            bar,
            epochs,
            total: 1,
            from: 0,
            rows: 0,
            started,
            dead: None,
            last: None,
            lines: 1,
        }
    }

    fn bar(&self, total: u64, template: &str) -> ProgressBar {
        let target = match self.0 {
            Kind::Bars => ProgressDrawTarget::stderr(),
            Kind::Quiet | Kind::Lines => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template(template).expect("a template of ours");
        ProgressBar::with_draw_target(Some(total), target).with_style(style.progress_chars("━╸ "))
    }
}

/// A piece of work in progress.
pub struct Task<'a> {
    reporter: &'a Reporter,
    name: String,
    bar: ProgressBar,
    started: Instant,
}

impl Task<'_> {
    /// So many steps are done.
    pub fn at(&self, done: u64) {
        self.bar.set_position(done * FINE);
    }

    /// Tells of the step that follows `done` ones: how much of it is done, of how much.
    pub fn within(&self, done: u64) -> impl FnMut(usize, usize) {
        move |part, of| self.bar.set_position(done * FINE + part as u64 * FINE / of.max(1) as u64)
    }

    /// Tells of the search for points as [`Task::within`] does.
    pub fn searching(&self, done: u64) -> impl FnMut(points::Progress) {
        let mut tell = self.within(done);
        move |progress| {
            let (part, of) = progress.share(points::MOST_ITERATIONS);
            tell(part, of);
        }
    }

    /// What there is to say of it now.
    pub fn say(&self, message: String) {
        self.bar.set_message(message);
    }

    /// It is done; `summary` stays on the screen.
    pub fn done(self, summary: &str) {
        self.bar.finish_and_clear();
        let time = text::duration(self.started.elapsed());
        self.reporter.note(&format!("{:<10} {summary} ({time})", self.name));
    }
}

/// The figures of the last epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochFigures {
    /// Mean loss.
    pub loss: f64,
    /// R², per dimension.
    pub r2: f64,
    /// Active codes a row.
    pub l0: f64,
    /// Share of concepts that never fired.
    pub dead_share: f64,
}

/// Training in progress, told from its events.
pub struct Training<'a> {
    reporter: &'a Reporter,
    bar: ProgressBar,
    epochs: u64,
    total: u64,
    from: u64,
    rows: u64,
    started: Instant,
    dead: Option<f64>,
    last: Option<EpochFigures>,
    /// A line is written every so many epochs, where there are no bars.
    lines: u64,
}

impl Training<'_> {
    /// With a line every tenth epoch only, where there are no bars.
    pub fn brief(mut self) -> Self {
        self.lines = 10;
        self
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::Configuration { steps, from_step, .. } => {
                (self.total, self.from) = (*steps, *from_step);
                self.bar.set_length(*steps);
                self.started = Instant::now();
            }
            Event::Step { step, epoch, rows, loss, r2, l0, .. } => {
                self.rows += *rows as u64;
                self.bar.set_position(step + 1);
                self.bar.set_prefix(format!("{}/{}", epoch + 1, self.epochs));
                let line = self.line(f64::from(*loss), *r2, *l0, step + 1);
                // Packed, so that a bar fits beside it in 80 columns.
                self.bar.set_message(line.replace("  ", " "));
            }
            Event::Epoch { epoch, loss, r2, l0, dead_share, .. } => {
                let (loss, r2, l0, dead_share) = (*loss, *r2, *l0, *dead_share);
                self.dead = Some(dead_share);
                self.last = Some(EpochFigures { loss, r2, l0, dead_share });
                if self.reporter.0 == Kind::Lines && (epoch + 1).is_multiple_of(self.lines) {
                    let done = (epoch + 1) * self.total / self.epochs.max(1);
                    let line = self.line(loss, r2, l0, done);
                    self.reporter.note(&format!("epoch {}/{}  {line}", epoch + 1, self.epochs));
                }
            }
            Event::Warning { message } => self.bar.suspend(|| self.reporter.warn(message)),
            Event::Done { .. } => self.bar.finish_and_clear(),
            Event::Checkpoint { .. } => {}
        }
    }

    /// The figures of the last epoch that was done.
    pub fn last(&self) -> Option<EpochFigures> {
        self.last
    }

    fn line(&self, loss: f64, r2: f64, l0: f64, done: u64) -> String {
        let elapsed = self.started.elapsed().as_secs_f64().max(1e-9);
        let steps = done.saturating_sub(self.from).max(1) as f64;
        let left = elapsed / steps * self.total.saturating_sub(done) as f64;
        let dead =
            self.dead.map_or(String::new(), |dead| format!("dead {}  ", text::percent(dead)));
        format!(
            "loss {loss:.4}  R² {r2:.3}  L0 {l0:.1}  {dead}{} rows/s  {} left",
            text::rate(self.rows as f64 / elapsed),
            text::duration(Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX)),
        )
    }
}
