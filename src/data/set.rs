//! Several files as one set.

use super::{Grid, Location, MatrixFile, Source};
use crate::error::{Error, Result};
use std::ops::Range;

/// Files as the shards of one matrix, one after another in the order given.
#[derive(Debug)]
pub struct DataSet {
    shards: Vec<MatrixFile>,
    /// First row of each shard, and the number of all rows at the end.
    starts: Vec<usize>,
}

impl DataSet {
    /// Maps every file, in the order given.
    ///
    /// # Errors
    /// As [`MatrixFile::open`] and [`DataSet::new`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open<P: AsRef<std::path::Path>>(paths: &[P], tensor: Option<&str>) -> Result<Self> {
        Self::new(paths.iter().map(|path| MatrixFile::open(path, tensor)).collect::<Result<_>>()?)
    }

    /// Puts open files together.
    ///
    /// # Errors
    /// [`Error::Empty`] without files, [`Error::File`] if one has another width than the first.
    pub fn new(shards: Vec<MatrixFile>) -> Result<Self> {
        let Some(first) = shards.first() else {
            return Err(Error::Empty {
                what: "the list of data files".into(),
                hint: "Name at least one .npy or .safetensors file.".into(),
            });
        };
        if let Some(other) = shards.iter().find(|shard| shard.width() != first.width()) {
            return Err(Error::file(
                other.path(),
                format!(
                    "its rows are {} wide, but those of {} are {} wide",
                    other.width(),
                    first.path().display(),
                    first.width()
                ),
                "The files of one set must come from the same layer of the same model.",
            ));
        }
        let mut starts = vec![0];
        for shard in &shards {
            // Each row is at least one byte of address space, so the sum cannot overflow on mapped files.
            starts.push(starts.last().unwrap_or(&0) + shard.rows());
        }
        Ok(Self { shards, starts })
    }

    /// The files.
    pub fn shards(&self) -> &[MatrixFile] {
        &self.shards
    }

    /// The value of a metadata key, if a file has it; `Err` names two files that do not agree.
    ///
    /// # Errors
    /// [`Error::File`] if files give it different values (files without the key do not matter).
    pub fn metadata(&self, key: &str) -> Result<Option<&str>> {
        let mut found: Option<(&MatrixFile, &str)> = None;
        for shard in &self.shards {
            let Some(value) = shard.metadata().get(key) else { continue };
            match found {
                Some((first, other)) if other != value => {
                    return Err(Error::file(
                        shard.path(),
                        format!(
                            "its metadata has {key} {value:?}, but that of {} has {other:?}",
                            first.path().display()
                        ),
                        "The files of one set must come from the same layer of the same model.",
                    ));
                }
                Some(_) => {}
                None => found = Some((shard, value)),
            }
        }
        Ok(found.map(|(_, value)| value))
    }

    /// The cells of a picture, if the metadata says so; rows are then picture after picture, cell after cell.
    ///
    /// # Errors
    /// As [`DataSet::metadata`], and [`Error::Setting`] if it is not HEIGHTxWIDTH.
    pub fn grid(&self) -> Result<Option<Grid>> {
        self.metadata("grid")?.map(str::parse).transpose()
    }

    /// The shard that holds a row.
    fn shard_of(&self, row: usize) -> usize {
        assert!(row < self.rows(), "row {row} of {}", self.rows());
        self.starts.partition_point(|&start| start <= row) - 1
    }

    /// Calls `act` with each shard that `range` touches and the rows within it.
    fn each(
        &self,
        range: Range<usize>,
        mut act: impl FnMut(&MatrixFile, Range<usize>) -> Result<()>,
    ) -> Result<()> {
        let mut row = range.start;
        while row < range.end {
            let shard = self.shard_of(row);
            let end = range.end.min(self.starts[shard + 1]);
            let start = self.starts[shard];
            act(&self.shards[shard], row - start..end - start)?;
            row = end;
        }
        Ok(())
    }
}

impl Source for DataSet {
    fn rows(&self) -> usize {
        self.starts[self.shards.len()]
    }

    fn width(&self) -> usize {
        self.shards[0].width()
    }

    fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        assert_eq!(out.len(), rows.len() * self.width(), "room for {} rows", rows.len());
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.width())) {
            let shard = self.shard_of(row);
            self.shards[shard].read_range(row - self.starts[shard], out)?;
        }
        Ok(())
    }

    fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()> {
        let width = self.width();
        let mut rest = out;
        let end = start + rest.len() / width;
        self.each(start..end, |shard, rows| {
            let (out, after) = std::mem::take(&mut rest).split_at_mut(rows.len() * width);
            rest = after;
            shard.read_range(rows.start, out)
        })
    }

    fn locate(&self, row: usize) -> Location {
        let shard = self.shard_of(row);
        self.shards[shard].locate(row - self.starts[shard])
    }

    fn row_bytes(&self) -> usize {
        // The widest, where shards differ in type: the memory bound then holds for all.
        self.shards.iter().map(Source::row_bytes).max().unwrap_or(0)
    }

    fn release(&self, rows: Range<usize>) {
        let released = self.each(rows, |shard, rows| {
            shard.release(rows);
            Ok(())
        });
        debug_assert!(released.is_ok(), "releasing cannot fail");
    }
}
