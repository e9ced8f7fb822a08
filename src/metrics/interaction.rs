//! Which concepts fire together, and whether their atoms then work against each other.

use super::dictionary::normalize_rows;
use crate::{
    data::Loader,
    device::ACTIVE_FROM,
    error::Result,
    sae::{EncodeBuffers, Sae},
};
use serde::Serialize;

/// Up to this many concepts; the products of all pairs take K² · 8 bytes.
const MOST_CONCEPTS: usize = 4096;

/// Figures of the pairs of concepts (Fel et al. 2025, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Interaction {
    /// 1 − ‖ZᵀZ‖₀ / K²: share of the pairs of concepts that never fire in the same row.
    pub connectivity: f64,
    /// ‖relu(−(ZᵀZ / n) ∘ (D Dᵀ))‖_F over the n rows, with atoms of length 1: how strongly concepts fire together
    /// whose atoms point away from each other. In squared units of the codes.
    pub negative_interference: f64,
}

/// Encodes all rows of `loader`, and counts pairs. `None` beyond 4 096 concepts.
///
/// # Errors
/// As [`evaluate`](super::evaluate).
pub async fn interaction(
    sae: &Sae,
    loader: &Loader,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Option<Interaction>> {
    let (k, d) = (sae.settings().nb_concepts, sae.settings().input_shape);
    if k > MOST_CONCEPTS {
        return Ok(None);
    }
    let mut together = vec![0.0_f64; k * k];
    let mut buffers = EncodeBuffers::for_loader(sae, loader)?;
    let (mut batches, mut rows) = (loader.in_order()?, 0);
    let mut active: Vec<(usize, f32)> = Vec::new();
    while let Some(batch) = batches.next() {
        let batch = batch?;
        let codes = buffers.encode(sae, &batch.data)?.rows().await?;
        for place in 0..batch.rows.len() {
            active.clear();
            let entries = codes.row(place).map(|(concept, z)| (concept as usize, z));
            active.extend(entries.filter(|(_, z)| z.abs() >= ACTIVE_FROM));
            for &(i, z) in &active {
                for &(j, other) in &active {
                    together[i * k + j] += f64::from(z) * f64::from(other);
                }
            }
        }
        rows += batch.rows.len();
        batches.recycle(batch);
        on_progress(rows);
    }
    let mut atoms = sae.dictionary().await?;
    normalize_rows(&mut atoms, d);
    Ok(Some(of_pairs(&together, &atoms, k, d, rows)))
}

fn of_pairs(together: &[f64], atoms: &[f32], k: usize, d: usize, rows: usize) -> Interaction {
    let (mut pairs, mut against) = (0_usize, 0.0_f64);
    for (i, row) in together.chunks_exact(k).enumerate() {
        for (j, &product) in row.iter().enumerate().filter(|(_, product)| **product != 0.0) {
            pairs += 1;
            let (a, b) = (&atoms[i * d..][..d], &atoms[j * d..][..d]);
            let cosine: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
            let negative = -product / rows as f64 * f64::from(cosine);
            against += negative.max(0.0).powi(2);
        }
    }
    Interaction {
        connectivity: 1.0 - pairs as f64 / (k * k) as f64,
        negative_interference: against.sqrt(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_fire_together_against_each_other_count() {
        // Concepts 0 and 1 fire together and are opposite; 0 and 2 fire together and agree; 1 and 2 never do.
        let together = [4.0, 2.0, 6.0, 2.0, 1.0, 0.0, 6.0, 0.0, 9.0];
        let atoms = [1.0, 0.0, -1.0, 0.0, 0.6, 0.8];
        let found = of_pairs(&together, &atoms, 3, 2, 2);
        assert!((found.connectivity - 2.0 / 9.0).abs() < 1e-12);
        assert!((found.negative_interference - 2.0_f64.sqrt()).abs() < 1e-6);
    }
}
