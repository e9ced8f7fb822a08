//! Directions that a dictionary has to be better than.

use super::classes::Classes;
use crate::{
    data::{
        Loader,
        random::{Purpose, generator},
    },
    error::Result,
    metrics::{gram::Gram, symmetric::eigenvectors},
    sae::{Dictionary, Sae},
};
use rand::Rng;

/// The model's points C [N, d]; none for a free dictionary.
pub(super) async fn points(sae: &Sae) -> Result<Option<Vec<f32>>> {
    match &sae.dictionary {
        Dictionary::Archetypal(archetypal) => Ok(Some(archetypal.points.value.read().await?)),
        Dictionary::Free(_) => Ok(None),
    }
}

/// The principal directions of the data about `mean` that have the most variance, each with both signs: at most `count`
/// directions, at least two.
pub(super) async fn principal(
    loader: &Loader,
    mean: &[f64],
    count: usize,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Vec<f32>> {
    let width = mean.len();
    let mut gram = Gram::new(width);
    let (mut batches, mut rows) = (loader.in_order()?, 0);
    while let Some(batch) = batches.next() {
        let batch = batch?;
        gram.add(&batch.data, mean);
        rows += batch.rows.len();
        batches.recycle(batch);
        on_progress(rows);
    }
    let vectors = eigenvectors(gram.finish(), width);
    let kept = vectors.chunks_exact(width).take((count / 2).max(1));
    let both = |vector: &[f64]| -> Vec<f32> {
        let signs = [1.0, -1.0];
        signs.iter().flat_map(|sign| vector.iter().map(move |x| (sign * x) as f32)).collect()
    };
    Ok(kept.flat_map(both).collect())
}

/// How many directions [`principal`] gives.
pub(super) fn principal_count(width: usize, count: usize) -> usize {
    2 * (count / 2).clamp(1, width)
}

/// `count` directions, the same in every direction of space as nearly as sums of twelve uniform draws are normal.
pub(super) fn random(classes: &Classes, width: usize, count: usize) -> Vec<f32> {
    let mut rng = generator(classes.seed(), Purpose::Directions, [0, 0]);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let mut normal = || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    (0..count * width).map(|_| normal() as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{InMemory, Normalizer, Shuffle};
    use std::sync::Arc;

    #[test]
    fn principal_directions_of_a_flat_cloud() {
        // Far from the origin; most spread along (1, 1), some along (1, −1), none along the third axis.
        let row = |i: usize| {
            let (a, b) = ((i % 11) as f32 - 5.0, (i % 3) as f32 - 1.0);
            [100.0 + a + b, 50.0 + a - b, 7.0]
        };
        let values: Vec<f32> = (0..33).flat_map(row).collect();
        let source = InMemory::new("x", 3, values).unwrap();
        let identity = Arc::new(Normalizer::identity(3));
        let loader = Loader::new(Arc::new(source), identity, Shuffle::none(), 10).unwrap();
        let mut rows = 0;
        let mut tell = |done| rows = done;
        let found = principal(&loader, &[100.0, 50.0, 7.0], 5, &mut tell);
        let found = pollster::block_on(found).unwrap();
        assert_eq!(rows, 33);
        assert_eq!(found.len(), 3 * principal_count(3, 5));
        assert_eq!((principal_count(3, 100), principal_count(3, 1)), (6, 2));
        let half = 0.5_f32.sqrt();
        for (vector, expected) in found.chunks(6).zip([[half, half, 0.0], [half, -half, 0.0]]) {
            let along: f32 = vector[..3].iter().zip(expected).map(|(a, b)| a * b).sum();
            assert!((along.abs() - 1.0).abs() < 1e-6, "{vector:?}");
            assert!(vector[..3].iter().zip(&vector[3..]).all(|(a, b)| *a == -*b));
        }
    }
}
