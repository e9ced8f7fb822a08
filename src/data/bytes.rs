//! The bytes of a file: mapped where there are files, owned where a page hands them over.

use crate::error::{Error, Result};
use std::{ops::Deref, path::Path};

/// The whole of a file, read-only.
pub(crate) enum Bytes {
    /// Handed over in memory.
    Owned(Vec<u8>),
    /// Mapped: pages come from the disk when they are touched.
    #[cfg(not(target_arch = "wasm32"))]
    Mapped(memmap2::Mmap),
}

impl Bytes {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses, [`Error::File`] if it is not a regular file or holds nothing.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn map(path: &Path) -> Result<Self> {
        let file = std::fs::File::open(path).map_err(|e| Error::io("read", path, e))?;
        let metadata = file.metadata().map_err(|e| Error::io("read", path, e))?;
        if metadata.is_dir() {
            return Err(Error::file(
                path,
                "this is a directory",
                "Name the files in it, for example DIR/*.safetensors.",
            ));
        }
        if !metadata.is_file() {
            return Err(Error::file(
                path,
                "this is not a regular file, so it cannot be memory-mapped",
                "Write the data to a file first.",
            ));
        }
        if metadata.len() == 0 {
            return Err(empty(path));
        }
        // SAFETY: the map is read-only. Another process that shortens the file while it is mapped would end the
        // run with a bus error; nothing holds that off, so whatever opens a file says that it must not happen.
        let map =
            unsafe { memmap2::Mmap::map(&file) }.map_err(|e| Error::io("memory-map", path, e))?;
        Ok(Self::Mapped(map))
    }

    /// Takes bytes that are in memory; `path` names them in messages.
    ///
    /// # Errors
    /// [`Error::File`] if there are none.
    pub(crate) fn owned(path: &Path, bytes: Vec<u8>) -> Result<Self> {
        if bytes.is_empty() { Err(empty(path)) } else { Ok(Self::Owned(bytes)) }
    }

    /// Whether the bytes come from a disk when they are touched.
    pub(crate) fn is_mapped(&self) -> bool {
        !matches!(self, Self::Owned(_))
    }

    /// Lets the system take back the pages of `start..end`. They come back from the file when touched again.
    pub(crate) fn release(&self, start: usize, end: usize) {
        #[cfg(unix)]
        if let Self::Mapped(map) = self {
            // The kernel maps more than the page that is touched (64 KiB, and of a file that it caches in large folios
            // up to 2 MiB), so what a reader of this range brought in reaches beyond it; neighbours that are still in
            // use come back by a cheap fault.
            const AROUND: usize = 2 << 20;
            let start = start.saturating_sub(AROUND);
            let end = end.saturating_add(AROUND).min(map.len());
            if start < end {
                // SAFETY: the map is never written to, so a dropped page is read back as it was.
                // A refusal only means that the memory is kept.
                let _ = unsafe {
                    map.unchecked_advise_range(
                        memmap2::UncheckedAdvice::DontNeed,
                        start,
                        end - start,
                    )
                };
            }
        }
        #[cfg(not(unix))]
        let _ = (start, end);
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            #[cfg(not(target_arch = "wasm32"))]
            Self::Mapped(map) => map,
        }
    }
}

fn empty(path: &Path) -> Error {
    Error::file(path, "the file is empty (0 bytes)", "Write it again; it was probably cut short.")
}
