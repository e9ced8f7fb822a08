//! One file as a matrix, memory-mapped.

use super::{Dtype, Location, Source, bytes::Bytes, npy, safetensors};
use crate::error::{Error, Result};
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

/// Where the numbers of a matrix lie in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) offset: usize,
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) dtype: Dtype,
    pub(crate) big_endian: bool,
    /// Column after column instead of row after row.
    pub(crate) fortran: bool,
}

impl Layout {
    /// Takes the shape, once it is checked to be a matrix that lies within the `file_len` bytes of the file.
    pub(crate) fn with_shape(
        mut self,
        path: &Path,
        what: &str,
        shape: &[u64],
        file_len: usize,
    ) -> Result<Self> {
        let [rows, width] = *shape else { return Err(not_a_matrix(path, what, shape)) };
        if rows == 0 {
            return Err(Error::Empty {
                what: format!("{}: {what}", path.display()),
                hint: "Save at least one row of activations.".into(),
            });
        }
        if width == 0 {
            return Err(not_a_matrix(path, what, shape));
        }
        let needed = rows.checked_mul(width).and_then(|n| n.checked_mul(self.dtype.size() as u64));
        let present = file_len.saturating_sub(self.offset) as u64;
        match needed {
            Some(needed) if needed <= present => {
                // Both fit, for their product in bytes does.
                (self.rows, self.width) = (rows as usize, width as usize);
                Ok(self)
            }
            _ => Err(Error::file(
                path,
                format!(
                    "{what} of shape {shape:?} in {} takes {} bytes, but only {present} follow the header",
                    self.dtype.name(),
                    needed.map_or("more than 2⁶⁴".into(), |n| n.to_string()),
                ),
                "The file was cut short: copy or write it again.",
            )),
        }
    }

    fn row_bytes(&self) -> usize {
        self.width * self.dtype.size()
    }

    fn swap(&self) -> bool {
        self.big_endian != cfg!(target_endian = "big")
    }
}

fn not_a_matrix(path: &Path, what: &str, shape: &[u64]) -> Error {
    let hint = match shape.len() {
        1 => "Give it a second axis: reshape(-1, d) for rows of d dimensions.",
        3 => {
            "For [pictures, cells, d] reshape to 2-D with reshape(-1, d), pictures one after another; \
             the metadata key \"grid\" (\"7x7\") keeps the cells."
        }
        _ => {
            "Reshape it with reshape(-1, d), where d is the number of dimensions of an activation."
        }
    };
    Error::file(
        path,
        format!("{what} has shape {shape:?}, but data is a 2-D matrix [rows, width ≥ 1]"),
        hint,
    )
}

/// A data file: one 2-D matrix in `.npy` or `.safetensors`, memory-mapped and converted as it is read.
pub struct MatrixFile {
    path: PathBuf,
    bytes: Bytes,
    layout: Layout,
    tensor: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl MatrixFile {
    /// Maps the file at `path`. The format is told from its first bytes. `tensor` names the one to read in a
    /// `.safetensors` file that holds several.
    ///
    /// The file must not be shortened while it is open.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses, [`Error::File`] if the file is cut short, of another format, or holds
    /// something else than one 2-D matrix of floats, and [`Error::Empty`] if that has no rows.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<Path>, tensor: Option<&str>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(path, Bytes::map(path)?, tensor)
    }

    /// As [`MatrixFile::open`], from the bytes of a file in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`MatrixFile::open`].
    pub fn from_bytes(
        name: impl AsRef<Path>,
        bytes: Vec<u8>,
        tensor: Option<&str>,
    ) -> Result<Self> {
        let name = name.as_ref();
        Self::parse(name, Bytes::owned(name, bytes)?, tensor)
    }

    fn parse(path: &Path, bytes: Bytes, tensor: Option<&str>) -> Result<Self> {
        let path = path.to_owned();
        if bytes.starts_with(npy::MAGIC) {
            let layout = npy::layout(&path, &bytes)?;
            Ok(Self { path, bytes, layout, tensor: None, metadata: BTreeMap::new() })
        } else if safetensors::recognises(&bytes) || has_extension(&path, "safetensors") {
            let found = safetensors::find(&path, &bytes, tensor)?;
            let (tensor, metadata) = (Some(found.tensor), found.metadata);
            Ok(Self { path, bytes, layout: found.layout, tensor, metadata })
        } else {
            Err(foreign(&path, &bytes))
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The type of its numbers.
    pub fn dtype(&self) -> Dtype {
        self.layout.dtype
    }

    /// Whether it is stored column after column: reading rows then touches the whole file, so C order is faster.
    pub fn is_fortran(&self) -> bool {
        self.layout.fortran
    }

    /// Which tensor of a `.safetensors` file is read; `None` for `.npy`.
    pub fn tensor(&self) -> Option<&str> {
        self.tensor.as_deref()
    }

    /// The metadata of a `.safetensors` file ("grid", "model", ...); empty for `.npy`.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The rows from `start` of a column-wise matrix: a run of each column, turned.
    fn read_columns(&self, start: usize, out: &mut [f32]) {
        /// Rows turned at a time: a column's run of them is a cache line or more.
        const RUN: usize = 64;
        let Layout { offset, rows, width, dtype, .. } = self.layout;
        for (block, out) in out.chunks_mut(RUN * width).enumerate() {
            let n = out.len() / width;
            let mut run = [0.0; RUN];
            for column in 0..width {
                let first = offset + (column * rows + start + block * RUN) * dtype.size();
                let bytes = &self.bytes[first..][..n * dtype.size()];
                dtype.to_f32(bytes, self.layout.swap(), &mut run[..n]);
                for (row, &value) in run[..n].iter().enumerate() {
                    out[row * width + column] = value;
                }
            }
        }
    }
}

impl Source for MatrixFile {
    fn rows(&self) -> usize {
        self.layout.rows
    }

    fn width(&self) -> usize {
        self.layout.width
    }

    fn read(&self, rows: &[usize], out: &mut [f32]) -> Result<()> {
        assert_eq!(out.len(), rows.len() * self.layout.width, "room for {} rows", rows.len());
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.layout.width)) {
            self.read_range(row, out)?;
        }
        Ok(())
    }

    fn read_range(&self, start: usize, out: &mut [f32]) -> Result<()> {
        let layout = &self.layout;
        assert!(start + out.len() / layout.width <= layout.rows, "rows past the end");
        if layout.fortran {
            self.read_columns(start, out);
        } else {
            let first = layout.offset + start * layout.row_bytes();
            let bytes = &self.bytes[first..][..out.len() * layout.dtype.size()];
            layout.dtype.to_f32(bytes, layout.swap(), out);
        }
        Ok(())
    }

    fn locate(&self, row: usize) -> Location {
        Location { file: self.path.display().to_string(), row }
    }

    fn row_bytes(&self) -> usize {
        if self.bytes.is_mapped() { self.layout.row_bytes() } else { 0 }
    }

    fn release(&self, range: Range<usize>) {
        let Layout { offset, rows, width, dtype, fortran, .. } = self.layout;
        if fortran {
            for column in 0..width {
                let at = |row| offset + (column * rows + row) * dtype.size();
                self.bytes.release(at(range.start), at(range.end));
            }
        } else {
            let at = |row| offset + row * self.layout.row_bytes();
            self.bytes.release(at(range.start), at(range.end));
        }
    }
}

impl std::fmt::Debug for MatrixFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MatrixFile")
            .field("path", &self.path)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case(extension))
}

/// Says what the file is, where its first bytes tell.
fn foreign(path: &Path, bytes: &[u8]) -> Error {
    let (what, hint) = match bytes {
        [b'P', b'K', 3, 4, ..] => (
            "a zip archive (.npz, or PyTorch's .pt)",
            "Save one array with numpy.save, or a tensor with safetensors.torch.save_file.",
        ),
        [0x80, 2..=5, ..] => (
            "a Python pickle",
            "Pickles are not read, for they can run code: save with numpy.save or safetensors' save_file.",
        ),
        [0x89, b'H', b'D', b'F', ..] => ("an HDF5 file", "Save the matrix with numpy.save."),
        [b'P', b'A', b'R', b'1', ..] => ("a Parquet file", "Save the matrix with numpy.save."),
        [0x1f, 0x8b, ..] => {
            ("compressed with gzip", "Decompress it first, for example with gunzip.")
        }
        _ => (
            "neither .npy nor .safetensors",
            "Save the activations with numpy.save or safetensors' save_file.",
        ),
    };
    Error::file(path, format!("the file is {what}"), hint)
}
