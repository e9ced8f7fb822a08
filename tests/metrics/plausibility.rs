//! `metrics::plausibility`.

use crate::{
    common::{devices, noise},
    models::{Parts, loader, several},
    oracle::{codes, cosine, dictionary, dot, norm, wide},
};
use archetypal::{
    Error,
    data::Examples,
    metrics::{Candidates, Classes, Found, plausibility},
};

const LABELS: [&str; 4] = ["a", "b", "c", "rare"];

/// Label of an example; some have none, one has a rare one.
fn label(example: usize) -> Option<usize> {
    match example * 7 % 9 {
        _ if example == 4 => Some(3),
        0..=3 => Some(0),
        4..=5 => Some(1),
        6..=7 => Some(2),
        _ => None,
    }
}

fn examples(count: usize, grid: Option<&str>, rows: usize) -> Examples {
    let line = |example: usize| match label(example) {
        Some(label) => format!("{{\"label\": \"{}\"}}\n", LABELS[label]),
        None => "{\"name\": \"x\"}\n".to_owned(),
    };
    let text: String = (0..count).map(line).collect();
    Examples::parse("e", &text, rows, grid.map(|grid| grid.parse().unwrap())).unwrap()
}

/// Direction of a class from rows.
fn direction(rows: &[Vec<f64>], cells: usize, class: usize) -> Vec<f64> {
    let mean = |ours: bool| -> Vec<f64> {
        let kept: Vec<_> = (0..rows.len())
            .filter(|row| label(row / cells).is_some_and(|other| (other == class) == ours))
            .collect();
        let sum = |x: usize| kept.iter().map(|&row| rows[row][x]).sum::<f64>();
        (0..rows[0].len()).map(|x| sum(x) / kept.len() as f64).collect()
    };
    mean(true).iter().zip(mean(false)).map(|(a, b)| a - b).collect()
}

/// Scores [candidates][examples] from scores of rows.
fn largest(of_rows: &[Vec<f64>], cells: usize) -> Vec<Vec<f64>> {
    let of = |example: &[Vec<f64>], candidate: usize| {
        example.iter().map(|row| row[candidate]).fold(f64::MIN, f64::max)
    };
    let examples: Vec<_> = of_rows.chunks(cells).collect();
    (0..of_rows[0].len()).map(|c| examples.iter().map(|rows| of(rows, c)).collect()).collect()
}

/// Over all pairs of examples with a label for which `half` holds.
fn auc(scores: &[f64], class: usize, half: &dyn Fn(usize) -> bool) -> f64 {
    let (mut won, mut pairs) = (0.0, 0.0);
    let labelled = || (0..scores.len()).filter(|&e| half(e) && label(e).is_some());
    for a in labelled().filter(|&e| label(e) == Some(class)) {
        for b in labelled().filter(|&e| label(e) != Some(class)) {
            won += if scores[a] > scores[b] {
                2.0
            } else {
                f64::from(u8::from(scores[a] == scores[b]))
            };
            pairs += 2.0;
        }
    }
    won / pairs
}

/// A set is right if its best cosines are, and if what was chosen is within rounding of the best on one half and is
/// judged as it should be on the other.
fn check(
    set: &Candidates,
    directions: &[Vec<f64>],
    scores: &[Vec<f64>],
    candidates: &[Vec<f64>],
    choosing: &dyn Fn(usize) -> bool,
) {
    assert_eq!((set.count, set.classes.len()), (candidates.len(), 3));
    for (class, found) in set.classes.iter().enumerate() {
        let cosines = candidates.iter().map(|atom| cosine(atom, &directions[class]));
        let expected = cosines.fold(f64::MIN, f64::max);
        assert!((found.cosine - expected).abs() < 1e-5, "{}: {found:?} {expected}", set.name);
        let best = scores.iter().map(|s| auc(s, class, choosing)).fold(0.0, f64::max);
        let chosen = auc(&scores[found.auc_of], class, choosing);
        assert!((chosen - best).abs() < 1e-9, "{}: {found:?} {chosen} {best}", set.name);
        let judged = auc(&scores[found.auc_of], class, &|e| !choosing(e));
        assert!((found.auc - judged).abs() < 1e-9, "{}: {found:?} {judged}", set.name);
    }
    let mean = |of: fn(&Found) -> f64| set.classes.iter().map(of).sum::<f64>() / 3.0;
    assert_eq!((set.cosine, set.auc), (mean(|f| f.cosine), mean(|f| f.auc)));
}

fn compare(parts: &Parts, data: &[f32], grid: Option<&str>, cells: usize) {
    let d = parts.sizes().1;
    let rows: Vec<Vec<f64>> = data.chunks(d).map(wide).collect();
    let examples = examples(rows.len() / cells, grid, rows.len());
    let classes = Classes::new(&examples, 5).unwrap();
    let directions: Vec<_> = (0..3).map(|class| direction(&rows, cells, class)).collect();
    let atoms = dictionary(parts);
    let z = codes(parts, data);
    for device in devices("plausibility::compare") {
        let (mut seen, loader) = (Vec::new(), loader(data.to_vec(), d, 10));
        let mut tell = |name: &str, done, all| seen.push((name.to_owned(), done, all));
        let sae = parts.on(&device);
        let found = plausibility(&sae, &loader, &classes, true, &mut tell);
        let found = pollster::block_on(found).unwrap();
        assert_eq!((found.rows, found.examples, found.seed), (rows.len(), rows.len() / cells, 5));
        assert_eq!(found.left_out[0].name, "rare");
        let choosing = |example: usize| classes.is_for_choosing(example);
        check(&found.sets[0], &directions, &largest(&z, cells), &atoms, &choosing);
        let projected =
            |u: &[f64]| rows.iter().map(|row| (dot(row, u) / norm(u)).max(0.0)).collect::<Vec<_>>();
        let by_atom: Vec<Vec<f64>> = atoms.iter().map(|atom| projected(atom)).collect();
        let by_row: Vec<Vec<f64>> =
            (0..rows.len()).map(|row| by_atom.iter().map(|p| p[row]).collect()).collect();
        check(&found.sets[1], &directions, &largest(&by_row, cells), &atoms, &choosing);
        let names: Vec<_> = found.sets.iter().map(|set| set.name.as_str()).collect();
        match parts.archetypal() {
            Some(_) => assert_eq!(names, ["concepts", "atoms", "points", "pca", "random"]),
            None => assert_eq!(names, ["concepts", "atoms", "pca", "random"]),
        }
        for set in &found.sets {
            assert!(seen.iter().any(|(name, done, all)| *name == set.name && done == all));
        }
    }
}

#[test]
fn as_plain_loops_have_it() {
    let data: Vec<f32> = noise(60 * 13, 7).iter().map(|x| 1.5 * x + 0.3).collect();
    for parts in several(41, 13, 10, 4) {
        compare(&parts, &data, None, 1);
        compare(&parts, &data, Some("1x2"), 2);
    }
}

#[test]
fn examples_of_other_data_are_refused() {
    let [parts, ..] = several(8, 4, 3, 2);
    let classes = Classes::new(&examples(60, None, 60), 0).unwrap();
    let sae = parts.on(&archetypal::Device::cpu());
    let loader = loader(noise(59 * 4, 1), 4, 10);
    let mut tell = |_: &str, _, _| {};
    let found = pollster::block_on(plausibility(&sae, &loader, &classes, true, &mut tell));
    assert!(matches!(found, Err(Error::Shape { .. })));
}
