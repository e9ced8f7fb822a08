//! Writing named tensors to `.safetensors`, with the same bytes for the same content.

use ::safetensors::tensor::Dtype as FileDtype;
use std::{collections::BTreeMap, fmt::Write};

const _: () = assert!(cfg!(target_endian = "little"), "tensors are written as they lie in memory");

/// The numbers of a tensor that is to be written.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Half precision.
    F16(&'a [half::f16]),
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
            Self::F16(v) => v.len(),
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
            Self::F16(_) => FileDtype::F16,
            Self::F32(_) => FileDtype::F32,
            Self::F64(_) => FileDtype::F64,
            Self::U32(_) => FileDtype::U32,
            Self::I64(_) => FileDtype::I64,
            Self::U8(_) => FileDtype::U8,
        }
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        match self {
            Self::F16(v) => bytemuck::cast_slice(v),
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

    /// A tensor of 16-bit floats.
    pub fn f16(name: &'a str, shape: &[usize], values: &'a [half::f16]) -> Self {
        Self { name, shape: shape.to_vec(), values: Values::F16(values) }
    }

    /// A tensor of bytes.
    pub fn u8(name: &'a str, shape: &[usize], values: &'a [u8]) -> Self {
        Self { name, shape: shape.to_vec(), values: Values::U8(values) }
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
    path: impl AsRef<std::path::Path>,
    tensors: &[TensorOut<'_>],
    metadata: &BTreeMap<String, String>,
) -> crate::Result<()> {
    let (header, values) = parts(tensors, metadata);
    super::write_atomically(path, |file| {
        file.write_all(&header)?;
        values.iter().try_for_each(|values| file.write_all(values))
    })
}
