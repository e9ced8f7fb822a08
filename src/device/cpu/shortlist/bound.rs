//! How far a score may be from the product in float32.

use super::narrow::Norms;

/// Of the scores of a block of atoms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bound {
    atoms: Norms,
    /// Sums of d products lose at most so large a share of ‖x‖ ‖e‖ in both products together, and a few roundings more.
    share: f32,
    /// What roundings beside the bias lose, and products that vanish.
    fixed: f32,
}

impl Bound {
    pub(super) fn new(d: usize, atoms: Norms, bias: Option<&[f32]>) -> Self {
        let largest = bias.into_iter().flatten().fold(0.0, |most: f32, bias| match bias.is_nan() {
            true => f32::INFINITY,
            false => most.max(bias.abs()),
        });
        Self {
            atoms,
            share: (d + 8) as f32 * f32::EPSILON,
            fixed: 8.0 * f32::EPSILON * largest + 4.0 * d as f32 * f32::MIN_POSITIVE,
        }
    }

    /// For a row with these norms; not finite if nothing can be said. Of zeros the products are the bias, exactly.
    pub(super) fn of(&self, row: Norms) -> f32 {
        if row.is_none() {
            return 0.0;
        }
        let atom = self.atoms.narrowed + self.atoms.lost;
        let narrowing = row.lost * atom + row.narrowed * self.atoms.lost;
        let rounding = self.share * (row.narrowed + row.lost) * atom;
        (narrowing + rounding + self.fixed) * (1.0 + 1e-5)
    }
}
