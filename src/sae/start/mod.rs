//! Initial values that learn from the data: an encoder that already finds the atoms.

mod filters;
mod mixtures;

use super::{
    DictionaryKind, EncoderKind, SaeSettings, StateDict,
    dictionary::{WEIGHTS, names},
    encoder::{self, UNTIED_WEIGHT},
};
use crate::{
    device::Device,
    error::{Error, Result},
    progress::part,
};
use serde::{Deserialize, Serialize};

/// A sample takes no more values than this (256 MiB), unless that were fewer than 4096 rows.
const MOST_VALUES: usize = 1 << 26;

/// The initial values of encoder and mixing weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// The reference's: a random encoder, W = eye(K, N), whose rows past N are zero.
    #[default]
    Reference,
    /// A linear encoder whose rows are matched filters of the atoms; where there are more concepts than points, W of
    /// blends that are near centres of the data, and R of what they lack.
    Matched,
}

/// What a matched start looks at.
#[derive(Clone, Copy, Debug)]
pub struct Samples<'a> {
    /// Rows of the normalised data, [n, d]: [`Start::sample_rows`] of them are enough.
    pub rows: &'a [f32],
    /// What atoms should be near where there are more concepts than points: centres of k-means, [K, d] or fewer,
    /// which are then used several times.
    pub targets: &'a [f32],
}

impl Start {
    /// Rows of the data that [`Start::apply`] wants to see, for data of this width: enough for a covariance.
    pub fn sample_rows(self, width: usize) -> usize {
        match self {
            Self::Reference => 0,
            Self::Matched => (16 * width).min(MOST_VALUES / width.max(1)).clamp(4096, 65_536),
        }
    }

    /// Whether [`Start::apply`] needs [`Samples::targets`].
    pub fn needs_targets(self, settings: &SaeSettings) -> bool {
        let fewer = settings.nb_points().is_some_and(|points| points < settings.nb_concepts);
        self == Self::Matched && fewer
    }

    /// Puts the initial values in place of the reference's in `state`, which [`StateDict::initial`] made.
    ///
    /// A matched start of a linear or untied encoder:
    /// - with more concepts than points, row i of W is the blend of points that is nearest to target i, and row i of R what
    ///   that blend lacks of the target, at most δ of it; else both are the reference's, atom i being point i. Call that
    ///   target, atom, or row of a free dictionary, T_i;
    /// - row i of the encoder is (Σ + λI)⁻¹ T_i, with Σ the second moments of the rows (their covariance, for data that are
    ///   centred) and λ a tenth of its mean eigenvalue: the filter that best tells T_i from whatever else varies in the
    ///   data (matched filter, Fisher's discriminant). The bias is 0;
    /// - these rows are scaled to one length, so that the mean code with which T_i answers to itself is 1. As several concepts
    ///   answer to a row of the data, the first reconstructions are too large; the first steps then shorten the
    ///   encoder where concepts overlap, instead of lengthening the few that win, and next to no concept dies.
    ///
    /// Encoders of other kinds, and thresholds, start as they do. `on_progress` gets how much is done, of how much.
    ///
    /// # Errors
    /// [`Error::Shape`] if the samples are not whole rows of the data, or missing; [`Error::TooLarge`], [`Error::Device`].
    pub async fn apply(
        self,
        device: &Device,
        settings: &SaeSettings,
        samples: Samples<'_>,
        state: &mut StateDict,
        on_progress: &mut dyn FnMut(usize, usize),
    ) -> Result<()> {
        if self == Self::Reference {
            return Ok(());
        }
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        check("the rows to start from", samples.rows, d)?;
        let targets = match settings.dictionary {
            DictionaryKind::Archetypal { nb_points: n, .. } if n >= k => {
                state.values(names::POINTS, &[n, d])?[..k * d].to_vec()
            }
            DictionaryKind::Archetypal { nb_points: n, delta } => {
                check("the targets of the atoms", samples.targets, d)?;
                let targets: Vec<f32> =
                    samples.targets.iter().copied().cycle().take(k * d).collect();
                let points = state.values(names::POINTS, &[n, d])?;
                let mut tell = part(on_progress, 0, 600);
                let mixing = mixtures::fit(device, &targets, points, d, &mut tell).await?;
                let relax = mixtures::lacking(&targets, &mixing, points, d, delta);
                state.insert(names::RELAX, &[k, d], relax);
                state.insert(names::MIXING, &[k, n], mixing);
                targets
            }
            DictionaryKind::Free { .. } => state.values(WEIGHTS, &[k, d])?.to_vec(),
        };
        let weight = match settings.encoder {
            EncoderKind::Linear => encoder::WEIGHT,
            EncoderKind::Untied => UNTIED_WEIGHT,
            _ => return Ok(()),
        };
        let mut tell = part(on_progress, if self.needs_targets(settings) { 600 } else { 0 }, 1000);
        let mut filters = filters::matched(device, &targets, samples.rows, d, &mut tell).await?;
        scale_to_one(&mut filters, &targets, k);
        state.insert(weight, &[k, d], filters);
        if settings.encoder == EncoderKind::Linear {
            state.insert(encoder::BIAS, &[k], vec![0.0; k]);
        }
        Ok(())
    }
}

/// Scales all filters by the same factor, so that the mean product with their targets is 1.
fn scale_to_one(filters: &mut [f32], targets: &[f32], k: usize) {
    let products = filters.iter().zip(targets).map(|(&a, &b)| f64::from(a) * f64::from(b));
    let mean = products.sum::<f64>() / k as f64;
    if mean > 0.0 {
        let scale = (1.0 / mean) as f32;
        filters.iter_mut().for_each(|value| *value *= scale);
    }
}

fn check(what: &'static str, rows: &[f32], d: usize) -> Result<()> {
    if rows.is_empty() || !rows.len().is_multiple_of(d) {
        let hint = "A matched start looks at rows of the normalised data.";
        return Err(Error::shape(what, &[rows.len()], &[1, d], hint));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
