//! Which way a step computes: decided here and nowhere else, from the shapes and from how full the codes are.

use crate::sae::{SaeSettings, Selection};
use serde::{Deserialize, Serialize};

/// The ways to compute x̂ and the gradients; all give the same numbers up to rounding (reference.md, "the same step
/// in a tenth of the work").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Sparse codes, x̂ = eᵐ((Z W) C + Z R): the dictionary is never built. Wins while the batch is smaller than the
    /// dictionary.
    Factored,
    /// Sparse codes over the built atoms W C + R, ∂W = ∂R Cᵀ. Wins once the batch outgrows the dictionary.
    Atoms,
    /// Dense codes and dense products: jump while many codes are active.
    Dense,
}

/// How much dearer a flop of a gathered row is than one of a dense product.
const GATHER_COST: f64 = 12.0;
/// Jump goes sparse below this share of active codes …
const SPARSE_BELOW: f64 = 0.04;
/// … and dense again above this one.
const DENSE_ABOVE: f64 = 0.08;

impl Path {
    /// The path of a fresh run: jump's codes start out half full.
    pub fn at_start(settings: &SaeSettings, batch: usize) -> Self {
        match settings.selection {
            Selection::TopK { k } => Self::of_sparse(settings, batch, k as f64),
            Selection::Jump { .. } => Self::Dense,
        }
    }

    /// The path to go on with, given the mean number of codes a row over the last steps. Only jump ever changes.
    pub fn after(self, settings: &SaeSettings, batch: usize, codes_per_row: f64) -> Self {
        if let Selection::TopK { .. } = settings.selection {
            return self;
        }
        let share = codes_per_row / settings.nb_concepts as f64;
        match self {
            Self::Dense if share < SPARSE_BELOW && Self::Atoms.suits(settings) => {
                Self::of_sparse(settings, batch, codes_per_row)
            }
            Self::Factored | Self::Atoms if share > DENSE_ABOVE => Self::Dense,
            same => same,
        }
    }

    /// Whether a model can be computed this way: top-k has no dense codes, and a kernel whose tail never ends
    /// (cauchy) makes every pre-code count.
    pub fn suits(self, settings: &SaeSettings) -> bool {
        match (self, settings.selection) {
            (Self::Dense, Selection::TopK { .. }) => false,
            (Self::Factored | Self::Atoms, Selection::Jump { kernel, bandwidth }) => {
                kernel.reach(bandwidth).is_finite()
            }
            _ => true,
        }
    }

    /// Factored costs 4BNd in products and about 6BkN in gathered rows, building the atoms 4KNd in products.
    fn of_sparse(settings: &SaeSettings, batch: usize, codes_per_row: f64) -> Self {
        let d = settings.input_shape as f64;
        let factored = batch as f64 * (d + 1.5 * GATHER_COST * codes_per_row);
        if factored < settings.nb_concepts as f64 * d { Self::Factored } else { Self::Atoms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{EncoderKind, Kernel};

    fn settings(d: usize, k: usize, n: usize, selection: Selection) -> SaeSettings {
        SaeSettings {
            input_shape: d,
            nb_concepts: k,
            nb_points: n,
            selection,
            delta: 1.0,
            use_multiplier: true,
            encoder: EncoderKind::Linear,
        }
    }

    #[test]
    fn top_k_is_factored_while_the_batch_is_small() {
        let large = settings(768, 10_000, 2_000, Selection::TopK { k: 20 });
        assert_eq!(Path::at_start(&large, 1024), Path::Factored);
        let small = settings(320, 1024, 512, Selection::TopK { k: 16 });
        assert_eq!(Path::at_start(&small, 1024), Path::Atoms);
        assert_eq!(Path::Factored.after(&large, 1024, 20.0), Path::Factored);
    }

    #[test]
    fn jump_goes_sparse_and_back_but_never_with_a_tail_that_does_not_end() {
        let jump =
            |kernel| settings(768, 10_000, 2_000, Selection::Jump { kernel, bandwidth: 1e-3 });
        let silverman = jump(Kernel::Silverman);
        assert_eq!(Path::at_start(&silverman, 1024), Path::Dense);
        assert_eq!(Path::Dense.after(&silverman, 1024, 5000.0), Path::Dense);
        assert_eq!(Path::Dense.after(&silverman, 1024, 30.0), Path::Factored);
        assert_eq!(Path::Factored.after(&silverman, 1024, 500.0), Path::Factored);
        assert_eq!(Path::Factored.after(&silverman, 1024, 900.0), Path::Dense);
        assert_eq!(Path::Dense.after(&jump(Kernel::Cauchy), 1024, 30.0), Path::Dense);
    }
}
