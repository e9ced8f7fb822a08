//! What is measured of the models of one arm.

use super::arms::{Arm, Kind, Points};
use crate::{eval, failure::Outcome, progress::Task};
use archetypal::{
    Device,
    data::Source,
    metrics::{agreement, centred, evaluate, interaction, spectrum},
    sae::Sae,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Cosines of matched atoms are counted in so many bins from 0 to 1.
pub const BINS: usize = 25;

/// A line of the report. Figures of models are means over the seeds, those of pairs means over the pairs of seeds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub kind: Kind,
    pub points: Points,
    /// Mean cosine of matched atoms after training.
    pub stability: f64,
    /// The same before training.
    pub stability_at_start: f64,
    /// The smallest and the largest `stability` of a pair.
    pub stability_range: [f64; 2],
    /// Whether the matching is the best there is (up to 4 096 atoms); else greedy among the 32 nearest.
    pub exact: bool,
    /// Share of matched atoms with a cosine of at least 0.9.
    pub share_above_0_9: f64,
    /// Matched atoms by cosine, 25 bins from 0 (with all below) to 1.
    pub histogram: Vec<usize>,
    pub r2: Option<f64>,
    pub dead_share: f64,
    pub ood: f64,
    pub l0: f64,
    pub coherence: f64,
    /// ‖D‖²_F / σ₁².
    pub stable_rank: f64,
    /// exp of the entropy of the singular values' shares.
    pub effective_rank: f64,
    /// Share of the pairs of concepts that never fire in the same row; null beyond 4 096 concepts.
    pub connectivity: Option<f64>,
    /// ‖relu(−(ZᵀZ / rows) ∘ (D Dᵀ))‖_F with atoms of length 1; null beyond 4 096 concepts.
    pub negative_interference: Option<f64>,
    /// As `stability`, the mean atom of each dictionary, at length 1, taken out of its atoms first.
    pub stability_centred: f64,
}

/// Before and after training, one of each seed.
pub struct Trained {
    pub at_start: Vec<Vec<f32>>,
    pub models: Vec<Sae>,
}

/// Steps of measuring so many models: two passes over the data each, and every pair of their dictionaries three times.
pub fn steps(models: usize) -> u64 {
    (2 * models + 3 * models * (models - 1) / 2) as u64
}

/// All figures of an arm. `task`, of so many [`steps`], hears how far it is.
pub async fn measure(
    device: &Device,
    data: &Arc<dyn Source>,
    arm: Arm,
    trained: Trained,
    task: &Task<'_>,
) -> Outcome<Line> {
    let Trained { at_start, mut models } = trained;
    let count = models.len() as f64;
    let (mut stable_rank, mut effective_rank) = (0.0, 0.0);
    let (mut connectivity, mut negative_interference) = (Some(0.0), Some(0.0));
    let add = |sum: Option<f64>, value: Option<f64>| sum.zip(value).map(|(a, b)| a + b / count);
    let (mut r2, mut dead_share, mut ood, mut l0, mut coherence) = (Some(0.0), 0.0, 0.0, 0.0, 0.0);
    let mut dictionaries = Vec::new();
    for (i, sae) in models.iter_mut().enumerate() {
        sae.eval()?;
        let loader = eval::pass_loader(sae, data.clone())?;
        let mut tell = task.within(2 * i as u64);
        let found = evaluate(sae, &loader, &mut |rows| tell(rows, data.rows())).await?;
        r2 = add(r2, found.r2);
        dead_share += found.dead_share / count;
        ood += found.ood / count;
        l0 += found.l0 / count;
        coherence += found.coherence / count;
        let mut tell = task.within(2 * i as u64 + 1);
        let pairs = interaction(sae, &loader, &mut |rows| tell(rows, data.rows())).await?;
        connectivity = add(connectivity, pairs.map(|pairs| pairs.connectivity));
        negative_interference =
            add(negative_interference, pairs.map(|pairs| pairs.negative_interference));
        let atoms = sae.dictionary().await?;
        let ranks = spectrum(&atoms, sae.settings().input_shape)?;
        stable_rank += ranks.stable_rank / count;
        effective_rank += ranks.effective_rank / count;
        dictionaries.push(atoms);
    }
    let width = models[0].settings().input_shape;
    let mut done = 2 * models.len() as u64;
    let mut next = || {
        done += 1;
        task.at(done);
    };
    let before = pairs(device, &at_start, width, &mut next).await?;
    let after = pairs(device, &dictionaries, width, &mut next).await?;
    for atoms in &mut dictionaries {
        *atoms = centred(atoms, width)?;
    }
    let without_mean = pairs(device, &dictionaries, width, &mut next).await?;
    Ok(Line {
        kind: arm.kind,
        points: arm.points,
        stability: after.mean(),
        stability_at_start: before.mean(),
        stability_range: after.range(),
        exact: after.exact,
        share_above_0_9: after.share_above(0.9),
        histogram: after.histogram(),
        r2,
        dead_share,
        ood,
        l0,
        coherence,
        stable_rank,
        effective_rank,
        connectivity,
        negative_interference,
        stability_centred: without_mean.mean(),
    })
}

/// The agreement of every pair.
struct Pairs {
    stability: Vec<f64>,
    exact: bool,
    cosines: Vec<f32>,
}

async fn pairs(
    device: &Device,
    dictionaries: &[Vec<f32>],
    width: usize,
    on_pair: &mut dyn FnMut(),
) -> Outcome<Pairs> {
    let mut pairs = Pairs { stability: Vec::new(), exact: true, cosines: Vec::new() };
    for (i, first) in dictionaries.iter().enumerate() {
        for second in &dictionaries[i + 1..] {
            let found = agreement(device, first, second, width).await?;
            pairs.stability.push(found.stability);
            pairs.exact &= found.exact;
            pairs.cosines.extend(found.matches.iter().map(|pair| pair.cosine));
            on_pair();
        }
    }
    Ok(pairs)
}

impl Pairs {
    fn mean(&self) -> f64 {
        self.stability.iter().sum::<f64>() / self.stability.len() as f64
    }

    fn range(&self) -> [f64; 2] {
        let of = |f: fn(f64, f64) -> f64, start| self.stability.iter().copied().fold(start, f);
        [of(f64::min, f64::INFINITY), of(f64::max, f64::NEG_INFINITY)]
    }

    fn share_above(&self, cosine: f32) -> f64 {
        let above = self.cosines.iter().filter(|&&c| c >= cosine).count();
        above as f64 / self.cosines.len().max(1) as f64
    }

    fn histogram(&self) -> Vec<usize> {
        let mut bins = vec![0; BINS];
        for cosine in &self.cosines {
            bins[((cosine.max(0.0) * BINS as f32) as usize).min(BINS - 1)] += 1;
        }
        bins
    }
}
