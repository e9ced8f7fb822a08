//! The JSONL file of a sweep: a line a trained model. What is in it is not trained again.

use super::variants::Variant;
use crate::failure::Outcome;
use archetypal::{
    Error,
    metrics::Evaluation,
    recipe::Recipe,
    sae::{DictionaryKind, SaeSettings},
    train::TrainSettings,
};
use serde::{Deserialize, Serialize};
use std::{
    fmt::Display,
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// How every line begins, for `data` is the first field of [`Line`].
const BEGINNING: &str = "{\"data\":";

/// A trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The data, as `DataArgs::identity` has it.
    pub data: String,
    /// What was asked for.
    pub variant: Variant,
    /// The model, all settings resolved.
    pub model: SaeSettings,
    /// δ as a share of the points' mean norm, from which the model's was taken.
    pub delta_relative: Option<f32>,
    pub training: TrainSettings,
    /// As of `archetypal eval --json`.
    pub figures: Evaluation,
}

impl Line {
    /// Whether its model has these settings. Where δ is relative it is known only once the points are.
    fn is_of(&self, settings: &SaeSettings) -> bool {
        let mut settings = settings.clone();
        if let (
            Some(_),
            DictionaryKind::Archetypal { delta, .. },
            DictionaryKind::Archetypal { delta: found, .. },
        ) = (self.delta_relative, &mut settings.dictionary, self.model.dictionary)
        {
            *delta = found;
        }
        self.model == settings
    }
}

/// The file, open to append to.
pub struct SweepLog {
    file: File,
    path: PathBuf,
    pub lines: Vec<Line>,
}

impl SweepLog {
    /// Opens or makes the file and reads what is in it. A last line that a crash cut off is taken away, if it is one
    /// of a sweep.
    pub fn open(path: &Path) -> Outcome<Self> {
        let io = |doing| move |error| Error::io(doing, path, error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(io("write"))?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(io("read"))?;
        let foreign = |number: usize, why: &dyn Display| {
            let problem = format!("line {number} is not of a sweep: {why}");
            Error::file(path, problem, "Name another file with --out.")
        };
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (lines, cut_off) = text.split_at(whole);
        let lines = lines
            .lines()
            .enumerate()
            .map(|(i, line)| serde_json::from_str(line).map_err(|error| foreign(i + 1, &error)));
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        if !cut_off.starts_with(BEGINNING) && !BEGINNING.starts_with(cut_off) {
            return Err(
                foreign(lines.len() + 1, &format!("it does not begin with {BEGINNING}")).into()
            );
        }
        file.set_len(whole as u64).map_err(io("write"))?;
        file.seek(SeekFrom::End(0)).map_err(io("write"))?;
        Ok(Self { file, path: path.to_owned(), lines })
    }

    /// Whether this was trained before, with the same settings on the same number of rows of the same files.
    pub fn holds(&self, data: &str, rows: usize, variant: &Variant, recipe: &Recipe) -> bool {
        self.lines.iter().any(|line| {
            (&*line.data, line.figures.rows) == (data, rows)
                && line.variant == *variant
                && line.training == recipe.training
                && line.delta_relative == recipe.delta_relative
                && line.is_of(&recipe.model)
        })
    }

    /// Adds a line, on the disk before this returns.
    pub fn add(&mut self, line: Line) -> Outcome {
        let mut text = serde_json::to_vec(&line).expect("figures are plain data");
        text.push(b'\n');
        let written = self.file.write_all(&text).and_then(|()| self.file.sync_data());
        written.map_err(|error| Error::io("write", &self.path, error))?;
        self.lines.push(line);
        Ok(())
    }
}
