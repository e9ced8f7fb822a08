//! How far the atoms point away from the data.

use super::dictionary::{NT, UnitAtoms, normalize_rows};
use crate::{
    device::{Device, Tensor},
    error::Result,
};

/// Rows compared at once: bounds the memory of the products.
const PIECE_ROWS: usize = 1024;

/// The largest cosine of each atom to the rows seen so far.
#[derive(Debug)]
pub(super) struct Nearest {
    /// Some rows of length 1 (or 0), [piece, d].
    rows: Tensor,
    /// Their products with a block of atoms, [block, piece].
    products: Tensor,
    /// One [block, 1] for each block of atoms.
    largest: Vec<Tensor>,
    /// `rows` on their way to the device.
    buffer: Vec<f32>,
}

impl Nearest {
    /// For batches of up to `batch` rows.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the device cannot hold it.
    pub fn new(device: &Device, atoms: &UnitAtoms, batch: usize) -> Result<Self> {
        let [block, width] = atoms.blocks[0].shape();
        let piece = batch.min(PIECE_ROWS);
        // Every cosine is above −2.
        let none = vec![-2.0; block];
        let largest = atoms.blocks.iter().map(|_| Tensor::from_slice(device, block, 1, &none));
        Ok(Self {
            rows: Tensor::zeros(device, piece, width)?,
            products: Tensor::zeros(device, block, piece)?,
            largest: largest.collect::<Result<_>>()?,
            buffer: Vec::new(),
        })
    }

    /// Compares every atom with the next rows, [B, d].
    pub fn add(&mut self, device: &Device, atoms: &UnitAtoms, batch: &[f32]) {
        let Self { rows, products, largest, buffer } = self;
        let width = rows.cols();
        for piece in batch.chunks(rows.len()) {
            buffer.clear();
            buffer.extend_from_slice(piece);
            // The products have a fixed number of columns; a row seen twice changes no maximum.
            while buffer.len() < rows.len() {
                buffer.extend_from_slice(&piece[..width]);
            }
            normalize_rows(buffer, width);
            rows.write(buffer);
            for (atoms, largest) in atoms.blocks.iter().zip(largest.iter_mut()) {
                device.gemm(atoms, rows, products, NT);
                device.row_max(products, None, largest);
            }
        }
    }

    /// 1 − the mean over the atoms of the largest cosine.
    pub async fn finish(self, atoms: &UnitAtoms) -> Result<f64> {
        let mut largest = Vec::new();
        for block in &self.largest {
            largest.extend(block.read().await?);
        }
        let atoms = largest.iter().take(atoms.concepts).map(|&c| f64::from(c).clamp(-1.0, 1.0));
        let count = atoms.len() as f64;
        Ok(1.0 - atoms.sum::<f64>() / count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ood(atoms: &[f32], rows: &[f32], width: usize, batch: usize) -> f64 {
        let device = Device::cpu();
        let atoms = UnitAtoms::new(&device, atoms.to_vec(), width).unwrap();
        let mut nearest = Nearest::new(&device, &atoms, batch).unwrap();
        for rows in rows.chunks(batch * width) {
            nearest.add(&device, &atoms, rows);
        }
        pollster::block_on(nearest.finish(&atoms)).unwrap()
    }

    #[test]
    fn as_a_plain_loop() {
        let values = |n: usize, step: usize| -> Vec<f32> {
            (0..n).map(|i| ((i * step + 5) % 23) as f32 - 11.0).collect()
        };
        let (d, atoms, rows) = (4, values(9 * 4, 7), values(50 * 4, 13));
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let cosine = |a: &[f32], b: &[f32]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
        let best = |atom| rows.chunks(d).map(|row| cosine(atom, row)).fold(-1.0, f64::max);
        let expected = 1.0 - atoms.chunks(d).map(best).sum::<f64>() / 9.0;
        for batch in [1, 7, 50, 64] {
            let got = ood(&atoms, &rows, d, batch);
            assert!((got - expected).abs() < 1e-6, "{batch}: {got} {expected}");
        }
    }

    #[test]
    fn opposite_rows_and_zero_rows() {
        assert_eq!(ood(&[1.0, 0.0], &[-2.0, 0.0, -3.0, 0.0, -1.0, 0.0], 2, 2), 2.0);
        assert_eq!(ood(&[1.0, 0.0], &[-2.0, 0.0, 0.0, 0.0], 2, 2), 1.0);
        assert_eq!(ood(&[0.0, 0.0, 5.0, 0.0], &[2.0, 0.0], 2, 1), 0.5);
    }

    #[test]
    fn batches_larger_than_a_piece() {
        let mut rows = vec![-1.0; 2 * (PIECE_ROWS + 3)];
        rows[2 * PIECE_ROWS..].copy_from_slice(&[-1.0, -1.0, 1.0, 1.0, -1.0, -1.0]);
        assert!(ood(&[2.0, 2.0], &rows, 2, PIECE_ROWS + 3).abs() < 1e-6);
    }
}
