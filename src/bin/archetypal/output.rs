//! Figures on stdout.

use crate::failure::Outcome;
use archetypal::sae::SaeSettings;
use serde::Serialize;
use std::io::{self, Write};

/// Prints text as it is; a reader that has gone away ends the command quietly.
pub fn print(text: &str) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Prints one JSON value on one line. Figures that are not finite become null.
pub fn print_json(value: &impl Serialize) -> Outcome {
    let json = serde_json::to_string(value).expect("figures are plain data");
    print(&format!("{json}\n"))
}

/// Lines of "name  value", the values below one another.
#[derive(Default)]
pub struct Table(Vec<(String, String)>);

impl Table {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a line.
    pub fn row(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// The lines, indented by `indent` spaces.
    pub fn text(&self, indent: usize) -> String {
        let width = self.0.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let line = |(name, value): &(String, String)| {
            format!("{:indent$}{name:width$}  {value}", "").trim_end().to_owned() + "\n"
        };
        self.0.iter().map(line).collect()
    }
}

/// Pre-codes that one batch may take (64 MiB).
const BATCH_VALUES: usize = 1 << 24;

/// Rows to encode at a time, so that their pre-codes stay within bounds.
pub fn batch_rows(settings: &SaeSettings) -> usize {
    (BATCH_VALUES / settings.nb_concepts.max(1)).clamp(1, 4096)
}
