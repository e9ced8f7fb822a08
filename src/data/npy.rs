//! The header of NumPy's `.npy`.

use super::{Dtype, matrix::Layout};
use crate::error::{Error, Result};
use std::path::Path;

/// What every `.npy` file begins with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses longer headers unless told to trust the file.
const MAX_HEADER: usize = 10_000;

/// Deeper nesting than any real type description, and far below what the parser's stack can take.
const MAX_NESTING: usize = 32;

/// Where the matrix lies in the file and how it is stored.
///
/// # Errors
/// [`Error::File`] if the file is cut short, its header is malformed, or it holds something else than one 2-D
/// matrix of f16, f32 or f64; [`Error::Empty`] if the matrix has no rows.
pub(crate) fn layout(path: &Path, bytes: &[u8]) -> Result<Layout> {
    let offset = checked_header_end(path, bytes)?;
    let header = parse(path, &bytes[..offset])?;
    let (dtype, big_endian) = dtype(path, &header.dtype())?;
    Layout {
        offset,
        rows: 0,
        width: 0,
        dtype,
        big_endian,
        fortran: header.order() == npyz::Order::Fortran,
    }
    .with_shape(path, "the array", header.shape(), bytes.len())
}

/// The end of the header, after checks that keep the parser's memory and stack small.
fn checked_header_end(path: &Path, bytes: &[u8]) -> Result<usize> {
    let (length, text_start) = match bytes.get(6) {
        Some(1) => (bytes.get(8..10).map(|b| usize::from(u16::from_le_bytes([b[0], b[1]]))), 10),
        Some(2 | 3) => {
            (bytes.get(8..12).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize), 12)
        }
        Some(version) => return Err(malformed(path, format!("unknown version {version}"))),
        None => (None, 0),
    };
    let length = length.ok_or_else(|| truncated(path))?;
    if length > MAX_HEADER {
        return Err(malformed(path, format!("it claims {length} bytes (at most {MAX_HEADER})")));
    }
    let end = text_start + length;
    let text = bytes.get(text_start..end).ok_or_else(|| truncated(path))?;
    let mut depth = 0usize;
    for byte in text {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_NESTING {
            return Err(malformed(path, "its brackets are nested too deep".into()));
        }
    }
    Ok(end)
}

fn parse(path: &Path, header: &[u8]) -> Result<npyz::NpyHeader> {
    // The parser multiplies the dimensions unchecked, which panics in a debug build if they overflow; the layout
    // checks them again.
    match std::panic::catch_unwind(|| npyz::NpyHeader::from_reader(header)) {
        Ok(Ok(header)) => Ok(header),
        Ok(Err(problem)) => Err(malformed(path, problem.to_string())),
        Err(_) => Err(malformed(path, "its dimensions overflow".into())),
    }
}

/// The type of the numbers, and whether they are stored big-endian.
fn dtype(path: &Path, dtype: &npyz::DType) -> Result<(Dtype, bool)> {
    if let npyz::DType::Plain(plain) = dtype
        && plain.type_char() == npyz::TypeChar::Float
    {
        let big_endian = plain.endianness() == npyz::Endianness::Big;
        match plain.size_field() {
            2 => return Ok((Dtype::F16, big_endian)),
            4 => return Ok((Dtype::F32, big_endian)),
            8 => return Ok((Dtype::F64, big_endian)),
            _ => {}
        }
    }
    Err(Error::file(
        path,
        format!("the array has dtype {}, but activations are f16, f32 or f64", dtype.descr()),
        "Convert it with array.astype(numpy.float32) and save it again.",
    ))
}

fn truncated(path: &Path) -> Error {
    Error::file(
        path,
        "the file ends within its .npy header",
        "It was cut short: copy or write it again.",
    )
}

fn malformed(path: &Path, problem: String) -> Error {
    Error::file(
        path,
        format!("the .npy header is malformed: {problem}"),
        "Write the file again with numpy.save.",
    )
}
