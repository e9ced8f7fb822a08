//! Matrices in float16.

use super::{Device, Tensor};
use crate::error::Result;
use half::{f16, slice::HalfFloatSliceExt};

/// Halves that are read at once: rows are padded with zeros to whole groups.
const GROUP: usize = 4;
/// Rows that the CPU widens at once to multiply with them.
pub(crate) const WIDENED_ROWS: usize = 1024;

/// A matrix [rows, cols] in float16 on one device, which [`Backend::narrow`](super::Backend::narrow) makes of one in
/// float32 and [`Backend::gemm_halves`](super::Backend::gemm_halves) multiplies.
#[derive(Debug)]
pub struct Halves {
    /// Two halves in each number, the first of them in the lower bits: rows, padded with zeros to a multiple of 4.
    pub pairs: Tensor<u32>,
    cols: usize,
}

impl Halves {
    /// A matrix of zeros.
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn zeros(device: &Device, rows: usize, cols: usize) -> Result<Self> {
        let pairs = Tensor::zeros(device, rows, cols.next_multiple_of(GROUP) / 2)?;
        Ok(Self { pairs, cols })
    }

    /// [rows, cols].
    pub fn shape(&self) -> [usize; 2] {
        [self.pairs.rows(), self.cols]
    }

    /// Halves from the start of one row to that of the next.
    pub(crate) fn stride(&self) -> usize {
        2 * self.pairs.cols()
    }

    /// Uses only the first `rows` of the allocated rows, as [`Tensor::set_rows`].
    pub fn set_rows(&mut self, rows: usize) {
        self.pairs.set_rows(rows);
    }

    /// The values as float32, row by row.
    ///
    /// # Errors
    /// As [`Tensor::read`].
    pub async fn read(&self) -> Result<Vec<f32>> {
        let pairs = self.pairs.read().await?;
        let halves: &[f16] = bytemuck::cast_slice(&pairs);
        let rows = halves.chunks_exact(self.stride().max(1));
        Ok(rows.flat_map(|row| row[..self.cols].to_f32_vec()).collect())
    }

    /// The halves in place, row after padded row; only for the CPU kernels.
    pub(crate) fn cpu(&self) -> &[f16] {
        bytemuck::cast_slice(self.pairs.cpu())
    }

    /// The same, writable.
    pub(crate) fn cpu_mut(&mut self) -> &mut [f16] {
        bytemuck::cast_slice_mut(self.pairs.cpu_mut())
    }
}
