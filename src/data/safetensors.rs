//! The header of `.safetensors`, for data files and for this crate's own.

use super::{Dtype, matrix::Layout};
use crate::error::{Error, Result};
use ::safetensors::tensor::{Dtype as FileDtype, Metadata};
use std::{collections::BTreeMap, path::Path};

/// Headers beyond this are refused, as the format's own reader does.
const MAX_HEADER: usize = 100_000_000;

/// A parsed header.
pub(crate) struct Header {
    /// Tensors with their types, shapes and places.
    pub(crate) tensors: Metadata,
    /// Where the first tensor begins in the file.
    pub(crate) data_start: usize,
}

impl Header {
    /// The free-form metadata, by key.
    pub(crate) fn metadata(&self) -> BTreeMap<String, String> {
        self.tensors.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect()
    }

    /// The names of the tensors, in the order of the alphabet.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = self.tensors.offset_keys();
        names.sort();
        names
    }
}

/// Whether the file looks like `.safetensors`: a length, then JSON.
pub(crate) fn recognises(bytes: &[u8]) -> bool {
    bytes.len() > 8 && bytes[8] == b'{'
}

/// Reads and checks the header: every tensor lies within the file, and they fill it.
///
/// # Errors
/// [`Error::File`] if the file is cut short or malformed.
pub(crate) fn header(path: &Path, bytes: &[u8]) -> Result<Header> {
    let truncated = || {
        Error::file(
            path,
            "the file ends within its .safetensors header",
            "It was cut short: copy or write it again.",
        )
    };
    let malformed = |problem: String| {
        Error::file(
            path,
            format!("the .safetensors header is malformed: {problem}"),
            "Write the file again with safetensors' save_file.",
        )
    };
    let length: [u8; 8] = bytes.get(..8).and_then(|b| b.try_into().ok()).ok_or_else(truncated)?;
    let length = usize::try_from(u64::from_le_bytes(length)).unwrap_or(usize::MAX);
    if length > MAX_HEADER {
        return Err(malformed(format!("it claims {length} bytes (at most {MAX_HEADER})")));
    }
    let data_start = 8 + length;
    let text = bytes.get(8..data_start).ok_or_else(truncated)?;
    // Not `SafeTensors::deserialize`: it adds up offsets unchecked, and does not say how much is missing.
    let tensors: Metadata = serde_json::from_slice(text).map_err(|e| malformed(e.to_string()))?;
    let (claimed, present) = (tensors.data_len(), bytes.len() - data_start);
    if claimed > present {
        return Err(Error::file(
            path,
            format!("the header announces {claimed} bytes of tensors, but only {present} follow"),
            "The file was cut short: copy or write it again.",
        ));
    }
    if claimed < present {
        return Err(malformed(format!("{} bytes follow the last tensor", present - claimed)));
    }
    Ok(Header { tensors, data_start })
}

/// The tensor that a data file is read for, its place, and the file's metadata.
pub(crate) struct Found {
    pub(crate) layout: Layout,
    pub(crate) tensor: String,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// Finds the matrix in a file: the tensor called `tensor`, else the only one.
///
/// # Errors
/// [`Error::File`] if the file is cut short or malformed, if there is no such tensor, if there are several and none
/// was asked for, or if it is not a 2-D matrix of floats; [`Error::Empty`] if it has no rows.
pub(crate) fn find(path: &Path, bytes: &[u8], tensor: Option<&str>) -> Result<Found> {
    let header = header(path, bytes)?;
    let names = header.names();
    let name = match (tensor, names.as_slice()) {
        (_, []) => {
            return Err(Error::file(
                path,
                "the file holds no tensors",
                "Save the activations as one 2-D tensor.",
            ));
        }
        (Some(name), _) => name.to_owned(),
        (None, [name]) => name.clone(),
        (None, _) => {
            return Err(Error::file(
                path,
                format!("the file holds {} tensors: {}", names.len(), list(&header, &names)),
                "Choose one with --tensor NAME.",
            ));
        }
    };
    let Some(info) = header.tensors.info(&name) else {
        return Err(Error::file(
            path,
            format!("there is no tensor named {name:?}; the file holds {}", list(&header, &names)),
            "Choose one of them with --tensor NAME.",
        ));
    };
    let Some(dtype) = float(info.dtype) else {
        return Err(Error::file(
            path,
            format!("tensor {name:?} is {}, but activations are F16, BF16, F32 or F64", info.dtype),
            "Convert it with tensor.float(), or choose another with --tensor NAME.",
        ));
    };
    let shape: Vec<u64> = info.shape.iter().map(|&n| n as u64).collect();
    let layout = Layout {
        offset: header.data_start + info.data_offsets.0,
        rows: 0,
        width: 0,
        dtype,
        big_endian: false,
        fortran: false,
    }
    .with_shape(path, &format!("tensor {name:?}"), &shape, bytes.len())?;
    Ok(Found { layout, tensor: name, metadata: header.metadata() })
}

/// The type, if it is one that data may have.
pub(crate) fn float(dtype: FileDtype) -> Option<Dtype> {
    match dtype {
        FileDtype::F16 => Some(Dtype::F16),
        FileDtype::BF16 => Some(Dtype::Bf16),
        FileDtype::F32 => Some(Dtype::F32),
        FileDtype::F64 => Some(Dtype::F64),
        _ => None,
    }
}

/// The tensors in words, at most twenty of them.
fn list(header: &Header, names: &[String]) -> String {
    const MOST: usize = 20;
    let mut words: Vec<String> = names
        .iter()
        .take(MOST)
        .filter_map(|name| header.tensors.info(name).map(|info| (name, info)))
        .map(|(name, info)| format!("{name} {:?} {}", info.shape, info.dtype))
        .collect();
    if names.len() > MOST {
        words.push(format!("and {} more", names.len() - MOST));
    }
    words.join(", ")
}
