//! What an encoder's user gets: pre-codes and codes of some rows.

use super::{SaeSettings, Selection};
use crate::{
    device::{Codes, Device, Gemm, Tensor},
    error::Result,
};

/// Codes of a batch as the model made them.
#[derive(Debug)]
pub enum Activations {
    /// Indices and values (top-k).
    Sparse(Codes),
    /// [B, K], mostly zeros (jump, batch top-k).
    Dense(Tensor),
}

impl Activations {
    /// Room for the codes of `batch` rows of a model with these settings.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    pub(crate) fn room(device: &Device, settings: &SaeSettings, batch: usize) -> Result<Self> {
        let concepts = settings.nb_concepts;
        Ok(match settings.selection {
            Selection::TopK { k } => Self::Sparse(Codes::new(device, batch, k, concepts)?),
            Selection::Jump { .. } | Selection::BatchTopK { .. } => {
                Self::Dense(Tensor::zeros(device, batch, concepts)?)
            }
        })
    }

    /// Uses only the first `rows` rows.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        match self {
            Self::Sparse(codes) => codes.set_rows(rows),
            Self::Dense(z) => z.set_rows(rows),
        }
    }

    /// out [B, n] = Z M, with M [K, n].
    pub(crate) fn times(&self, device: &Device, m: &Tensor, out: &mut Tensor) {
        match self {
            Self::Sparse(codes) => device.spmm(codes, m, out, false),
            Self::Dense(z) => device.gemm(z, m, out, Gemm::default()),
        }
    }

    /// The codes as a dense matrix on the device, [B, K].
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    pub fn into_dense(self, device: &Device) -> Result<Tensor> {
        match self {
            Self::Sparse(codes) => {
                let mut dense = Tensor::zeros(device, codes.rows(), codes.concepts())?;
                device.scatter(&codes, &mut dense);
                Ok(dense)
            }
            Self::Dense(z) => Ok(z),
        }
    }

    /// The codes row by row on the host.
    ///
    /// # Errors
    /// [`crate::Error::Device`] if the device failed.
    pub async fn rows(&self) -> Result<CodeRows> {
        match self {
            Self::Sparse(codes) => {
                let width = codes.width();
                let counts = codes.counts.read().await?;
                let indices = codes.indices.read().await?;
                let values = codes.values.read().await?;
                let entries = |row: usize| row * width..row * width + counts[row] as usize;
                Ok(CodeRows::from_rows(
                    codes.concepts(),
                    (0..counts.len()).map(|row| {
                        entries(row).map(|e| (indices[e], values[e])).filter(|entry| entry.1 != 0.0)
                    }),
                ))
            }
            Self::Dense(z) => {
                let values = z.read().await?;
                Ok(CodeRows::from_rows(
                    z.cols(),
                    values.chunks_exact(z.cols()).map(|row| {
                        (0u32..).zip(row.iter().copied()).filter(|entry| entry.1 != 0.0)
                    }),
                ))
            }
        }
    }
}

/// Codes on the host, compressed by rows (CSR): the entries of row b stand at `indptr[b]..indptr[b + 1]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CodeRows {
    /// Concepts there are, K.
    pub concepts: usize,
    /// Where each row starts; one more than rows.
    pub indptr: Vec<u64>,
    /// Concepts, ascending in each row.
    pub indices: Vec<u32>,
    /// Their values, none zero.
    pub values: Vec<f32>,
}

impl CodeRows {
    fn from_rows<R>(concepts: usize, rows: impl Iterator<Item = R>) -> Self
    where
        R: Iterator<Item = (u32, f32)>,
    {
        let mut codes = Self { concepts, indptr: vec![0], ..Self::default() };
        for row in rows {
            for (index, value) in row {
                codes.indices.push(index);
                codes.values.push(value);
            }
            codes.indptr.push(codes.indices.len() as u64);
        }
        codes
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.indptr.len().saturating_sub(1)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// (concept, value) of each entry of a row.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let range = self.indptr[row] as usize..self.indptr[row + 1] as usize;
        self.indices[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }

    /// The entries of a row with the `count` largest values, the largest first; the lower concept wins a tie.
    pub fn top(&self, row: usize, count: usize) -> Vec<(u32, f32)> {
        let mut entries: Vec<_> = self.row(row).collect();
        entries.sort_by(|a, b| b.1.total_cmp(&a.1));
        entries.truncate(count);
        entries
    }
}

/// What `encode` returns.
#[derive(Debug)]
pub struct Encoded {
    /// Pre-codes [B, K].
    pub pre_codes: Tensor,
    /// Codes, selected from relu(pre-codes).
    pub codes: Activations,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_a_row_is_in_order() {
        let rows = [vec![], vec![(1, 0.5), (4, 2.0), (6, 0.5), (7, 1.0)]];
        let codes = CodeRows::from_rows(8, rows.into_iter().map(Vec::into_iter));
        assert_eq!(codes.top(1, 3), [(4, 2.0), (7, 1.0), (1, 0.5)]);
        assert_eq!(codes.top(0, 3), []);
    }
}
