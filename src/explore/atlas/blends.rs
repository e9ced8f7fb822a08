//! What the atoms are blends of.

use crate::{
    device::Tensor,
    error::Result,
    explore::atoms::{PointWeight, largest, rows_of},
    sae::{Dictionary, DictionaryKind, Sae},
};

/// Atoms whose weights are read at once.
const BLOCK: usize = 128;
/// Points kept of each atom.
pub(super) const HEAVIEST: usize = 12;

/// Figures of W and R of an archetypal dictionary.
pub(super) struct Blends {
    /// Entropy of the weights of each atom over their sum, in nats; NaN if all are 0. [K]
    pub entropy: Vec<f32>,
    /// ‖R_i‖/δ; NaN for δ = 0. [K]
    pub relaxation: Vec<f32>,
    /// (point, weight) of the largest weights of each atom. [K]
    pub heaviest: Vec<Vec<(u32, f32)>>,
    /// Σ_i W_ij. [N]
    pub point_weight: Vec<f64>,
}

impl Blends {
    /// Those of `sae`; none for a free dictionary.
    pub async fn of(sae: &Sae) -> Result<Option<Self>> {
        let (Dictionary::Archetypal(parts), DictionaryKind::Archetypal { nb_points, delta }) =
            (&sae.dictionary, sae.settings().dictionary)
        else {
            return Ok(None);
        };
        let mut blends = Self {
            entropy: Vec::new(),
            relaxation: Vec::new(),
            heaviest: Vec::new(),
            point_weight: vec![0.0; nb_points],
        };
        let concepts: Vec<usize> = (0..sae.settings().nb_concepts).collect();
        for block in concepts.chunks(BLOCK) {
            blends.add(&parts.mixing.value, &parts.relax.value, delta, block).await?;
        }
        Ok(Some(blends))
    }

    async fn add(&mut self, w: &Tensor, r: &Tensor, delta: f32, block: &[usize]) -> Result<()> {
        for weights in rows_of("concept", w, block).await?.chunks_exact(w.cols()) {
            self.entropy.push(entropy(weights) as f32);
            let heaviest = largest(weights, HEAVIEST).into_iter();
            let pair = |PointWeight { point, weight }| (point as u32, weight);
            self.heaviest.push(heaviest.map(pair).collect());
            let sums = self.point_weight.iter_mut().zip(weights);
            sums.for_each(|(sum, &weight)| *sum += f64::from(weight));
        }
        for relax in rows_of("concept", r, block).await?.chunks_exact(r.cols()) {
            let norm = relax.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
            // Without a radius there is no ratio.
            let ratio = if delta > 0.0 { norm / f64::from(delta) } else { f64::NAN };
            self.relaxation.push(ratio as f32);
        }
        Ok(())
    }
}

/// −Σ p ln p in nats with p = w/Σw; NaN where the sum is 0.
fn entropy(weights: &[f32]) -> f64 {
    let positive = || weights.iter().map(|&w| f64::from(w)).filter(|w| *w > 0.0);
    let sum: f64 = positive().sum();
    let p = positive().map(|w| w / sum);
    // From 0, not from the −0 that an empty sum starts with.
    if sum > 0.0 { p.fold(0.0, |total, p| total - p * p.ln()) } else { f64::NAN }
}
