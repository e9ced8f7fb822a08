//! `concepts.safetensors` and the codes behind it.

use super::{Case, K, close, examples, read};
use crate::{
    models::by_hand,
    oracle::{codes, norm, wide},
};
use archetypal::{Device, explore::atlas::About};
use std::collections::BTreeMap;

#[test]
fn codes_as_plain_loops_find_them() {
    Case::each("codes_as_plain_loops_find_them", |case| {
        for (got, want) in case.codes.iter().zip(codes(&case.parts, &case.rows)) {
            assert!(got.iter().zip(want).all(|(&got, want)| close(got, want)));
        }
    });
}

#[test]
fn what_a_concept_does_on_all_rows() {
    Case::each("what_a_concept_does_on_all_rows", |case| {
        let column = |name| case.files.f32("concepts.safetensors", name);
        let (energy, frequency) = (column("energy"), column("frequency"));
        let (max, mean) = (column("max"), column("mean"));
        let best = case.files.u32("concepts.safetensors", "best_row");
        let rows = case.codes.len() as f64;
        for concept in 0..K {
            let active = case.ranked(concept);
            let sum: f64 = active.iter().map(|pair| f64::from(pair.1)).sum();
            let squares: f64 = active.iter().map(|pair| f64::from(pair.1).powi(2)).sum();
            assert!(close(energy[concept], squares / rows));
            assert!(close(frequency[concept], active.len() as f64 / rows));
            assert!(close(mean[concept], sum / active.len().max(1) as f64));
            assert_eq!(max[concept], active.first().map_or(0.0, |pair| pair.1));
            assert_eq!(best[concept], active.first().map_or(u32::MAX, |pair| pair.0 as u32));
        }
    });
}

#[test]
fn labels_of_a_concept() {
    Case::each("labels_of_a_concept", |case| {
        let examples = examples(case.rows.len());
        let labels = case.files.manifest().labels;
        assert_eq!(labels, ["a", "b", "c"]);
        let purity = case.files.f32("concepts.safetensors", "purity");
        let label = case.files.u32("concepts.safetensors", "label");
        for concept in 0..K {
            let mut shares: BTreeMap<&str, f64> = BTreeMap::new();
            let mut total = 0.0;
            for (row, value) in case.active(concept) {
                let square = f64::from(value).powi(2);
                total += square;
                if let Some(label) = &examples[row / case.cells].label {
                    *shares.entry(label).or_default() += square;
                }
            }
            let Some(most) = shares.values().copied().reduce(f64::max) else {
                assert!(purity[concept].is_nan() && label[concept] == u32::MAX);
                continue;
            };
            assert!(close(purity[concept], most / total), "{concept}");
            assert_eq!(shares[labels[label[concept] as usize].as_str()], most);
        }
    });
}

#[test]
fn blends_of_points() {
    Case::each("blends_of_points", |case| {
        let entropy = case.files.f32("concepts.safetensors", "entropy");
        let relaxation = case.files.f32("concepts.safetensors", "relaxation");
        let Some((n, delta)) = case.parts.archetypal() else {
            assert!(entropy.iter().chain(&relaxation).all(|value| value.is_nan()));
            return assert!(!case.files.contents.contains_key("points.safetensors"));
        };
        let weights: Vec<Vec<f64>> =
            case.parts.values("dictionary.W").chunks(n).map(wide).collect();
        let relax = case.parts.values("dictionary.Relax").chunks(case.parts.sizes().1);
        for (i, relax) in relax.enumerate() {
            let sum: f64 = weights[i].iter().sum();
            let shares = weights[i].iter().map(|w| w / sum).filter(|p| *p > 0.0);
            let want: f64 = -shares.map(|p| p * p.ln()).sum::<f64>();
            assert!(if sum > 0.0 { close(entropy[i], want) } else { entropy[i].is_nan() });
            assert!(close(relaxation[i], norm(&wide(relax)) / f64::from(delta)));
        }
        let total = case.files.f32("points.safetensors", "weight");
        for (point, &total) in total.iter().enumerate() {
            assert!(close(total, weights.iter().map(|weights| weights[point]).sum()));
        }
    });
}

#[test]
fn figures_by_hand() {
    // Codes of the first concept: 2, none, 3; of the second: none, 5, none; the third never fires, and δ is 0.
    let rows = [2.0, 0.0, 0.0, 5.0, 3.0, 0.0];
    let files = read::make(&by_hand(), &Device::cpu(), &rows, &About::new("by hand"));
    let column = |name| files.f32("concepts.safetensors", name);
    assert_eq!(column("max"), [3.0, 5.0, 0.0]);
    assert_eq!(column("mean"), [2.5, 5.0, 0.0]);
    assert_eq!(column("frequency"), [2.0 / 3.0, 1.0 / 3.0, 0.0]);
    assert_eq!(column("energy"), [13.0 / 3.0, 25.0 / 3.0, 0.0]);
    assert_eq!(files.u32("concepts.safetensors", "best_row"), [2, 1, u32::MAX]);
    assert_eq!(files.u32("concepts.safetensors", "label"), [u32::MAX; 3]);
    assert_eq!(column("entropy"), [0.0, 0.0, 2.0_f32.ln()]);
    assert!(column("purity").iter().chain(&column("relaxation")).all(|value| value.is_nan()));
    // A dead concept has neighbours, but is nobody's.
    let near = files.pairs("near", "near_cosine", 12);
    assert_eq!(near[0], [(1, 0.0)]);
    assert_eq!(near[2].iter().map(|pair| pair.0).collect::<Vec<_>>(), [0, 1]);
    let points = files.pairs("points", "weights", 12);
    assert_eq!(points, [vec![(0, 1.0)], vec![(1, 1.0)], vec![(0, 0.5), (1, 0.5)]]);
}
