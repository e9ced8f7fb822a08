//! How well one score tells the examples of a class from all others.

use super::classes::{Half, NONE};

/// Areas under the curve of a score, for all classes from one sort.
#[derive(Debug, Default)]
pub(super) struct Ranking {
    /// (score, class) of the examples whose score is not zero.
    scores: Vec<(f32, u32)>,
    /// Twice the sum of the ranks of each class.
    ranks: Vec<u64>,
    /// Examples of each class whose score is not zero.
    scored: Vec<u64>,
}

impl Ranking {
    /// For each of the first `aucs.len()` classes the probability that an example of it has a larger score than one of another
    /// class, both drawn from `half`; equal scores count half. `scores` are (example, score) in any order; examples
    /// that are not among them have score 0. ½ for a class that has no example here, or all of them.
    ///
    /// Exact: with r the ranks from 1, equal scores sharing their mean, it is (Σ r − n (n + 1)/2) / (n · others) over the n
    /// examples of the class (Mann and Whitney 1947), in whole numbers up to the division.
    pub fn aucs(
        &mut self,
        half: &Half,
        scores: impl Iterator<Item = (u32, f32)>,
        aucs: &mut [f64],
    ) {
        let scores = scores.filter(|&(_, score)| score != 0.0);
        self.scores.clear();
        self.scores.extend(
            scores
                .map(|(example, score)| (score, half.of_example[example as usize]))
                .filter(|&(_, class)| class != NONE),
        );
        self.scores.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        self.sum_ranks(half);
        for (class, auc) in aucs.iter_mut().enumerate() {
            let members = half.counts[class];
            let others = half.total - members;
            *auc = match members * others {
                0 => 0.5,
                pairs => (self.ranks[class] - members * (members + 1)) as f64 / (2 * pairs) as f64,
            };
        }
    }

    fn sum_ranks(&mut self, half: &Half) {
        let Self { scores, ranks, scored } = self;
        for counts in [&mut *ranks, &mut *scored] {
            counts.clear();
            counts.resize(half.counts.len(), 0);
        }
        let zeros = half.total - scores.len() as u64;
        let below = scores.partition_point(|&(score, _)| score < 0.0) as u64;
        let mut before = 0;
        for equal in scores.chunk_by(|a, b| a.0 == b.0) {
            if before == below {
                before += zeros;
            }
            let rank = 2 * before + equal.len() as u64 + 1;
            for &(_, class) in equal {
                ranks[class as usize] += rank;
                scored[class as usize] += 1;
            }
            before += equal.len() as u64;
        }
        for ((rank, scored), members) in ranks.iter_mut().zip(scored).zip(&half.counts) {
            *rank += (members - *scored) * (2 * below + zeros + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(classes: &[u32], scores: &[f32], class: u32) -> f64 {
        let (mut won, mut pairs) = (0.0, 0.0);
        for (a, x) in classes.iter().zip(scores).filter(|(a, _)| **a == class) {
            for (b, y) in classes.iter().zip(scores).filter(|(b, _)| **b != NONE && *b != a) {
                assert_ne!(a, b);
                won += if x > y { 1.0 } else { f64::from(u8::from(x == y)) / 2.0 };
                pairs += 1.0;
            }
        }
        won / pairs
    }

    #[test]
    fn as_all_pairs_have_it() {
        let mut ranking = Ranking::default();
        for round in 0..40 {
            let value = |i: usize| (i * 7919 + round * 104_729 + 31 * i * i) % 1009;
            let class = |i| if value(i) % 11 == 0 { NONE } else { (value(i) / 3 % 3) as u32 };
            let classes: Vec<u32> = (0..60).map(class).collect();
            // Many ties; signs in some rounds, all zeros in one.
            let least = if round % 2 == 0 { 0 } else { 3 };
            let score = |i| (value(i) / 50 % 8) as f32 - least as f32;
            let scores: Vec<f32> =
                (0..60).map(|i| if round == 5 { 0.0 } else { score(i) }).collect();
            let half = Half::of(&classes);
            let mut got = vec![0.0; half.counts.len()];
            let pairs = (0..).zip(scores.iter().copied()).filter(|pair| pair.1 != 0.0);
            ranking.aucs(&half, pairs, &mut got);
            for (class, got) in (0..).zip(got) {
                assert!((got - plain(&classes, &scores, class)).abs() < 1e-12, "{round} {class}");
            }
        }
    }

    #[test]
    fn perfect_reversed_and_none() {
        let half = Half::of(&[0, 0, 1, 1, NONE]);
        let mut ranking = Ranking::default();
        let mut of = |scores: [f32; 5]| {
            let mut aucs = [0.0; 2];
            ranking.aucs(&half, (0..).zip(scores), &mut aucs);
            aucs
        };
        assert_eq!(of([2.0, 1.0, 0.0, 0.0, 9.0]), [1.0, 0.0]);
        assert_eq!(of([-2.0, -1.0, 0.0, 0.5, 9.0]), [0.0, 1.0]);
        assert_eq!(of([0.0; 5]), [0.5, 0.5]);
    }
}
