//! How many directions a dictionary really uses, from its singular values.

use super::eigen::eigenvalues;
use crate::error::{Error, Result};
use crate::parallel::*;
use serde::Serialize;

/// Ranks that count directions by how strong they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// ‖D‖²_F / σ₁², with σ₁ the largest singular value: 1 where all atoms lie on one line.
    pub stable_rank: f64,
    /// exp(−Σ p ln p), with p = σ / Σσ (Roy and Vetterli 2007): d where all directions are equally strong.
    pub effective_rank: f64,
}

/// The spectrum of a dictionary of unit atoms: each of `atoms` [K, width] is first scaled to length 1.
///
/// Work in f64 on the host: K · width² for DᵀD, width³ for its eigenvalues.
///
/// # Errors
/// [`Error::Shape`] if there is no atom, or not a whole number of them.
pub fn spectrum(atoms: &[f32], width: usize) -> Result<Spectrum> {
    if width == 0 || atoms.is_empty() || !atoms.len().is_multiple_of(width) {
        let hint = "A dictionary has a row for each atom.";
        return Err(Error::shape("the dictionary", &[atoms.len()], &[1, width], hint));
    }
    let mut atoms = atoms.to_vec();
    super::dictionary::normalize_rows(&mut atoms, width);
    let gram: Vec<f64> = (0..width)
        .into_par_iter()
        .flat_map_iter(|i| {
            let mut row = vec![0.0; width];
            for atom in atoms.chunks_exact(width) {
                let own = f64::from(atom[i]);
                row.iter_mut().zip(atom).for_each(|(sum, &other)| *sum += own * f64::from(other));
            }
            row
        })
        .collect();
    let squares = eigenvalues(gram, width).into_iter().map(|value| value.max(0.0));
    let squares: Vec<f64> = squares.collect();
    let largest = squares.iter().copied().fold(0.0, f64::max);
    let total: f64 = squares.iter().map(|square| square.sqrt()).sum();
    let share = |square: &f64| square.sqrt() / total;
    let entropy: f64 = squares.iter().map(share).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
    Ok(Spectrum {
        stable_rank: if largest > 0.0 { squares.iter().sum::<f64>() / largest } else { 0.0 },
        effective_rank: if total > 0.0 { entropy.exp() } else { 0.0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orthogonal_atoms_have_full_rank_and_equal_ones_rank_one() {
        let identity: Vec<f32> =
            (0..25).map(|i| if i % 6 == 0 { 1.0 + i as f32 } else { 0.0 }).collect();
        let full = spectrum(&identity, 5).unwrap();
        assert!((full.stable_rank - 5.0).abs() < 1e-9 && (full.effective_rank - 5.0).abs() < 1e-9);
        let one = spectrum(&[1.0, 2.0, 2.0, 4.0, 0.5, 1.0], 2).unwrap();
        assert!((one.stable_rank - 1.0).abs() < 1e-6, "{one:?}");
        assert!((one.effective_rank - 1.0).abs() < 1e-2, "{one:?}");
        assert!(spectrum(&[1.0], 2).is_err());
    }
}
