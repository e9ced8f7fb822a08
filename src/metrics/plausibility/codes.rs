//! The codes of a model as scores of the examples.

use super::{best::Scores, classes::Classes};
use crate::{
    data::Loader,
    error::Result,
    sae::{CodeRows, EncodeBuffers, Sae},
};

/// The code of every concept for every example, the largest over the rows of the example; zeros are not stored.
#[derive(Debug)]
pub(super) struct CodeScores {
    /// (example, code) of each concept, in the order of the examples.
    by_concept: Vec<Vec<(u32, f32)>>,
    rows_per_example: usize,
    /// Rows that were taken in.
    rows: usize,
    open: OpenExample,
}

/// An example of which not all rows have been seen.
#[derive(Debug)]
struct OpenExample {
    /// Largest code that is not zero, and in how many rows it is not, for each concept.
    largest: Vec<(f32, usize)>,
    /// Concepts with one.
    touched: Vec<u32>,
}

impl CodeScores {
    /// Encodes all rows of `loader`. Memory: 8 bytes for each example and concept that is active in it.
    pub async fn of(
        sae: &Sae,
        loader: &Loader,
        classes: &Classes,
        on_progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        let concepts = sae.settings().nb_concepts;
        let mut scores = Self::new(concepts, classes.rows_per_example());
        let mut buffers = EncodeBuffers::for_loader(sae, loader)?;
        let mut batches = loader.in_order()?;
        while let Some(batch) = batches.next() {
            let batch = batch?;
            scores.add(&buffers.encode(sae, &batch.data)?.rows().await?);
            batches.recycle(batch);
            on_progress(scores.rows);
        }
        Ok(scores)
    }

    fn new(concepts: usize, rows_per_example: usize) -> Self {
        let open = OpenExample { largest: vec![(0.0, 0); concepts], touched: Vec::new() };
        Self { by_concept: vec![Vec::new(); concepts], rows_per_example, rows: 0, open }
    }

    /// How many concepts.
    pub fn concepts(&self) -> usize {
        self.by_concept.len()
    }

    /// Takes in the codes of the next rows.
    fn add(&mut self, codes: &CodeRows) {
        for row in 0..codes.len() {
            for (concept, value) in codes.row(row) {
                let (largest, rows) = &mut self.open.largest[concept as usize];
                match *rows {
                    0 => {
                        *largest = value;
                        self.open.touched.push(concept);
                    }
                    _ => *largest = largest.max(value),
                }
                *rows += 1;
            }
            self.rows += 1;
            if self.rows.is_multiple_of(self.rows_per_example) {
                self.close();
            }
        }
    }

    /// The last row of an example has been seen.
    fn close(&mut self) {
        let example = (self.rows / self.rows_per_example - 1) as u32;
        for concept in self.open.touched.drain(..) {
            let (largest, rows) = std::mem::take(&mut self.open.largest[concept as usize]);
            // Where a concept is not active its code is 0, which is more than a negative one.
            let largest = if rows < self.rows_per_example { largest.max(0.0) } else { largest };
            if largest != 0.0 {
                self.by_concept[concept as usize].push((example, largest));
            }
        }
    }
}

impl Scores for CodeScores {
    fn of(&self, concept: usize) -> impl Iterator<Item = (u32, f32)> {
        self.by_concept[concept].iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_over_the_rows_of_an_example() {
        let rows: [&[(u32, f32)]; 6] =
            [&[(0, 1.0), (2, -1.0)], &[(0, 3.0)], &[(1, -2.0)], &[(1, -1.0)], &[], &[(2, 5.0)]];
        let mut scores = CodeScores::new(3, 2);
        // In batches that cut an example.
        for rows in rows.chunks(3) {
            let mut codes = CodeRows { concepts: 3, indptr: vec![0], ..CodeRows::default() };
            for row in rows {
                codes.indices.extend(row.iter().map(|entry| entry.0));
                codes.values.extend(row.iter().map(|entry| entry.1));
                codes.indptr.push(codes.indices.len() as u64);
            }
            scores.add(&codes);
        }
        assert_eq!(scores.by_concept, [vec![(0, 3.0)], vec![(1, -1.0)], vec![(2, 5.0)]]);
    }
}
