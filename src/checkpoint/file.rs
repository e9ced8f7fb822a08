//! Checkpoints as files: mapped when read, whole or not at all when written.

use super::{Checkpoint, Contents};
use crate::{
    data::write_atomically,
    error::{Error, Result},
};
use std::path::{Path, PathBuf};

/// A mapped checkpoint.
#[derive(Debug)]
pub struct CheckpointFile {
    path: PathBuf,
    map: memmap2::Mmap,
}

impl CheckpointFile {
    /// Maps the file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let io = |source| Error::io("read", &path, source);
        let file = std::fs::File::open(&path).map_err(io)?;
        // SAFETY: as for every mapped file, nobody may truncate it while it is in use; files of this crate are
        // replaced by renaming, which leaves the mapped one alone.
        let map = unsafe { memmap2::Mmap::map(&file) }.map_err(io)?;
        Ok(Self { path, map })
    }

    /// Reads its header.
    ///
    /// # Errors
    /// As [`Checkpoint::parse`].
    pub fn parse(&self) -> Result<Checkpoint<'_>> {
        Checkpoint::parse(&self.map, &self.path)
    }
}

/// Writes a checkpoint: beside, synced, then renamed, so that `path` holds the old file or the new one.
///
/// # Errors
/// [`Error::Io`] if it cannot be written, [`Error::Device`] if a tensor could not be read back.
pub async fn save(path: impl AsRef<Path>, contents: Contents<'_>) -> Result<()> {
    let path = path.as_ref();
    let entries = contents.entries().await?;
    let metadata = contents.metadata();
    write_atomically(path, |file| {
        let views = entries.iter().map(|entry| (&entry.name, entry));
        safetensors::serialize_to_file(views, Some(metadata), file).map_err(|error| match error {
            safetensors::SafeTensorError::IoError(source) => Error::io("write", path, source),
            other => Error::file(path, other.to_string(), ""),
        })
    })
}
