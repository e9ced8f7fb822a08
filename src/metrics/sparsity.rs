//! How many codes are active, and how the work is spread over the concepts.

use crate::{
    device::{ByAtom, Device, Tensor, log},
    error::Result,
    sae::Activations,
};

/// The quantiles of the densities that are reported.
const QUANTILES: [f64; 7] = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0];

/// Counts on the device over the rows seen so far.
#[derive(Debug)]
pub(super) struct Sparsity {
    /// Rows in which each concept fired, [K, 1].
    fired: Tensor<u32>,
    /// The transposed index of sparse codes.
    by_atom: Option<ByAtom>,
    /// Figures of single batches, not used here.
    log: Tensor,
}

/// What they come to.
#[derive(Debug, PartialEq)]
pub(super) struct SparsityFigures {
    pub l0: f64,
    pub dead_share: f64,
    pub density_quantiles: Vec<[f64; 2]>,
}

impl Sparsity {
    /// For codes like these, of batches that are no larger.
    pub fn new(device: &Device, codes: &Activations) -> Result<Self> {
        let (concepts, by_atom) = match codes {
            Activations::Sparse(codes) => {
                let (rows, width, concepts) = (codes.rows(), codes.width(), codes.concepts());
                (concepts, Some(ByAtom::new(device, rows, width, concepts)?))
            }
            Activations::Dense(z) => (z.cols(), None),
        };
        let fired = Tensor::zeros(device, concepts, 1)?;
        Ok(Self { fired, by_atom, log: Tensor::zeros(device, 1, log::WIDTH)? })
    }

    /// Counts the active codes of the next batch.
    pub fn add(&mut self, device: &Device, codes: &Activations) {
        let Self { fired, by_atom, log } = self;
        match (codes, by_atom) {
            (Activations::Sparse(codes), Some(by_atom)) => {
                device.by_atom(codes, by_atom);
                device.count_active(codes, by_atom, fired, log, 0);
            }
            (Activations::Dense(z), _) => device.count_active_dense(z, fired, log, 0),
            (Activations::Sparse(_), None) => unreachable!("made for dense codes"),
        }
    }

    /// The figures over `rows` rows.
    pub async fn finish(self, rows: usize) -> Result<SparsityFigures> {
        Ok(figures(&self.fired.read().await?, rows))
    }
}

fn figures(fired: &[u32], rows: usize) -> SparsityFigures {
    let concepts = fired.len() as f64;
    let mut sorted = fired.to_vec();
    sorted.sort_unstable();
    let dead = sorted.partition_point(|&rows| rows == 0);
    SparsityFigures {
        l0: fired.iter().map(|&rows| u64::from(rows)).sum::<u64>() as f64 / rows as f64,
        dead_share: dead as f64 / concepts,
        density_quantiles: QUANTILES.map(|q| [q, quantile(&sorted, q) / rows as f64]).to_vec(),
    }
}

/// The quantile `q` of ascending values, interpolated linearly between the two nearest.
fn quantile(sorted: &[u32], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    f64::from(below) + place.fract() * (f64::from(above) - f64::from(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_and_quantiles() {
        let SparsityFigures { l0, dead_share, density_quantiles } = figures(&[0, 4, 1, 0, 2], 4);
        assert_eq!((l0, dead_share), (7.0 / 4.0, 0.4));
        // Sorted shares: 0, 0, 0.25, 0.5, 1.
        let expected = [0.0, 0.0, 0.0, 0.25, 0.5, 0.8, 1.0];
        for ([q, got], (place, want)) in
            density_quantiles.iter().zip(QUANTILES.iter().zip(expected))
        {
            assert_eq!(q, place);
            assert!((got - want).abs() < 1e-12, "{density_quantiles:?}");
        }
    }

    #[test]
    fn one_concept() {
        let figures = figures(&[3], 3);
        assert_eq!((figures.l0, figures.dead_share), (1.0, 0.0));
        assert!(figures.density_quantiles.iter().all(|pair| pair[1] == 1.0));
    }
}
