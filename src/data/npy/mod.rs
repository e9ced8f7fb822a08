//! The header of NumPy's `.npy`.

mod literal;

use super::{Dtype, matrix::Layout};
use crate::error::{Error, Result};
use literal::Header;
use std::path::Path;

/// What every `.npy` file begins with.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy itself refuses longer headers unless told to trust the file.
const MAX_HEADER: usize = 10_000;

/// Where the matrix lies in the file and how it is stored.
///
/// # Errors
/// [`Error::File`] if the file is cut short, its header is malformed, or it holds something else than one 2-D
/// matrix of f16, f32 or f64; [`Error::Empty`] if the matrix has no rows.
pub(crate) fn layout(path: &Path, bytes: &[u8]) -> Result<Layout> {
    let (text, offset) = text(path, bytes)?;
    let header = Header::parse(text).map_err(|problem| malformed(path, problem))?;
    let (dtype, big_endian) = dtype(path, &header.descr)?;
    Layout { offset, rows: 0, width: 0, dtype, big_endian, fortran: header.fortran }.with_shape(
        path,
        "the array",
        &header.shape,
        bytes.len(),
    )
}

/// The text of the header, and where it ends.
fn text<'a>(path: &Path, bytes: &'a [u8]) -> Result<(&'a str, usize)> {
    let (length, start) = match bytes.get(6) {
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
    let end = start + length;
    let text = bytes.get(start..end).ok_or_else(|| truncated(path))?;
    let text = str::from_utf8(text).map_err(|_| malformed(path, "it is no text".into()))?;
    Ok((text, end))
}

/// The type of the numbers, and whether they are stored big-endian.
fn dtype(path: &Path, descr: &str) -> Result<(Dtype, bool)> {
    let (big_endian, plain) = match descr.split_at_checked(1) {
        Some((">", plain)) => (true, plain),
        Some(("<", plain)) => (false, plain),
        Some(("=", plain)) => (cfg!(target_endian = "big"), plain),
        _ => (false, descr),
    };
    let dtype = match plain {
        "f2" => Dtype::F16,
        "f4" => Dtype::F32,
        "f8" => Dtype::F64,
        _ => {
            return Err(Error::file(
                path,
                format!(
                    "the array has dtype {}, but activations are f16, f32 or f64 (of 2, 4 or 8 bytes)",
                    shortened(descr)
                ),
                "Convert it with array.astype(numpy.float32) and save it again.",
            ));
        }
    };
    Ok((dtype, big_endian))
}

/// The beginning of a text of a file, fit for a terminal.
fn shortened(text: &str) -> String {
    let shown: String = text.chars().filter(|letter| !letter.is_control()).take(80).collect();
    let rest = if shown.len() < text.len() { "…" } else { "" };
    format!("{shown}{rest}")
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
        format!("the .npy header is malformed: {}", shortened(&problem)),
        "Write the file again with numpy.save.",
    )
}
