//! The model that is measured, with the reference's initial values.

use super::{cost::Fill, data::Rows, size::Size};
use crate::failure::Outcome;
use archetypal::{
    Device,
    sae::{RaJumpSae, RaTopKSae, Sae},
    train::{DataFacts, TrainSettings, Trainer},
};

/// Which model is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// The k largest codes of a row
    #[default]
    #[value(name = "ra-topk")]
    #[serde(rename = "ra-topk")]
    RaTopK,
    /// Codes above a threshold: see --l0
    RaJump,
}

/// A fresh model over the points of `rows`. The thresholds of jump are all alike and let a share of `l0` of the first
/// batch's codes through.
pub async fn build(
    device: &Device,
    model: Model,
    size: Size,
    rows: &Rows,
    l0: f64,
) -> Outcome<Sae> {
    let Size { d, concepts, k, .. } = size;
    if model == Model::RaTopK {
        return Ok(RaTopKSae::builder(d, concepts, &rows.points)
            .top_k(k)
            .build(device)?
            .into_inner());
    }
    let sae = RaJumpSae::builder(d, concepts, &rows.points).build(device)?.into_inner();
    let mut pre_codes = sae.encode(rows.first(size.batch))?.pre_codes.read().await?;
    let above = (l0 * pre_codes.len() as f64).round() as usize;
    let last = above.clamp(1, pre_codes.len()) - 1;
    let (_, threshold, _) = pre_codes.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
    let logarithm = threshold.max(1e-6).ln();
    let mut state = sae.state().await?;
    let thresholds = state.values_mut("thresholds").expect("a jump model has thresholds");
    thresholds.fill(logarithm);
    Ok(Sae::new(device, sae.settings().clone(), &state)?)
}

/// A run of the reference's step: Adam with a learning rate of 5e-4, all gradients clipped to a norm of 1, MSE.
pub fn trainer(sae: Sae, size: Size) -> Outcome<Trainer> {
    let settings = TrainSettings { epochs: 1, batch_size: size.batch, ..TrainSettings::default() };
    // More rows than any run reaches, so that no epoch ends while the clock runs.
    let data = DataFacts { rows: size.batch << 24, row_variance: size.d as f64 };
    Ok(Trainer::new(sae, settings, data)?)
}

/// How full the codes of the first batch are.
pub async fn fill(sae: &Sae, size: Size, rows: &Rows) -> Outcome<Fill> {
    let codes = sae.codes(rows.first(size.batch)).await?;
    let mut times = vec![0_usize; size.concepts];
    for row in 0..size.batch {
        codes.row(row).for_each(|(concept, _)| times[concept as usize] += 1);
    }
    Ok(Fill {
        entries: times.iter().sum(),
        fired: times.iter().filter(|&&times| times > 0).count(),
        busiest: times.into_iter().max().unwrap_or(0),
    })
}
