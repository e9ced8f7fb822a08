//! What training and evaluation ask of the data: epochs of batches.

use super::{Batch, BatchStream, Batches, Normalizer, Order, Shuffle, Source};
use crate::error::{Error, Result};
use std::sync::Arc;

/// A source, how its rows are normalised and ordered, and the size of a batch.
#[derive(Clone)]
pub struct Loader {
    source: Arc<dyn Source>,
    normalizer: Arc<Normalizer>,
    shuffle: Shuffle,
    batch_size: usize,
}

impl Loader {
    /// Batches of `batch_size` rows (the last one of an epoch may be shorter).
    ///
    /// # Errors
    /// [`Error::Setting`] if `batch_size` is 0, [`Error::Empty`] if the source has no rows, [`Error::Shape`] if the
    /// normaliser was made for another width.
    pub fn new(
        source: Arc<dyn Source>,
        normalizer: Arc<Normalizer>,
        shuffle: Shuffle,
        batch_size: usize,
    ) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::setting("--batch-size", 0, "at least 1", "1024 is usual."));
        }
        if source.rows() == 0 {
            return Err(Error::Empty {
                what: "the data".into(),
                hint: "Give at least one row of activations.".into(),
            });
        }
        if source.width() != normalizer.width() {
            return Err(Error::shape(
                source.locate(0).file,
                &[source.rows(), source.width()],
                &[source.rows(), normalizer.width()],
                "The data must come from the layer that the SAE was trained on.",
            ));
        }
        Ok(Self { source, normalizer, shuffle, batch_size })
    }

    /// The data.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// What is done to every row.
    pub fn normalizer(&self) -> &Arc<Normalizer> {
        &self.normalizer
    }

    /// Rows in a full batch.
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// Batches in an epoch, the last and shorter one included.
    pub fn batches_per_epoch(&self) -> usize {
        self.source.rows().div_ceil(self.batch_size)
    }

    /// The batches of an epoch from number `start` on, in the order of that epoch; read ahead where there are threads.
    ///
    /// # Errors
    /// [`Error::Io`] if the system gives no thread.
    pub fn epoch(&self, epoch: u64, start: usize) -> Result<Box<dyn BatchStream>> {
        self.stream(self.shuffle, epoch, start)
    }

    /// All rows once, in the order of the files.
    ///
    /// # Errors
    /// As [`Loader::epoch`].
    pub fn in_order(&self) -> Result<Box<dyn BatchStream>> {
        self.stream(Shuffle { seed: None, ..self.shuffle }, 0, 0)
    }

    /// The given rows as one batch, for what is neither an epoch nor a pass.
    ///
    /// # Errors
    /// As [`read_normalized`](super::read_normalized).
    pub fn rows(&self, rows: &[usize]) -> Result<Batch> {
        let mut data = vec![0.0; rows.len() * self.source.width()];
        super::read_normalized(&*self.source, &self.normalizer, rows, &mut data)?;
        Ok(Batch { index: 0, rows: rows.to_vec(), data })
    }

    fn stream(&self, how: Shuffle, epoch: u64, start: usize) -> Result<Box<dyn BatchStream>> {
        let order = Order::new(self.source.rows(), self.source.row_bytes(), how, epoch);
        let (source, normalizer) = (self.source.clone(), self.normalizer.clone());
        let batches = Batches::new(source, normalizer, order, self.batch_size, start);
        #[cfg(not(target_arch = "wasm32"))]
        return Ok(Box::new(super::Prefetch::new(batches)?));
        #[cfg(target_arch = "wasm32")]
        return Ok(Box::new(batches));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::InMemory;

    fn loader(rows: usize, size: usize) -> Result<Loader> {
        let source = InMemory::new("x", 2, (0..rows * 2).map(|i| i as f32).collect())?;
        Loader::new(Arc::new(source), Arc::new(Normalizer::identity(2)), Shuffle::seeded(1), size)
    }

    fn rows_of(mut stream: Box<dyn BatchStream>) -> Vec<Vec<usize>> {
        std::iter::from_fn(|| stream.next()).map(|batch| batch.unwrap().rows).collect()
    }

    #[test]
    fn epochs_differ_resume_and_count() {
        let loader = loader(55, 10).unwrap();
        let first = rows_of(loader.epoch(0, 0).unwrap());
        assert_eq!(first.len(), loader.batches_per_epoch());
        assert_eq!(first, rows_of(loader.epoch(0, 0).unwrap()));
        assert_ne!(first, rows_of(loader.epoch(1, 0).unwrap()));
        assert_eq!(first[4..], rows_of(loader.epoch(0, 4).unwrap()));
        assert_eq!(rows_of(loader.in_order().unwrap()).concat(), (0..55).collect::<Vec<_>>());
    }

    #[test]
    fn reads_chosen_rows() {
        let batch = loader(9, 4).unwrap().rows(&[8, 0]).unwrap();
        assert_eq!(batch.data, [16.0, 17.0, 0.0, 1.0]);
    }

    #[test]
    fn refuses_what_cannot_work() {
        assert!(matches!(loader(9, 0), Err(Error::Setting { .. })));
        let source = InMemory::new("x", 2, vec![0.0; 4]).unwrap();
        let wrong = Arc::new(Normalizer::identity(3));
        assert!(matches!(
            Loader::new(Arc::new(source), wrong, Shuffle::none(), 1),
            Err(Error::Shape { .. })
        ));
    }
}
