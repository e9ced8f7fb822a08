//! The best of many candidates for each class.

use super::{
    auc::Ranking,
    classes::{Classes, Half},
};
use crate::parallel::*;

/// A candidate and what it reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Best {
    pub value: f64,
    pub candidate: usize,
}

/// Below every cosine and every area.
const NOTHING: Best = Best { value: -2.0, candidate: usize::MAX };

impl Best {
    /// Nothing yet, for each of `classes` classes.
    pub fn none(classes: usize) -> Vec<Self> {
        vec![NOTHING; classes]
    }

    /// The larger one; of equals the candidate that comes first.
    fn or(self, other: Self) -> Self {
        match self.value.total_cmp(&other.value).then(other.candidate.cmp(&self.candidate)) {
            std::cmp::Ordering::Less => other,
            _ => self,
        }
    }
}

/// The better one of each class.
pub(super) fn better(mut some: Vec<Best>, others: Vec<Best>) -> Vec<Best> {
    some.iter_mut().zip(others).for_each(|(best, other)| *best = best.or(other));
    some
}

/// For each class the candidate whose direction is nearest to the class's own, by cosine: `classes` and `candidates` are
/// rows of `width`, `classes` of length 1 (or 0).
pub(super) fn nearest(classes: &[f64], candidates: &[f32], width: usize) -> Vec<Best> {
    let count = classes.len() / width;
    let cosines = |(index, candidate): (usize, &[f32])| -> Vec<Best> {
        let norm = candidate.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let dot = |class: &[f64]| -> f64 {
            class.iter().zip(candidate).map(|(a, &b)| a * f64::from(b)).sum()
        };
        let cosine = |class| if norm > 0.0 { dot(class) / norm } else { 0.0 };
        let best = |class| Best { value: cosine(class), candidate: index };
        classes.chunks_exact(width).map(best).collect()
    };
    let found = candidates.par_chunks(width).enumerate().map(cosines);
    fold_and_add(found, || Best::none(count), better, better)
}

/// The scores of some candidates for all examples.
pub(super) trait Scores: Sync {
    /// (example, score) of a candidate; examples that are not among them have score 0.
    fn of(&self, candidate: usize) -> impl Iterator<Item = (u32, f32)>;
}

/// For each class the best of `candidates` by its area under the curve on the half for choosing.
pub(super) fn chosen(
    classes: &Classes,
    scores: &impl Scores,
    candidates: std::ops::Range<usize>,
) -> Vec<Best> {
    let judged = classes.judged().len();
    let aucs = |ranking: &mut Ranking, candidate: usize| -> Vec<Best> {
        let mut aucs = vec![0.0; judged];
        ranking.aucs(&classes.choosing, scores.of(candidate), &mut aucs);
        aucs.into_iter().map(|value| Best { value, candidate }).collect()
    };
    let found = candidates.into_par_iter().map_init(Ranking::default, aucs);
    fold_and_add(found, || Best::none(judged), better, better)
}

/// The area of a candidate for one class on `half`.
pub(super) fn auc(half: &Half, scores: &impl Scores, candidate: usize, class: usize) -> f64 {
    let mut aucs = vec![0.0; class + 1];
    Ranking::default().aucs(half, scores.of(candidate), &mut aucs);
    aucs[class]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_equals() {
        let best = |value, candidate| Best { value, candidate };
        assert_eq!(best(0.5, 3).or(best(0.5, 2)), best(0.5, 2));
        assert_eq!(best(0.5, 2).or(best(0.5, 3)), best(0.5, 2));
        assert_eq!(NOTHING.or(best(-1.0, 9)), best(-1.0, 9));
    }

    #[test]
    fn nearest_directions() {
        let classes = [1.0, 0.0, 0.0, -1.0];
        let found = nearest(&classes, &[0.0, 0.0, 3.0, 4.0, -1.0, 0.0, 6.0, 8.0], 2);
        assert_eq!((found[0].candidate, found[1].candidate), (1, 0));
        assert!((found[0].value - 0.6).abs() < 1e-12 && found[1].value == 0.0);
    }
}
