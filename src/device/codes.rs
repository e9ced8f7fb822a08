//! Sparse codes, by row and by atom: made once by the selection, kept for the backward pass.

use super::{Device, Tensor};
use crate::error::{Error, Result};

/// Codes of a batch, row by row (padded ELL layout).
///
/// Row b has `counts[b]` entries, at places `0..counts[b]` of its `width` places, ascending by concept. What stands
/// in the places after them is unspecified. Every listed entry is part of the *support*: for top-k its value is
/// above zero, unless signed values are selected; for jump it may be zero where only the threshold's gradient needs the place.
#[derive(Debug)]
pub struct Codes {
    /// Concepts, [B, width].
    pub indices: Tensor<u32>,
    /// Values, [B, width].
    pub values: Tensor,
    /// Entries in each row, [B, 1].
    pub counts: Tensor<u32>,
    concepts: usize,
}

impl Codes {
    /// Room for `batch` rows of at most `width` entries each, out of `concepts`.
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn new(device: &Device, batch: usize, width: usize, concepts: usize) -> Result<Self> {
        Ok(Self {
            indices: Tensor::zeros(device, batch, width)?,
            values: Tensor::zeros(device, batch, width)?,
            counts: Tensor::zeros(device, batch, 1)?,
            concepts,
        })
    }

    /// Rows in use.
    pub fn rows(&self) -> usize {
        self.indices.rows()
    }

    /// Places a row.
    pub fn width(&self) -> usize {
        self.indices.cols()
    }

    /// How many concepts there are to choose from.
    pub fn concepts(&self) -> usize {
        self.concepts
    }

    /// Uses only the first `rows` rows.
    pub fn set_rows(&mut self, rows: usize) {
        self.indices.set_rows(rows);
        self.values.set_rows(rows);
        self.counts.set_rows(rows);
    }
}

/// The same entries ordered by atom: which rows of the batch use atom j.
///
/// `index` [1, K + 1 + B·width] holds K + 1 offsets, then the entries: those of atom j are
/// `index[K + 1 + offsets[j] .. K + 1 + offsets[j + 1]]`, ascending by row. An entry is its place in the row-wise
/// layout, row · width + place, so that `values[entry]` is its value and `entry / width` its row.
#[derive(Debug)]
pub struct ByAtom {
    /// Offsets and entries, [1, K + 1 + B·width].
    pub index: Tensor<u32>,
    /// One bit for each (atom, row), [K, ⌈B/32⌉]; the GPU's workspace, unused on the CPU.
    pub bits: Tensor<u32>,
    concepts: usize,
    width: usize,
}

impl ByAtom {
    /// Room for the transposed index of `codes`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more places than a u32 counts; else as [`Tensor::zeros`].
    pub fn new(device: &Device, batch: usize, width: usize, concepts: usize) -> Result<Self> {
        let places = batch as u64 * width as u64;
        if places > u32::MAX.into() {
            return Err(Error::TooLarge {
                what: format!("the index of {batch} rows with {width} places each"),
                needed: format!("{places} places"),
                limit_name: "the most that it counts".into(),
                limit: u32::MAX.to_string(),
                hint: "Lower --batch-size or --concepts.".into(),
            });
        }
        let words = if device.is_gpu() { batch.div_ceil(32) } else { 1 };
        let bit_rows = if device.is_gpu() { concepts } else { 1 };
        Ok(Self {
            index: Tensor::zeros(device, 1, concepts + 1 + batch * width)?,
            bits: Tensor::zeros(device, bit_rows, words)?,
            concepts,
            width,
        })
    }

    /// How many atoms.
    pub fn concepts(&self) -> usize {
        self.concepts
    }

    /// Places a row in the row-wise layout that the entries refer to.
    pub fn width(&self) -> usize {
        self.width
    }
}
