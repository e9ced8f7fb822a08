//! How many directions a dictionary really uses.

use super::{gram::Gram, symmetric::eigenvalues};
use crate::error::{Error, Result};
use serde::Serialize;

/// What the singular values σ₁ ≥ σ₂ ≥ … of a dictionary D [K, d] tell.
///
/// They are the square roots of the eigenvalues of DᵀD, so that those below 1e-8 σ₁ are noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spectrum {
    /// ‖D‖_F² / σ₁² (Rudelson and Vershynin 2007): from 1, all atoms along one line, to the rank. 0 for a
    /// dictionary of zeros.
    pub stable_rank: f64,
    /// exp(−Σ p ln p) with p_i = σ_i / Σσ (Roy and Vetterli 2007): from 1 to the rank. 0 for a dictionary of zeros.
    pub effective_rank: f64,
}

/// The ranks of a dictionary [K, width], as it is: atoms keep their lengths.
///
/// Both as in Fel et al. 2025; overcomplete's `metrics` has neither. Takes about K·d² + 4/3·d³ operations in float64 and
/// d² numbers of memory, with d the smaller one of K and the width.
///
/// # Errors
/// [`Error::Shape`] if it is empty or not of whole atoms.
pub fn spectrum(atoms: &[f32], width: usize) -> Result<Spectrum> {
    if width == 0 || atoms.is_empty() || !atoms.len().is_multiple_of(width) {
        let hint = "A dictionary has at least one atom, and whole ones.";
        return Err(Error::shape("a dictionary", &[atoms.len()], &[1, width], hint));
    }
    let concepts = atoms.len() / width;
    let squares = if concepts < width {
        // D Dᵀ has the same eigenvalues but for zeros, and is smaller.
        let transposed: Vec<f32> = (0..atoms.len())
            .map(|place| atoms[place % concepts * width + place / concepts])
            .collect();
        squared_singular_values(&transposed, concepts)
    } else {
        squared_singular_values(atoms, width)
    };
    Ok(of_squares(&squares))
}

/// σ² of each of `width` columns' directions, largest first.
fn squared_singular_values(rows: &[f32], width: usize) -> Vec<f64> {
    let mut gram = Gram::new(width);
    gram.add(rows, &vec![0.0; width]);
    // Rounding may take a zero below zero; a NaN stays one.
    let at_least_zero = |value: f64| if value < 0.0 { 0.0 } else { value };
    eigenvalues(gram.finish(), width).into_iter().map(at_least_zero).collect()
}

fn of_squares(squares: &[f64]) -> Spectrum {
    if squares[0] == 0.0 {
        return Spectrum { stable_rank: 0.0, effective_rank: 0.0 };
    }
    let sum: f64 = squares.iter().map(|square| square.sqrt()).sum();
    let shares = squares.iter().map(|square| square.sqrt() / sum).filter(|&share| share > 0.0);
    let entropy: f64 = shares.map(|share| -share * share.ln()).sum();
    Spectrum {
        stable_rank: squares.iter().sum::<f64>() / squares[0],
        effective_rank: entropy.exp(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(got: f64, expected: f64) {
        assert!((got - expected).abs() < 1e-6 * expected.max(1.0), "{got}, expected {expected}");
    }

    #[test]
    fn known_singular_values() {
        // Orthogonal atoms of lengths 3, 2 and 1, the first one twice in parts: σ = 3, 2, 1.
        let half = 3.0 / 2.0_f32.sqrt();
        let atoms = [half, 0.0, 0.0, -half, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 1.0];
        let found = spectrum(&atoms, 3).unwrap();
        near(found.stable_rank, 14.0 / 9.0);
        let entropy: f64 = [3.0_f64, 2.0, 1.0].iter().map(|s| -(s / 6.0) * (s / 6.0).ln()).sum();
        near(found.effective_rank, entropy.exp());
    }

    #[test]
    fn wide_and_tall_are_the_same() {
        let atoms: Vec<f32> = (0..7 * 30).map(|i| ((i * 37 + 11) % 17) as f32 - 8.0).collect();
        let turned: Vec<f32> = (0..7 * 30).map(|i| atoms[i % 7 * 30 + i / 7]).collect();
        let (wide, tall) = (spectrum(&atoms, 30).unwrap(), spectrum(&turned, 7).unwrap());
        assert_eq!(wide, tall);
        assert!(1.0 < wide.stable_rank && wide.stable_rank < wide.effective_rank);
        assert!(wide.effective_rank < 7.0);
    }

    #[test]
    fn bounds() {
        let identity: Vec<f32> = (0..25).map(|i| f32::from(u8::from(i % 6 == 0))).collect();
        let found = spectrum(&identity, 5).unwrap();
        near(found.stable_rank, 5.0);
        near(found.effective_rank, 5.0);
        // All along one line; rounding leaves about 1e-8 of the others.
        let found = spectrum(&[1.0, 2.0, -3.0, -6.0, 0.5, 1.0], 2).unwrap();
        near(found.stable_rank, 1.0);
        assert!((found.effective_rank - 1.0).abs() < 1e-6);
        let zeros = spectrum(&[0.0; 6], 2).unwrap();
        assert_eq!((zeros.stable_rank, zeros.effective_rank), (0.0, 0.0));
        assert!(spectrum(&[], 2).is_err() && spectrum(&[1.0; 3], 2).is_err());
    }

    #[test]
    fn a_nan_is_not_taken_for_zero() {
        assert!(spectrum(&[f32::NAN; 4], 2).unwrap().stable_rank.is_nan());
    }
}
