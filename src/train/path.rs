//! Which way a step computes: decided here and nowhere else, from the shapes and from how full the codes are.

use super::Needs;
use crate::sae::{Encoder, SaeSettings, Selection};
use serde::{Deserialize, Serialize};

/// The ways to compute x̂ and the gradients; all give the same numbers up to rounding (ARCHITECTURE.md, "The three
/// paths of a step").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Sparse codes, x̂ = eᵐ((Z W) C + Z R): the dictionary is never built. Wins while the batch is smaller than the
    /// dictionary.
    Factored,
    /// Sparse codes over the built atoms W C + R, ∂W = ∂R Cᵀ. Wins once the batch outgrows the dictionary.
    Atoms,
    /// Dense codes and dense products: jump while many codes are active, and whatever sparse codes cannot serve.
    Dense,
}

/// How much dearer a flop of a gathered row is than one of a dense product.
const GATHER_COST: f64 = 12.0;
/// Jump goes sparse below this share of active codes …
const SPARSE_BELOW: f64 = 0.04;
/// … and dense again above this one.
const DENSE_ABOVE: f64 = 0.08;
/// By how much the other sparse path must be cheaper for jump to change over.
const MARGIN: f64 = 0.2;

/// Whether sparse codes can serve an encoder and a loss: the encoder must tell the gradient of its rows from the
/// entries alone, and the loss must not look at what is only there densely.
pub(crate) fn sparse_serves(encoder: &dyn Encoder, needs: Needs) -> bool {
    encoder.takes_sparse() && !encoder.uses_dictionary() && !needs.dense()
}

impl Path {
    /// The path of a fresh run: jump's codes start out half full. `sparse` says whether sparse codes can serve its
    /// encoder and its loss.
    pub fn at_start(settings: &SaeSettings, batch: usize, sparse: bool) -> Self {
        match settings.selection {
            Selection::TopK { k } if sparse => Self::of_sparse(settings, batch, k as f64),
            _ => Self::Dense,
        }
    }

    /// The path to go on with, given the mean number of codes a row over the last steps. Only jump ever changes.
    pub fn after(
        self,
        settings: &SaeSettings,
        batch: usize,
        codes_per_row: f64,
        sparse: bool,
    ) -> Self {
        if !matches!(settings.selection, Selection::Jump { .. }) {
            return self;
        }
        let share = codes_per_row / settings.nb_concepts as f64;
        match self {
            Self::Dense if share < SPARSE_BELOW && Self::Atoms.suits(settings, sparse) => {
                Self::of_sparse(settings, batch, codes_per_row)
            }
            Self::Dense => Self::Dense,
            Self::Factored | Self::Atoms if share > DENSE_ABOVE => Self::Dense,
            Self::Factored | Self::Atoms => {
                let cost = Self::factored_beside_atoms(settings, batch, codes_per_row);
                let undecided = (1.0 - MARGIN..1.0 + MARGIN).contains(&cost);
                if undecided { self } else { Self::of_sparse(settings, batch, codes_per_row) }
            }
        }
    }

    /// Whether a model can be computed this way: batch top-k has no sparse codes, a kernel whose tail never ends
    /// (cauchy) makes every pre-code count, and a free dictionary is not made of points.
    pub fn suits(self, settings: &SaeSettings, sparse: bool) -> bool {
        let ends = match settings.selection {
            Selection::TopK { .. } => true,
            Selection::Jump { kernel, bandwidth, .. } => kernel.reach(bandwidth).is_finite(),
            Selection::BatchTopK { .. } => false,
        };
        match self {
            Self::Dense => true,
            Self::Atoms => sparse && ends,
            Self::Factored => sparse && ends && settings.nb_points().is_some(),
        }
    }

    /// The cheaper of the sparse paths.
    fn of_sparse(settings: &SaeSettings, batch: usize, codes_per_row: f64) -> Self {
        match settings.nb_points() {
            Some(_) if Self::factored_beside_atoms(settings, batch, codes_per_row) < 1.0 => {
                Self::Factored
            }
            _ => Self::Atoms,
        }
    }

    /// The cost of the factored path over that of the atoms: 4BNd in products and about 6BkN in gathered rows against
    /// 4KNd in products.
    fn factored_beside_atoms(settings: &SaeSettings, batch: usize, codes_per_row: f64) -> f64 {
        let d = settings.input_shape as f64;
        let factored = batch as f64 * (d + 1.5 * GATHER_COST * codes_per_row);
        factored / (settings.nb_concepts as f64 * d)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{DictionaryKind, EncoderKind, Kernel, Thresholds};

    fn settings(d: usize, k: usize, n: usize, selection: Selection) -> SaeSettings {
        SaeSettings {
            input_shape: d,
            nb_concepts: k,
            selection,
            dictionary: DictionaryKind::Archetypal { nb_points: n, delta: 1.0 },
            use_multiplier: true,
            encoder: EncoderKind::Linear,
            encoder_bias: false,
        }
    }

    #[test]
    fn top_k_is_factored_while_the_batch_is_small() {
        let large = settings(768, 10_000, 2_000, Selection::TopK { k: 20 });
        assert_eq!(Path::at_start(&large, 1024, true), Path::Factored);
        let small = settings(320, 1024, 512, Selection::TopK { k: 16 });
        assert_eq!(Path::at_start(&small, 1024, true), Path::Atoms);
        assert_eq!(Path::Factored.after(&large, 1024, 20.0, true), Path::Factored);
    }

    #[test]
    fn jump_goes_sparse_and_back_but_never_with_a_tail_that_does_not_end() {
        let thresholds = Thresholds::Reference;
        let jump = |kernel| {
            let selection = Selection::Jump { kernel, bandwidth: 1e-3, thresholds };
            settings(768, 10_000, 2_000, selection)
        };
        let silverman = jump(Kernel::Silverman);
        assert_eq!(Path::at_start(&silverman, 1024, true), Path::Dense);
        assert_eq!(Path::Dense.after(&silverman, 1024, 5000.0, true), Path::Dense);
        assert_eq!(Path::Dense.after(&silverman, 1024, 30.0, true), Path::Factored);
        // The sparse paths give way to each other, but not for little.
        assert_eq!(Path::Factored.after(&silverman, 1024, 500.0, true), Path::Atoms);
        assert_eq!(Path::Factored.after(&silverman, 1024, 400.0, true), Path::Factored);
        assert_eq!(Path::Atoms.after(&silverman, 1024, 350.0, true), Path::Atoms);
        assert_eq!(Path::Atoms.after(&silverman, 1024, 250.0, true), Path::Factored);
        assert_eq!(Path::Factored.after(&silverman, 1024, 900.0, true), Path::Dense);
        assert_eq!(Path::Dense.after(&jump(Kernel::Cauchy), 1024, 30.0, true), Path::Dense);
    }
}
