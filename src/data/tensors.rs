//! The files that this crate writes itself: named tensors in `.safetensors`, with the same bytes for the same content.

use super::{
    bytes::Bytes,
    safetensors::{self, Header},
};
use crate::error::{Error, Result};
use ::safetensors::tensor::Dtype as FileDtype;
use std::{
    collections::BTreeMap,
    fmt::Write,
    ops::Range,
    path::{Path, PathBuf},
};

const _: () = assert!(cfg!(target_endian = "little"), "tensors are written as they lie in memory");

/// The numbers of a tensor that is to be written.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Single precision.
    F32(&'a [f32]),
    /// Double precision.
    F64(&'a [f64]),
    /// Unsigned 32-bit integers.
    U32(&'a [u32]),
    /// Signed 64-bit integers.
    I64(&'a [i64]),
    /// Bytes.
    U8(&'a [u8]),
}

impl<'a> Values<'a> {
    /// How many numbers.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::F64(v) => v.len(),
            Self::U32(v) => v.len(),
            Self::I64(v) => v.len(),
            Self::U8(v) => v.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn dtype(&self) -> FileDtype {
        match self {
            Self::F32(_) => FileDtype::F32,
            Self::F64(_) => FileDtype::F64,
            Self::U32(_) => FileDtype::U32,
            Self::I64(_) => FileDtype::I64,
            Self::U8(_) => FileDtype::U8,
        }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Self::F32(v) => bytemuck::cast_slice(v),
            Self::F64(v) => bytemuck::cast_slice(v),
            Self::U32(v) => bytemuck::cast_slice(v),
            Self::I64(v) => bytemuck::cast_slice(v),
            Self::U8(v) => v,
        }
    }
}

/// A tensor that is to be written.
#[derive(Clone, Debug)]
pub struct TensorOut<'a> {
    /// Its name in the file.
    pub name: &'a str,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers, row-major.
    pub values: Values<'a>,
}

impl<'a> TensorOut<'a> {
    /// A tensor of 32-bit floats.
    pub fn f32(name: &'a str, shape: &[usize], values: &'a [f32]) -> Self {
        Self { name, shape: shape.to_vec(), values: Values::F32(values) }
    }

    /// A tensor of unsigned 32-bit integers.
    pub fn u32(name: &'a str, shape: &[usize], values: &'a [u32]) -> Self {
        Self { name, shape: shape.to_vec(), values: Values::U32(values) }
    }
}

/// One line of a header: name, type, shape.
pub(super) type Entry<'a> = (&'a str, FileDtype, &'a [usize]);

/// The order of tensors in a file: larger elements first, so that all are aligned, then by name.
pub(super) fn file_order(a: &Entry<'_>, b: &Entry<'_>) -> std::cmp::Ordering {
    b.1.bitsize().cmp(&a.1.bitsize()).then(a.0.cmp(b.0))
}

/// The beginning of a file up to the first tensor, for `entries` in the order in which they follow; padded with
/// spaces to at least `least` bytes.
pub(super) fn header(
    entries: &[Entry<'_>],
    metadata: &BTreeMap<String, String>,
    least: usize,
) -> Vec<u8> {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut fields = Vec::with_capacity(entries.len() + 1);
    if !metadata.is_empty() {
        let pairs: Vec<String> =
            metadata.iter().map(|(k, v)| format!("{}:{}", quoted(k), quoted(v))).collect();
        fields.push(format!("\"__metadata__\":{{{}}}", pairs.join(",")));
    }
    let mut start = 0u64;
    for (name, dtype, shape) in entries {
        let count: u64 = shape.iter().map(|&n| n as u64).product();
        let end = start + count * (dtype.bitsize() / 8) as u64;
        let mut field = String::new();
        // Writing to a String cannot fail.
        let _ = write!(
            field,
            "{}:{{\"dtype\":\"{dtype}\",\"shape\":{},\"data_offsets\":[{start},{end}]}}",
            quoted(name),
            serde_json::Value::from(shape.to_vec()),
        );
        fields.push(field);
        start = end;
    }
    let mut text = format!("{{{}}}", fields.join(",")).into_bytes();
    let length = text.len().next_multiple_of(8).max(least.saturating_sub(8));
    text.resize(length, b' ');
    let mut bytes = (length as u64).to_le_bytes().to_vec();
    bytes.append(&mut text);
    bytes
}

/// The parts of a file with these tensors: the header, then the numbers of each.
fn parts<'a>(
    tensors: &'a [TensorOut<'a>],
    metadata: &BTreeMap<String, String>,
) -> (Vec<u8>, Vec<&'a [u8]>) {
    let mut sorted: Vec<(Entry<'a>, Values<'a>)> = tensors
        .iter()
        .map(|t| {
            let count: usize = t.shape.iter().product();
            assert_eq!(t.values.len(), count, "values of tensor {} of shape {:?}", t.name, t.shape);
            ((t.name, t.values.dtype(), t.shape.as_slice()), t.values)
        })
        .collect();
    sorted.sort_by(|a, b| file_order(&a.0, &b.0));
    assert!(sorted.windows(2).all(|w| w[0].0.0 != w[1].0.0), "two tensors of the same name");
    let entries: Vec<Entry<'_>> = sorted.iter().map(|(entry, _)| *entry).collect();
    (header(&entries, metadata, 0), sorted.into_iter().map(|(_, values)| values.bytes()).collect())
}

/// The bytes of a `.safetensors` file with these tensors and metadata: the same for the same content, in
/// whatever order it is given.
///
/// # Panics
/// If the values of a tensor do not fill its shape, or two tensors have one name.
pub fn encode_tensors(tensors: &[TensorOut<'_>], metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let (mut bytes, values) = parts(tensors, metadata);
    values.iter().for_each(|values| bytes.extend_from_slice(values));
    bytes
}

/// Writes what [`encode_tensors`] gives to `path`, whole or not at all.
///
/// # Errors
/// As [`write_atomically`](super::write_atomically).
///
/// # Panics
/// As [`encode_tensors`].
#[cfg(not(target_arch = "wasm32"))]
pub fn write_tensors(
    path: impl AsRef<Path>,
    tensors: &[TensorOut<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<()> {
    let (header, values) = parts(tensors, metadata);
    super::write_atomically(path, |file| {
        file.write_all(&header)?;
        values.iter().try_for_each(|values| file.write_all(values))
    })
}

/// A `.safetensors` file with any number of tensors: a checkpoint, points, codes.
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
