//! One epoch as a sequence of normalised batches.

use super::{Normalizer, Order, Source, statistics::check_finite};
use crate::error::Result;
use crate::parallel::*;
use std::{ops::Range, sync::Arc};

/// Rows that are ready for the device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Which batch of the epoch, from 0.
    pub index: usize,
    /// Where each row stands in the source.
    pub rows: Vec<usize>,
    /// The normalised values, row-major [rows, width].
    pub data: Vec<f32>,
}

/// A sequence of batches; the trainer need not know who reads them.
pub trait BatchStream {
    /// The next batch, or `None` after the last. After an error nothing more comes.
    fn next(&mut self) -> Option<Result<Batch>>;

    /// Hands a batch back, so that its memory is used again.
    fn recycle(&mut self, batch: Batch);
}

/// Reads batches where it is called. The last batch of an epoch may be shorter.
pub struct Batches {
    source: Arc<dyn Source>,
    normalizer: Arc<Normalizer>,
    order: Order,
    batch_size: usize,
    index: usize,
    spare: Vec<Batch>,
}

impl Batches {
    /// The batches of `order` from number `start` on. Those before it cost nothing.
    ///
    /// # Panics
    /// If `batch_size` is 0, or the parts are not made for each other.
    pub fn new(
        source: Arc<dyn Source>,
        normalizer: Arc<Normalizer>,
        mut order: Order,
        batch_size: usize,
        start: usize,
    ) -> Self {
        assert!(batch_size > 0, "a batch holds at least one row");
        assert_eq!(source.rows(), order.rows(), "rows of the source and of the order");
        assert_eq!(source.width(), normalizer.width(), "width of the source and the normaliser");
        order.start_at(start.saturating_mul(batch_size).min(order.rows()));
        Self { source, normalizer, order, batch_size, index: start, spare: Vec::new() }
    }

    /// What is read.
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// Positions of the next batch; empty after the last.
    fn positions(&self) -> Range<usize> {
        let start = self.index.saturating_mul(self.batch_size).min(self.order.rows());
        start..start.saturating_add(self.batch_size).min(self.order.rows())
    }

    fn fill(&mut self, positions: Range<usize>, batch: &mut Batch) -> Result<()> {
        batch.index = self.index;
        self.order.rows_at(positions.clone(), &mut batch.rows);
        batch.data.resize(batch.rows.len() * self.source.width(), 0.0);
        read_normalized(&*self.source, &self.normalizer, &batch.rows, &mut batch.data)?;
        self.order.release_before(positions.end, &*self.source);
        Ok(())
    }
}

impl BatchStream for Batches {
    fn next(&mut self) -> Option<Result<Batch>> {
        let positions = self.positions();
        if positions.is_empty() {
            return None;
        }
        let mut batch = self.spare.pop().unwrap_or_default();
        let filled = self.fill(positions, &mut batch);
        self.index = if filled.is_ok() { self.index + 1 } else { usize::MAX };
        Some(filled.map(|()| batch))
    }

    fn recycle(&mut self, batch: Batch) {
        self.spare.push(batch);
    }
}

/// Gathers, checks and normalises `rows` of `source` into `out`, on several threads where it pays.
///
/// # Errors
/// [`Error::NotFinite`](crate::Error::NotFinite) at the first NaN or infinity, and those of the source.
///
/// # Panics
/// If `out` has no room for exactly these rows, or a row lies past the end.
pub fn read_normalized(
    source: &dyn Source,
    normalizer: &Normalizer,
    rows: &[usize],
    out: &mut [f32],
) -> Result<()> {
    /// Values that one thread takes at a time: they stay in its cache from the reading to the scaling.
    const PIECE: usize = 1 << 15;
    let width = source.width();
    assert_eq!(out.len(), rows.len() * width, "room for {} rows", rows.len());
    if rows.is_empty() {
        return Ok(());
    }
    let piece_rows = (PIECE / width).max(1);
    let piece = |(rows, out): (&[usize], &mut [f32])| {
        if rows.is_sorted_by(|a, b| a + 1 == *b) {
            source.read_range(rows[0], out)?;
        } else {
            source.read(rows, out)?;
        }
        check_finite(source, out, |row| rows[row])?;
        normalizer.apply(out);
        Ok(())
    };
    if rows.len() <= piece_rows {
        return piece((rows, out));
    }
    // Collected, so that of several errors the first row's is reported.
    let results: Vec<Result<()>> = rows
        .par_chunks(piece_rows)
        .zip(out.par_chunks_mut(piece_rows * width))
        .map(piece)
        .collect();
    results.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Error,
        data::{InMemory, Location, Shuffle},
    };
    use std::sync::Mutex;

    fn counting(rows: usize, width: usize) -> Arc<dyn Source> {
        let values = (0..rows * width).map(|i| i as f32).collect();
        Arc::new(InMemory::new("counting", width, values).unwrap())
    }

    fn epoch(source: &Arc<dyn Source>, how: Shuffle, size: usize, start: usize) -> Vec<Batch> {
        let order = Order::new(source.rows(), source.row_bytes(), how, 0);
        let normalizer = Arc::new(Normalizer::identity(source.width()));
        let mut batches = Batches::new(source.clone(), normalizer, order, size, start);
        std::iter::from_fn(|| batches.next()).collect::<Result<_>>().unwrap()
    }

    #[test]
    fn an_epoch_reads_every_row_once_and_keeps_the_short_batch() {
        let source = counting(103, 3);
        let batches = epoch(&source, Shuffle::seeded(1), 10, 0);
        assert_eq!(batches.len(), 11);
        assert_eq!(batches[10].rows.len(), 3);
        let mut rows: Vec<usize> = batches.iter().flat_map(|b| b.rows.clone()).collect();
        for batch in &batches {
            for (row, values) in batch.rows.iter().zip(batch.data.chunks(3)) {
                assert_eq!(values[0], (row * 3) as f32);
            }
        }
        rows.sort_unstable();
        assert_eq!(rows, (0..103).collect::<Vec<_>>());
    }

    #[test]
    fn resumes_at_any_batch() {
        let source = counting(103, 2);
        let whole = epoch(&source, Shuffle::seeded(8), 10, 0);
        for start in 0..=12 {
            let rest = epoch(&source, Shuffle::seeded(8), 10, start);
            assert_eq!(rest, whole[start.min(11)..]);
        }
    }

    #[test]
    fn large_batches_are_cut_in_pieces_and_equal_small_ones() {
        let source = counting(5000, 40);
        let large = epoch(&source, Shuffle::seeded(2), 5000, 0);
        let small = epoch(&source, Shuffle::seeded(2), 7, 0);
        let joined: Vec<f32> = small.into_iter().flat_map(|b| b.data).collect();
        assert_eq!(large[0].data, joined);
    }

    #[test]
    fn a_bad_value_ends_the_stream_with_its_place() {
        let mut values = vec![0.5; 100 * 2];
        values[2 * 47 + 1] = f32::NAN;
        let source: Arc<dyn Source> = Arc::new(InMemory::new("bad", 2, values).unwrap());
        let order = Order::new(100, 0, Shuffle::none(), 0);
        let mut batches = Batches::new(source, Arc::new(Normalizer::identity(2)), order, 20, 0);
        assert!(batches.next().unwrap().is_ok() && batches.next().unwrap().is_ok());
        assert!(matches!(
            batches.next().unwrap(),
            Err(Error::NotFinite { row: 47, column: 1, .. })
        ));
        assert!(batches.next().is_none());
    }

    #[test]
    fn memory_is_used_again() {
        let source = counting(100, 4);
        let order = Order::new(100, 0, Shuffle::none(), 0);
        let mut batches = Batches::new(source, Arc::new(Normalizer::identity(4)), order, 50, 0);
        let first = batches.next().unwrap().unwrap();
        let place = first.data.as_ptr();
        batches.recycle(first);
        assert_eq!(batches.next().unwrap().unwrap().data.as_ptr(), place);
    }

    /// Keeps account of which rows are in memory.
    struct Ledger {
        rows: usize,
        held: Mutex<(std::collections::BTreeSet<usize>, usize)>,
    }

    impl Source for Ledger {
        fn rows(&self) -> usize {
            self.rows
        }
        fn width(&self) -> usize {
            1
        }
        fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
            let mut held = self.held.lock().unwrap();
            held.0.extend(rows);
            held.1 = held.1.max(held.0.len());
            out.fill(0.0);
            Ok(())
        }
        fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()> {
            self.read(&(start..start + out.len()).collect::<Vec<_>>(), out)
        }
        fn locate(&self, row: usize) -> Location {
            Location { file: "ledger".into(), row }
        }
        fn row_bytes(&self) -> usize {
            8
        }
        fn release(&self, rows: Range<usize>) {
            let mut held = self.held.lock().unwrap();
            for row in rows {
                held.0.remove(&row);
            }
        }
    }

    #[test]
    fn no_more_rows_than_the_bound_are_held_and_none_at_the_end() {
        for how in [Shuffle::seeded(6), Shuffle::none()] {
            let (rows, size) = (20_011, 100);
            let memory = 8 * 256 * 7;
            let ledger = Arc::new(Ledger { rows, held: Mutex::default() });
            let source: Arc<dyn Source> = ledger.clone();
            epoch(&source, how.with_memory(memory), size, 3);
            let held = ledger.held.lock().unwrap();
            // A batch may span two windows.
            assert!(held.1 <= memory as usize / 8 + size, "{} rows held", held.1);
            assert!(held.0.is_empty(), "{} rows left", held.0.len());
        }
    }
}
