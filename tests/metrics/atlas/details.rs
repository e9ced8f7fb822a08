//! `details/`.

use super::{
    Case, K, close,
    read::{bytes, words},
};
use crate::oracle::{cosine, dictionary};

const TOP: usize = 24;

#[test]
fn top_rows_and_quantiles() {
    Case::each("top_rows_and_quantiles", |case| {
        let top = case.files.pairs("top_rows", "top_values", TOP);
        let fifths = case.files.pairs("quantile_rows", "quantile_values", 6);
        for concept in 0..K {
            let ranked = case.ranked(concept);
            let mut seen = Vec::new();
            let mut want = ranked.clone();
            want.retain(|pair| {
                let new = !seen.contains(&(pair.0 / case.cells));
                seen.push(pair.0 / case.cells);
                new
            });
            want.truncate(TOP);
            assert_eq!(top[concept], want);
            for (fifth, shown) in fifths[concept * 5..][..5].iter().enumerate() {
                let m = ranked.len();
                let part = &ranked[fifth * m / 5..(fifth + 1) * m / 5];
                assert_eq!(shown.len(), part.len().min(6));
                let places = shown.iter().map(|pair| part.iter().position(|p| p == pair).unwrap());
                assert!(places.is_sorted_by(|a, b| a < b), "in order, each once");
            }
        }
    });
}

#[test]
fn histograms_count_every_active_code() {
    Case::each("histograms_count_every_active_code", |case| {
        let counts = case.files.joined("details", "histogram", words);
        for (concept, counts) in counts.chunks(32).enumerate() {
            let ranked = case.ranked(concept);
            let max = f64::from(ranked.first().map_or(0.0, |pair| pair.1));
            assert_eq!(counts.iter().sum::<u32>(), ranked.len() as u32);
            for (bin, &count) in counts.iter().enumerate() {
                let (from, to) = (bin as f64 / 32.0, (bin + 1) as f64 / 32.0);
                let share = |pair: &&(usize, f32)| f64::from(pair.1) / max;
                let within = |share: f64| share >= from && (share < to || bin == 31);
                assert_eq!(
                    ranked.iter().filter(|pair| within(share(pair))).count(),
                    count as usize
                );
            }
        }
    });
}

#[test]
fn heat_maps_of_pictures() {
    Case::each("heat_maps_of_pictures", |case| {
        for (rows, heat, length) in
            [("top_rows", "top_heat", TOP), ("quantile_rows", "quantile_heat", 30)]
        {
            if case.cells == 1 {
                assert!(!case.files.table("details/0.safetensors").contains(heat));
                continue;
            }
            let rows = case.files.joined("details", rows, words);
            let maps = case.files.joined("details", heat, bytes);
            assert_eq!(maps.len(), rows.len() * case.cells);
            for (place, (map, &row)) in maps.chunks(case.cells).zip(&rows).enumerate() {
                let concept = place / length;
                let max = case.ranked(concept).first().map_or(0.0, |pair| pair.1);
                for (cell, &got) in map.iter().enumerate() {
                    let value = match row {
                        u32::MAX => 0.0,
                        row => case.codes[row as usize / case.cells * case.cells + cell][concept],
                    };
                    let want = if value > 0.0 { (value / max * 255.0).round() } else { 0.0 };
                    assert_eq!(f32::from(got), want);
                }
            }
        }
    });
}

#[test]
fn concepts_that_fire_together() {
    Case::each("concepts_that_fire_together", |case| {
        let with = case.files.pairs("with", "with_overlap", 12);
        let sets: Vec<Vec<usize>> = (0..K)
            .map(|concept| case.active(concept).into_iter().map(|pair| pair.0).collect())
            .collect();
        for concept in 0..K {
            let jaccard = |other: usize| {
                let both = sets[concept].iter().filter(|row| sets[other].contains(row)).count();
                let either = sets[concept].len() + sets[other].len() - both;
                (other, (both as f64 / either.max(1) as f64) as f32)
            };
            let others = (0..K).filter(|&other| other != concept).map(jaccard);
            let mut want: Vec<_> = others.filter(|pair| pair.1 > 0.0).collect();
            want.sort_by(|a, b| b.1.total_cmp(&a.1));
            want.truncate(12);
            assert_eq!(with[concept], want);
        }
    });
}

#[test]
fn nearest_atoms() {
    Case::each("nearest_atoms", |case| {
        let near = case.files.pairs("near", "near_cosine", 12);
        let atoms = dictionary(&case.parts);
        let alive: Vec<bool> = (0..K).map(|other| !case.active(other).is_empty()).collect();
        for concept in 0..K {
            let cosines = |other: usize| cosine(&atoms[concept], &atoms[other]);
            let others = (0..K).filter(|&other| other != concept && alive[other]);
            let mut want: Vec<f64> = others.map(cosines).collect();
            want.sort_by(|a, b| b.total_cmp(a));
            assert_eq!(near[concept].len(), want.len().min(12));
            for (&(other, got), want) in near[concept].iter().zip(want) {
                // Nearly equal ones may come in another order.
                assert!(other != concept && alive[other] && close(got, want));
                assert!(close(got, cosines(other)));
            }
        }
    });
}

#[test]
fn heaviest_points() {
    Case::each("heaviest_points", |case| {
        let Some((n, _)) = case.parts.archetypal() else {
            return assert!(!case.files.table("details/0.safetensors").contains("points"));
        };
        let points = case.files.pairs("points", "weights", 12);
        let weights = case.parts.values("dictionary.W").chunks(n);
        for (got, weights) in points.iter().zip(weights) {
            let mut want: Vec<_> = weights.iter().copied().enumerate().collect();
            want.retain(|pair| pair.1 > 0.0);
            want.sort_by(|a, b| b.1.total_cmp(&a.1));
            want.truncate(12);
            assert_eq!(*got, want);
        }
    });
}
