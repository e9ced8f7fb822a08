//! The atlas: each column against plain loops over the codes that the atlas itself holds.

mod concepts;
mod details;
mod files;
mod map;
mod read;

use crate::{
    common::{devices, noise},
    models::{Parts, several},
};
use archetypal::explore::atlas::About;
use read::{Files, examples};

/// More concepts than one file of details holds.
const K: usize = 150;
const D: usize = 13;
/// Fifteen pictures of six cells.
const ROWS: usize = 90;

/// What the atlas of a model on some rows looks like, with pictures of 2 × 3 cells and without.
struct Case {
    parts: Parts,
    files: Files,
    /// Cells of a picture, G.
    cells: usize,
    rows: Vec<f32>,
    /// [n][K], from `codes/`.
    codes: Vec<Vec<f32>>,
}

impl Case {
    /// Several models with grid and without, on every backend.
    fn each(test: &str, check: impl Fn(&Case)) {
        let rows = noise(ROWS * D, 7);
        for device in devices(test) {
            for parts in several(K, D, 20, 4) {
                for grid in [None, Some("2x3".parse().unwrap())] {
                    let cells = if grid.is_some() { 6 } else { 1 };
                    let examples = examples(ROWS / cells);
                    let about = About { examples: &examples, grid, ..About::new("a test") };
                    let files = read::make(&parts, &device, &rows, &about);
                    let codes = files.codes(K);
                    check(&Case { parts: parts.clone(), files, cells, rows: rows.clone(), codes });
                }
            }
        }
    }

    fn active(&self, concept: usize) -> Vec<(usize, f32)> {
        let column = self.codes.iter().map(|row| row[concept]).enumerate();
        column.filter(|(_, value)| *value >= 1e-6).collect()
    }

    /// The same, largest first.
    fn ranked(&self, concept: usize) -> Vec<(usize, f32)> {
        let mut active = self.active(concept);
        active.sort_by(|a, b| b.1.total_cmp(&a.1));
        active
    }
}

/// Whether two floats are the same up to rounding.
fn close(a: f32, b: f64) -> bool {
    (f64::from(a) - b).abs() <= 2e-5 * b.abs().max(1e-2)
}
