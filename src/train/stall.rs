//! Whether the number of active codes of a jump run still moves.

use crate::sae::{SaeSettings, Selection, Thresholds};
use serde::{Deserialize, Serialize};

/// Steps over which L0 has to move …
const STEPS: u64 = 500;
/// … by more than this share of itself …
const MOVES: f64 = 0.01;
/// … unless it is this near to its target …
const NEAR: f64 = 0.2;
/// … or, without one, below this share of the concepts.
const SPARSE: f64 = 0.1;

/// L0 of an epoch, and since when the epochs' L0 has been like it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stall {
    /// Mean active codes a row in the epoch.
    l0: f64,
    /// Steps done at its end.
    since: u64,
    /// Whether the user was told.
    told: bool,
}

impl Stall {
    /// Looks at the mean `l0` of an epoch that ended after `step` steps. What to tell the user, once, if it stands
    /// still where it should not.
    pub(crate) fn look(
        &mut self,
        model: &SaeSettings,
        target: Option<f32>,
        l0: f64,
        step: u64,
    ) -> Option<String> {
        let Selection::Jump { thresholds, bandwidth, .. } = model.selection else { return None };
        if self.since == 0 || (l0 - self.l0).abs() > MOVES * self.l0 {
            *self = Self { l0, since: step, told: false };
            return None;
        }
        let is_far = match target.map(f64::from) {
            Some(target) => (l0 / target - 1.0).abs() > NEAR,
            None => l0 > SPARSE * model.nb_concepts as f64,
        };
        let steps = step - self.since;
        if steps < STEPS || !is_far || self.told {
            return None;
        }
        self.told = true;
        let goal =
            target.map(|target| format!(", far from its target of {target}")).unwrap_or_default();
        let advice = match (thresholds, target) {
            (Thresholds::Reference, _) => "or --thresholds direct with --target-l0 N",
            (Thresholds::Direct, None) => "or a --target-l0 N to pull it to",
            (Thresholds::Direct, Some(_)) => "or a larger weight in --loss mse,l0=WEIGHT:N",
        };
        Some(format!(
            "L0 has stayed at {l0:.1} of {} concepts for {steps} steps{goal}: the thresholds hardly learn. Few \
             pre-codes lie within the bandwidth of {bandwidth} around them; try a wider --bandwidth, {advice}.",
            model.nb_concepts,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sae::{ModelKind, ModelSettings};

    fn model(kind: ModelKind) -> SaeSettings {
        let settings =
            ModelSettings { model: Some(kind), concepts: Some(1000), ..Default::default() };
        settings.resolve(100, 500).unwrap()
    }

    /// What is told at the ends of epochs of 100 steps.
    fn told(kind: ModelKind, target: Option<f32>, l0: impl Fn(u64) -> f64) -> Vec<u64> {
        let (mut stall, model) = (Stall::default(), model(kind));
        let tells = |epoch: &u64| stall.look(&model, target, l0(*epoch), 100 * epoch).is_some();
        (1..=20).filter(tells).collect()
    }

    #[test]
    fn tells_once_of_an_l0_that_stands_still() {
        assert_eq!(told(ModelKind::RaJump, None, |_| 500.0), [6]);
        assert_eq!(told(ModelKind::RaJump, Some(32.0), |_| 60.0), [6]);
        // It moved in the tenth epoch, and stood still again.
        let moves = |epoch| if epoch < 10 { 500.0 } else { 400.0 };
        assert_eq!(told(ModelKind::RaJump, None, moves), [6, 15]);
    }

    #[test]
    fn is_quiet_where_nothing_is_wrong() {
        assert!(told(ModelKind::RaJump, None, |_| 50.0).is_empty());
        assert!(told(ModelKind::RaJump, Some(32.0), |_| 35.0).is_empty());
        assert!(told(ModelKind::RaJump, None, |epoch| 900.0 - 20.0 * epoch as f64).is_empty());
        assert!(told(ModelKind::RaTopK, None, |_| 500.0).is_empty());
    }
}
