//! A few concepts worth looking at, and what there is to see of them.

use super::sets::Opened;
use crate::{Context, eval, failure::Outcome};
use archetypal::{
    Tensor,
    data::Loader,
    explore::{
        ConceptRows, Distance, Firing, PointWeight, TopRows, atom_points, nearest_rows, point_rows,
        top_rows,
    },
    sae::Sae,
};
use std::collections::{BTreeMap, HashSet};

/// Concepts shown of each set.
const SHOWN: usize = 3;
/// Examples that a concept is judged by.
const EXAMPLES: usize = 8;
/// Shares of all rows between which a concept is neither an accident nor a background.
const DENSITY: std::ops::Range<f64> = 0.002..0.08;

/// What there is to see of a concept.
pub struct Shown {
    pub concept: usize,
    /// Share of rows in which it fires.
    pub density: f64,
    /// The most common label of its top examples, and how many of them have it.
    pub label: String,
    pub with_label: usize,
    pub examples: usize,
    /// The rows that fire most, one an example.
    pub top: Vec<Firing>,
    /// For pictures: the code in every cell of the example of each of `top`.
    pub maps: Vec<Vec<f32>>,
    /// Points that its atom is made of.
    pub blended: usize,
    /// The heaviest of them, each with the row nearest to it.
    pub points: Vec<(PointWeight, usize)>,
}

/// The concepts whose top examples agree most on their label, each with another label.
pub async fn choose(context: &Context, sae: &Sae, opened: &Opened) -> Outcome<Vec<Shown>> {
    let loader = eval::pass_loader(sae, opened.data.clone())?;
    let cells = opened.examples.grid().map_or(1, |grid| grid.cells());
    let what = TopRows { rows_per_example: cells, ..TopRows::new(EXAMPLES) };
    let task = context.reporter.task("concepts", opened.data.rows() as u64);
    let found = top_rows(sae, &loader, &what, &mut |rows| task.at(rows as u64)).await?;
    task.done("the rows that fire most for each");

    let mut candidates: Vec<Shown> =
        (0..found.top.len()).filter_map(|concept| candidate(&found, concept, opened)).collect();
    let energy = |shown: &Shown| found.energy[shown.concept];
    candidates.sort_by(|a, b| {
        let agreement = |s: &Shown| s.with_label as f64 / s.examples as f64;
        agreement(b).total_cmp(&agreement(a)).then(energy(b).total_cmp(&energy(a)))
    });
    let mut labels = HashSet::new();
    candidates.retain(|shown| labels.insert(shown.label.clone()));
    candidates.truncate(SHOWN);
    for shown in &mut candidates {
        look_closer(sae, &loader, opened, shown).await?;
    }
    Ok(candidates)
}

fn candidate(found: &ConceptRows, concept: usize, opened: &Opened) -> Option<Shown> {
    let density = found.fired[concept] as f64 / found.rows as f64;
    let top = &found.top[concept];
    if !DENSITY.contains(&density) || top.len() < EXAMPLES / 2 {
        return None;
    }
    let mut counts = BTreeMap::new();
    for firing in top {
        let (index, _) = opened.examples.of_row(firing.row);
        *counts.entry(opened.examples.items()[index].label.clone()?).or_insert(0) += 1;
    }
    let (label, with_label) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    Some(Shown {
        concept,
        density,
        label,
        with_label,
        examples: top.len(),
        top: top.clone(),
        maps: Vec::new(),
        blended: 0,
        points: Vec::new(),
    })
}

/// Finds the maps and the points of a concept that will be shown.
async fn look_closer(sae: &Sae, loader: &Loader, opened: &Opened, shown: &mut Shown) -> Outcome {
    shown.top.truncate(4);
    if let Some(grid) = opened.examples.grid() {
        for firing in &shown.top {
            let first = firing.row / grid.cells() * grid.cells();
            let rows: Vec<usize> = (first..first + grid.cells()).collect();
            shown.maps.push(codes_of(sae, loader, &rows, shown.concept).await?);
        }
    }
    let mut weights = atom_points(sae, &[shown.concept], usize::MAX).await?.remove(0);
    shown.blended = weights.len();
    weights.truncate(3);
    let points: Vec<usize> = weights.iter().map(|weight| weight.point).collect();
    let targets = point_rows(sae, &points).await?;
    let device = sae.device();
    let near = nearest_rows(device, loader, &targets, 1, Distance::Euclidean, &mut |_| {}).await?;
    shown.points =
        weights.into_iter().zip(near).map(|(weight, near)| (weight, near[0].row)).collect();
    Ok(())
}

/// The code of `concept` in each of `rows`.
async fn codes_of(sae: &Sae, loader: &Loader, rows: &[usize], concept: usize) -> Outcome<Vec<f32>> {
    let batch = loader.rows(rows)?;
    let width = sae.settings().input_shape;
    let x = Tensor::from_slice(sae.device(), rows.len(), width, &batch.data)?;
    let codes = sae.encode_tensor(&x)?.codes.rows().await?;
    let of_row = |row| codes.row(row).find(|(index, _)| *index as usize == concept);
    Ok((0..rows.len()).map(|row| of_row(row).map_or(0.0, |(_, value)| value)).collect())
}
