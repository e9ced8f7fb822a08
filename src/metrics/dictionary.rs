//! How the atoms stand to each other.

use crate::parallel::*;
use crate::{
    device::{Device, Gemm, Tensor},
    error::Result,
};

/// A Bᵀ.
pub(super) const NT: Gemm<'_> =
    Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };

/// Atoms multiplied at once: bounds the memory of their products, whatever the size of the dictionary.
const BLOCK_ATOMS: usize = 2048;

/// Atoms of length 1 (or 0) on the device, in blocks of equal size; zero rows fill up the last one.
#[derive(Debug)]
pub(super) struct UnitAtoms {
    /// Each [block, d].
    pub blocks: Vec<Tensor>,
    /// How many atoms, K.
    pub concepts: usize,
    /// The same values on the host.
    values: Vec<f32>,
}

impl UnitAtoms {
    /// From a dictionary [K, d] of K ≥ 1 atoms.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if the device cannot hold it.
    pub fn new(device: &Device, atoms: Vec<f32>, width: usize) -> Result<Self> {
        Self::in_blocks(device, atoms, width, BLOCK_ATOMS)
    }

    fn in_blocks(device: &Device, mut values: Vec<f32>, width: usize, most: usize) -> Result<Self> {
        normalize_rows(&mut values, width);
        let concepts = values.len() / width;
        let block = most.min(concepts);
        values.resize(concepts.next_multiple_of(block) * width, 0.0);
        let blocks = values.chunks(block * width);
        let blocks = blocks.map(|values| Tensor::from_slice(device, block, width, values));
        Ok(Self { blocks: blocks.collect::<Result<_>>()?, concepts, values })
    }

    /// The largest |cosine| between two different atoms; 0 if there is one only.
    pub async fn coherence(&self, device: &Device) -> Result<f64> {
        let [block, width] = self.blocks[0].shape();
        let mut negated = Tensor::zeros(device, block, width)?;
        let mut products = Tensor::zeros(device, block, block)?;
        // Zero is below every |cosine|, and what the rows that fill up the last block have.
        let mut largest = Tensor::zeros(device, block, 1)?;
        if self.concepts == 1 {
            return Ok(0.0);
        }
        for (i, atoms) in self.blocks.iter().enumerate() {
            let values = &self.values[i * block * width..][..block * width];
            negated.write(&values.iter().map(|v| -v).collect::<Vec<_>>());
            for (j, others) in self.blocks.iter().enumerate().skip(i) {
                // An atom is not compared with itself.
                let skip = (i == j).then_some(0);
                for atoms in [atoms, &negated] {
                    device.gemm(atoms, others, &mut products, NT);
                    device.row_max(&products, skip, &mut largest);
                }
            }
        }
        let largest = largest.read().await?;
        Ok(largest.into_iter().fold(0.0_f64, |max, cosine| max.max(f64::from(cosine))).min(1.0))
    }
}

/// Scales every row to length 1; zero rows stay.
pub(crate) fn normalize_rows(rows: &mut [f32], width: usize) {
    rows.par_chunks_mut(width).with_min_len(16).for_each(|row| {
        pulp::Arch::new().dispatch(|| {
            let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coherence(atoms: &[f32], width: usize, block: usize) -> f64 {
        let device = Device::cpu();
        let atoms = UnitAtoms::in_blocks(&device, atoms.to_vec(), width, block).unwrap();
        pollster::block_on(atoms.coherence(&device)).unwrap()
    }

    #[test]
    fn finds_the_pair_whatever_the_blocks_and_signs() {
        let mut atoms: Vec<f32> = (0..11 * 5).map(|i| ((i * 37 + 11) % 17) as f32 - 8.0).collect();
        let naive = |atoms: &[f32]| {
            let row = |i: usize| atoms[i * 5..][..5].iter().map(|&x| f64::from(x));
            let dot = |i, j| row(i).zip(row(j)).map(|(a, b)| a * b).sum::<f64>();
            let pairs = (0..11).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| dot(i, j).abs() / (dot(i, i) * dot(j, j)).sqrt()).fold(0.0, f64::max)
        };
        for opposite in [false, true] {
            if opposite {
                // The two that are most alike now point away from each other.
                let twin: Vec<f32> = (5..10).map(|i| (i % 3) as f32 - 3.0 * atoms[i]).collect();
                atoms[50..].copy_from_slice(&twin);
            }
            let expected = naive(&atoms);
            assert!(expected > 0.5 && expected < 0.9999);
            for block in [1, 2, 3, 4, 11, 100] {
                let got = coherence(&atoms, 5, block);
                assert!((got - expected).abs() < 1e-6, "{block}: {got} {expected}");
            }
        }
    }

    #[test]
    fn zero_atoms_and_single_ones() {
        assert_eq!(coherence(&[0.0, 0.0, 1.0, 0.0, 0.0, 0.0], 2, 2), 0.0);
        assert_eq!(coherence(&[3.0, 4.0], 2, 8), 0.0);
        assert_eq!(coherence(&[1e-20, 0.0, -5.0, 0.0], 2, 8), 1.0);
    }
}
