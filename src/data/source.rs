//! What data is to the rest of the crate: a matrix whose rows can be read as f32.

use crate::error::{Error, Result};
use std::{ops::Range, sync::Arc};

/// Where a row comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file, or a description of the source.
    pub file: String,
    /// Row within it, from 0.
    pub row: usize,
}

/// A matrix [rows, width] that is read as f32, row by row or in ranges, from several threads.
///
/// Rows past the end are a bug of the caller and panic.
pub trait Source: Send + Sync {
    /// How many rows.
    fn rows(&self) -> usize;

    /// How many columns: the input dimensions d.
    fn width(&self) -> usize;

    /// Gathers `rows` in the order given into `out`, row-major [rows.len(), width].
    ///
    /// # Errors
    /// Whatever reading can meet. A mapped file or memory cannot fail.
    fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()>;

    /// Reads the rows from `start` that `out` has room for: `read` for neighbours, faster.
    ///
    /// # Errors
    /// As [`Source::read`].
    fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()>;

    /// Where a row comes from, for messages.
    fn locate(&self, row: usize) -> Location;

    /// Bytes that must come from a disk for one row; 0 if all is in memory already.
    fn row_bytes(&self) -> usize {
        0
    }

    /// A hint that these rows are not needed for now, so that the memory they take may be used otherwise.
    fn release(&self, _rows: Range<usize>) {}
}

/// A matrix in memory.
#[derive(Clone, Debug)]
pub struct InMemory {
    name: String,
    width: usize,
    values: Vec<f32>,
}

impl InMemory {
    /// Takes row-major `values` of `width` columns; `name` describes them in messages.
    ///
    /// # Errors
    /// [`Error::Empty`] without values, [`Error::Shape`] if they do not fill whole rows.
    pub fn new(name: impl Into<String>, width: usize, values: Vec<f32>) -> Result<Self> {
        let name = name.into();
        if values.is_empty() {
            return Err(Error::Empty {
                what: name,
                hint: "Give at least one row of activations.".into(),
            });
        }
        if width == 0 || !values.len().is_multiple_of(width) {
            return Err(Error::shape(
                name,
                &[values.len()],
                &[values.len() / width.max(1), width],
                "The number of values must be rows × width, with a width of at least 1.",
            ));
        }
        Ok(Self { name, width, values })
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

impl Source for InMemory {
    fn rows(&self) -> usize {
        self.values.len() / self.width
    }

    fn width(&self) -> usize {
        self.width
    }

    fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        assert_eq!(out.len(), rows.len() * self.width, "room for {} rows", rows.len());
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            out.copy_from_slice(&self.values[row * self.width..][..self.width]);
        }
        Ok(())
    }

    fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()> {
        out.copy_from_slice(&self.values[start * self.width..][..out.len()]);
        Ok(())
    }

    fn locate(&self, row: usize) -> Location {
        Location { file: self.name.clone(), row }
    }
}

/// Some rows of another source, in an order of their own: a split, or a sample.
pub struct Subset {
    source: Arc<dyn Source>,
    rows: Vec<usize>,
}

impl Subset {
    /// The given rows of `source`; a row may appear more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] without rows, [`Error::Setting`] if one lies past the end of the source.
    pub fn new(source: Arc<dyn Source>, rows: Vec<usize>) -> Result<Self> {
        if rows.is_empty() {
            return Err(Error::Empty {
                what: format!("the subset of {}", source.locate(0).file),
                hint: "Name at least one row.".into(),
            });
        }
        if let Some(&row) = rows.iter().find(|&&row| row >= source.rows()) {
            return Err(Error::setting(
                "row",
                row,
                format!("below {}", source.rows()),
                "Rows count from 0.",
            ));
        }
        Ok(Self { source, rows })
    }

    /// The rows of the underlying source, in the order of this one.
    pub fn indices(&self) -> &[usize] {
        &self.rows
    }
}

impl Source for Subset {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn width(&self) -> usize {
        self.source.width()
    }

    fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        let rows: Vec<usize> = rows.iter().map(|&row| self.rows[row]).collect();
        self.source.read(&rows, out)
    }

    fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()> {
        self.source.read(&self.rows[start..][..out.len() / self.width()], out)
    }

    fn locate(&self, row: usize) -> Location {
        self.source.locate(self.rows[row])
    }

    fn row_bytes(&self) -> usize {
        self.source.row_bytes()
    }

    fn release(&self, rows: Range<usize>) {
        // Neighbours are released together: a subset is often a few long runs.
        let mut rows = self.rows[rows].iter().copied().peekable();
        while let Some(start) = rows.next() {
            let mut end = start + 1;
            while rows.next_if_eq(&end).is_some() {
                end += 1;
            }
            self.source.release(start..end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(rows: usize, width: usize) -> InMemory {
        InMemory::new("counting", width, (0..rows * width).map(|i| i as f32).collect()).unwrap()
    }

    #[test]
    fn gathers_and_ranges() {
        let source = counting(4, 3);
        let mut out = [0.0; 6];
        source.read(&[3, 0], &mut out).unwrap();
        assert_eq!(out, [9.0, 10.0, 11.0, 0.0, 1.0, 2.0]);
        source.read_range(1, &mut out).unwrap();
        assert_eq!(out, [3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    }

    #[test]
    fn refuses_values_that_do_not_fill_rows() {
        assert!(matches!(InMemory::new("x", 3, vec![0.0; 4]), Err(Error::Shape { .. })));
        assert!(matches!(InMemory::new("x", 0, vec![0.0; 4]), Err(Error::Shape { .. })));
        assert!(matches!(InMemory::new("x", 3, vec![]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_subset_reads_and_locates_its_own_rows() {
        let subset = Subset::new(Arc::new(counting(5, 2)), vec![4, 1, 2]).unwrap();
        assert_eq!((subset.rows(), subset.width()), (3, 2));
        let mut out = [0.0; 4];
        subset.read_range(1, &mut out).unwrap();
        assert_eq!(out, [2.0, 3.0, 4.0, 5.0]);
        subset.read(&[0, 2], &mut out).unwrap();
        assert_eq!(out, [8.0, 9.0, 4.0, 5.0]);
        assert_eq!(subset.locate(0).row, 4);
    }

    #[test]
    fn a_subset_refuses_rows_past_the_end() {
        let source: Arc<dyn Source> = Arc::new(counting(5, 2));
        let message = Subset::new(source.clone(), vec![0, 5]).err().unwrap().to_string();
        assert!(message.contains("row is 5") && message.contains("below 5"), "{message}");
        assert!(matches!(Subset::new(source, vec![]), Err(Error::Empty { .. })));
    }

    #[test]
    fn a_subset_releases_runs() {
        struct Spy(std::sync::Mutex<Vec<Range<usize>>>);
        impl Source for Spy {
            fn rows(&self) -> usize {
                10
            }
            fn width(&self) -> usize {
                1
            }
            fn read(&self, _: &[usize], _: &mut [f32]) -> Result<()> {
                Ok(())
            }
            fn read_range(&self, _: usize, _: &mut [f32]) -> Result<()> {
                Ok(())
            }
            fn locate(&self, row: usize) -> Location {
                Location { file: "spy".into(), row }
            }
            fn release(&self, rows: Range<usize>) {
                self.0.lock().unwrap().push(rows);
            }
        }
        let spy = Arc::new(Spy(std::sync::Mutex::default()));
        Subset::new(spy.clone(), vec![9, 2, 3, 4, 7]).unwrap().release(0..4);
        assert_eq!(*spy.0.lock().unwrap(), [9..10, 2..5]);
    }
}
