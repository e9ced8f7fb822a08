//! Reading named tensors from `.safetensors`: checkpoints, points, codes.

use super::{
    bytes::Bytes,
    safetensors::{self, Header},
};
use crate::error::{Error, Result};
use ::safetensors::tensor::Dtype as FileDtype;
use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
};

/// A `.safetensors` file with any number of tensors: a checkpoint, points, codes.
///
/// It is mapped, so drop it before the same path is written again: Windows replaces no file that is open.
pub struct TensorFile {
    path: PathBuf,
    bytes: Bytes,
    header: Header,
    metadata: BTreeMap<String, String>,
}

impl TensorFile {
    /// Maps the file at `path`; it must not be shortened while it is open.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses, [`Error::File`] if the file is cut short or of another format.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        Self::parse(path, Bytes::map(path)?)
    }

    /// As [`TensorFile::open`], from the bytes of a file in memory; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`TensorFile::open`].
    pub fn from_bytes(name: impl AsRef<Path>, bytes: Vec<u8>) -> Result<Self> {
        let name = name.as_ref();
        Self::parse(name, Bytes::owned(name, bytes)?)
    }

    fn parse(path: &Path, bytes: Bytes) -> Result<Self> {
        if bytes.len() > 8 && !safetensors::recognises(&bytes) {
            return Err(Error::file(
                path,
                "the file is not .safetensors",
                "Give a file that this program or safetensors' save_file wrote.",
            ));
        }
        let header = safetensors::header(path, &bytes)?;
        let metadata = header.metadata();
        Ok(Self { path: path.to_owned(), bytes, header, metadata })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The metadata, by key.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// The names of the tensors, in the order of the alphabet.
    pub fn names(&self) -> Vec<String> {
        self.header.names()
    }

    /// Whether there is a tensor of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.header.tensors.info(name).is_some()
    }

    /// A tensor.
    ///
    /// # Errors
    /// [`Error::File`] if there is none of that name; it lists those that are.
    pub fn tensor(&self, name: &str) -> Result<StoredTensor<'_>> {
        let Some(info) = self.header.tensors.info(name) else {
            return Err(Error::file(
                &self.path,
                format!("there is no tensor {name:?}; the file holds {}", self.names().join(", ")),
                "Is it a file of the right kind?",
            ));
        };
        let (start, end) = info.data_offsets;
        Ok(StoredTensor {
            path: &self.path,
            name: name.to_owned(),
            dtype: info.dtype,
            shape: info.shape.clone(),
            // Within the file: the header was checked when it was read.
            bytes: &self.bytes[self.header.data_start..][start..end],
        })
    }
}

impl std::fmt::Debug for TensorFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TensorFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// A tensor in a [`TensorFile`], not yet read.
#[derive(Clone, Debug)]
pub struct StoredTensor<'a> {
    path: &'a Path,
    name: String,
    dtype: FileDtype,
    shape: Vec<usize>,
    bytes: &'a [u8],
}

impl StoredTensor<'_> {
    /// Its shape.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its type as the format writes it: "F32", "U32", "I64", ...
    pub fn dtype(&self) -> String {
        self.dtype.to_string()
    }

    /// Itself, if it has that shape.
    ///
    /// # Errors
    /// [`Error::File`] otherwise.
    pub fn with_shape(self, shape: &[usize]) -> Result<Self> {
        if self.shape == shape {
            return Ok(self);
        }
        Err(Error::file(
            self.path,
            format!("tensor {:?} has shape {:?}, expected {shape:?}", self.name, self.shape),
            "The file does not fit its settings, or the data that it is used with.",
        ))
    }

    /// Itself, if it has two axes; then [`StoredTensor::shape`] is [rows, columns].
    ///
    /// # Errors
    /// [`Error::File`] otherwise.
    pub fn matrix(self) -> Result<(Self, [usize; 2])> {
        if let [rows, columns] = *self.shape {
            return Ok((self, [rows, columns]));
        }
        Err(Error::file(
            self.path,
            format!("tensor {:?} has shape {:?}, expected two axes", self.name, self.shape),
            "Is it a file of the right kind?",
        ))
    }

    /// Only these rows (places on the first axis).
    ///
    /// # Panics
    /// If they reach past the end.
    pub fn rows(mut self, rows: Range<usize>) -> Self {
        assert!(
            rows.start <= rows.end && rows.end <= self.shape[0],
            "rows {rows:?} of {:?}",
            self.shape
        );
        let stride = self.bytes.len().checked_div(self.shape[0]).unwrap_or(0);
        self.bytes = &self.bytes[rows.start * stride..rows.end * stride];
        self.shape[0] = rows.len();
        self
    }

    /// The values as f32, from any float type.
    ///
    /// # Errors
    /// [`Error::File`] if they are not floats.
    pub fn to_f32(&self) -> Result<Vec<f32>> {
        let dtype = safetensors::float(self.dtype).ok_or_else(|| self.wrong("floats"))?;
        let mut values = vec![0.0; self.bytes.len() / dtype.size()];
        dtype.to_f32(self.bytes, false, &mut values);
        Ok(values)
    }

    /// The values as f64, from any float type.
    ///
    /// # Errors
    /// [`Error::File`] if they are not floats.
    pub fn to_f64(&self) -> Result<Vec<f64>> {
        match self.dtype {
            FileDtype::F64 => Ok(self.copied()),
            _ => Ok(self.to_f32()?.into_iter().map(f64::from).collect()),
        }
    }

    /// The values of a U32 tensor.
    ///
    /// # Errors
    /// [`Error::File`] if it is of another type.
    pub fn to_u32(&self) -> Result<Vec<u32>> {
        match self.dtype {
            FileDtype::U32 => Ok(self.copied()),
            _ => Err(self.wrong("U32")),
        }
    }

    /// The values of an I64 tensor.
    ///
    /// # Errors
    /// [`Error::File`] if it is of another type.
    pub fn to_i64(&self) -> Result<Vec<i64>> {
        match self.dtype {
            FileDtype::I64 => Ok(self.copied()),
            _ => Err(self.wrong("I64")),
        }
    }

    /// The values of a U8 tensor.
    ///
    /// # Errors
    /// [`Error::File`] if it is of another type.
    pub fn to_u8(&self) -> Result<Vec<u8>> {
        match self.dtype {
            FileDtype::U8 => Ok(self.bytes.to_vec()),
            _ => Err(self.wrong("U8")),
        }
    }

    /// A copy, for files do not always align their tensors.
    fn copied<T: bytemuck::Pod>(&self) -> Vec<T> {
        let mut values = vec![T::zeroed(); self.bytes.len() / size_of::<T>()];
        bytemuck::cast_slice_mut::<T, u8>(&mut values).copy_from_slice(self.bytes);
        values
    }

    fn wrong(&self, expected: &str) -> Error {
        Error::file(
            self.path,
            format!("tensor {:?} is {}, expected {expected}", self.name, self.dtype),
            "Is it a file of the right kind?",
        )
    }
}
