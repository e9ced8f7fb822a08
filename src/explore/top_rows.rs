//! The rows that each concept fires on most, and how often and how strongly it fires at all.

use super::best::Best;
use crate::{
    data::Loader,
    device::ACTIVE_FROM,
    error::Result,
    sae::{CodeRows, EncodeBuffers, Sae},
};
use serde::Serialize;

/// What to keep of a pass.
#[derive(Clone, Debug)]
pub struct TopRows {
    /// Rows to keep for each concept.
    pub per_concept: usize,
    /// The concepts to keep rows for; `None` for all.
    pub concepts: Option<Vec<usize>>,
    /// Neighbouring rows that belong to one example, as the cells of a picture do: of each example only the row with
    /// the largest code is kept. 1 where every row stands for itself.
    pub rows_per_example: usize,
}

impl TopRows {
    /// `per_concept` rows for every concept, each row for itself.
    pub fn new(per_concept: usize) -> Self {
        Self { per_concept, concepts: None, rows_per_example: 1 }
    }
}

/// A row that a concept fires on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Firing {
    /// Row of the data, from 0.
    pub row: usize,
    /// Its code.
    pub value: f32,
}

/// What one pass over the data found for every concept.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConceptRows {
    /// Rows that were read.
    pub rows: usize,
    /// Rows in which each concept is active (|z| ≥ 1e-6), \[K\].
    pub fired: Vec<u64>,
    /// Σ z² of each concept, \[K\].
    pub energy: Vec<f64>,
    /// The rows with the largest codes of each concept, largest first and the first of equals first, \[K\]; empty for
    /// concepts that were not asked for and those that never fire.
    pub top: Vec<Vec<Firing>>,
}

impl ConceptRows {
    /// The concepts by their energy, most first, the lower index first of equals; those that never fire left out.
    pub fn by_energy(&self) -> Vec<usize> {
        let mut concepts: Vec<_> = (0..self.fired.len()).filter(|&c| self.fired[c] > 0).collect();
        concepts.sort_by(|&a, &b| self.energy[b].total_cmp(&self.energy[a]).then(a.cmp(&b)));
        concepts
    }
}

/// Encodes all rows of `loader` in the order of the files and keeps the rows that each concept fires on most. The
/// loader has to normalise as the model was trained: with [`Sae::normalizer`]. `on_progress` gets the rows done.
///
/// Memory: K · `per_concept` rows besides the model and one batch.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting) for a concept that does not exist, and as
/// [`evaluate`](crate::metrics::evaluate).
pub async fn top_rows(
    sae: &Sae,
    loader: &Loader,
    what: &TopRows,
    on_progress: &mut dyn FnMut(usize),
) -> Result<ConceptRows> {
    let mut found = Collector::new(sae, what)?;
    let mut buffers = EncodeBuffers::for_loader(sae, loader)?;
    let mut batches = loader.in_order()?;
    while let Some(batch) = batches.next() {
        let batch = batch?;
        let codes = buffers.encode(sae, &batch.data)?.rows().await?;
        found.add(&batch.rows, &codes);
        batches.recycle(batch);
        on_progress(found.rows);
    }
    Ok(found.finish())
}

struct Collector {
    rows: usize,
    fired: Vec<u64>,
    energy: Vec<f64>,
    best: Vec<Best>,
    rows_per_example: usize,
}

impl Collector {
    fn new(sae: &Sae, what: &TopRows) -> Result<Self> {
        let count = sae.settings().nb_concepts;
        let mut best = vec![Best::new(0); count];
        match &what.concepts {
            None => best.fill(Best::new(what.per_concept)),
            Some(concepts) => {
                for &concept in concepts {
                    super::atoms::check_index("concept", concept, count)?;
                    best[concept] = Best::new(what.per_concept);
                }
            }
        }
        Ok(Self {
            rows: 0,
            fired: vec![0; count],
            energy: vec![0.0; count],
            best,
            rows_per_example: what.rows_per_example.max(1),
        })
    }

    /// Takes in the codes of the next rows.
    fn add(&mut self, rows: &[usize], codes: &CodeRows) {
        self.rows += rows.len();
        for (place, &row) in rows.iter().enumerate() {
            let example = row / self.rows_per_example;
            for (concept, value) in codes.row(place) {
                let (concept, z) = (concept as usize, f64::from(value));
                self.energy[concept] += z * z;
                if value.abs() >= ACTIVE_FROM {
                    self.fired[concept] += 1;
                    self.best[concept].offer(row, z, example);
                }
            }
        }
    }

    fn finish(self) -> ConceptRows {
        let firings = |best: Best| {
            let items = best.items().iter();
            items.map(|item| Firing { row: item.row, value: item.score as f32 }).collect()
        };
        ConceptRows {
            rows: self.rows,
            fired: self.fired,
            energy: self.energy,
            top: self.best.into_iter().map(firings).collect(),
        }
    }
}
