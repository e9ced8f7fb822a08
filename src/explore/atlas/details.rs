//! What the page shows of a concept when it is opened.

use super::{
    Stage,
    blends::{Blends, HEAVIEST},
    codes::AllCodes,
    firing::{BINS, FIFTHS, Firing, OF_FIFTH, TOP},
    neighbours::Neighbours,
    overlap::Overlap,
    pairs::Pairs,
    subject::{Output, Subject, chunks},
};
use crate::parallel::*;
use crate::{data::TensorOut, error::Result};
use std::ops::Range;

/// Other concepts listed for a concept.
const OTHERS: usize = 12;

/// Writes `details/`.
pub(super) async fn put(
    subject: &Subject<'_>,
    codes: &AllCodes,
    atoms: &[f32],
    blends: Option<&Blends>,
    out: &mut Output<'_>,
) -> Result<()> {
    out.at(Stage::Concepts, 0, subject.concepts);
    let size = subject.chunks.details;
    let mut neighbours = Neighbours::new(subject, codes, atoms, size)?;
    let overlap = Overlap::new(codes);
    for (index, concepts) in chunks(subject.concepts, size) {
        let near = neighbours.of(concepts.clone(), OTHERS).await?;
        let with = overlap.of(concepts.clone(), OTHERS);
        let mut table = Table::new(subject, codes, concepts.clone());
        near.iter().for_each(|list| table.near.push(list));
        with.iter().for_each(|list| table.with.push(list));
        if let Some(blends) = blends {
            blends.heaviest[concepts.clone()].iter().for_each(|list| table.points.push(list));
        }
        table.put(&format!("details/{index}.safetensors"), blends.is_some(), out)?;
        out.at(Stage::Concepts, concepts.end, subject.concepts);
    }
    Ok(())
}

/// One file.
struct Table {
    concepts: usize,
    /// Cells of a picture; none without grid.
    cells: Option<usize>,
    top: Pairs,
    top_heat: Vec<u8>,
    quantiles: Pairs,
    quantile_heat: Vec<u8>,
    histogram: Vec<u32>,
    near: Pairs,
    with: Pairs,
    points: Pairs,
}

/// What rows one concept fires in.
struct Shown {
    firing: Firing,
    top: Vec<(u32, f32)>,
    fifths: [Vec<(u32, f32)>; FIFTHS],
    top_heat: Vec<u8>,
    quantile_heat: Vec<u8>,
}

impl Table {
    fn new(subject: &Subject<'_>, codes: &AllCodes, concepts: Range<usize>) -> Self {
        let mut table = Self {
            concepts: concepts.len(),
            cells: subject.about.grid.map(|grid| grid.cells()),
            top: Pairs::new(TOP, 0.0),
            top_heat: Vec::new(),
            quantiles: Pairs::new(OF_FIFTH, 0.0),
            quantile_heat: Vec::new(),
            histogram: Vec::new(),
            near: Pairs::new(OTHERS, 0.0),
            with: Pairs::new(OTHERS, 0.0),
            points: Pairs::new(HEAVIEST, 0.0),
        };
        let cells = table.cells;
        let shown: Vec<Shown> =
            concepts.into_par_iter().map(|i| Shown::of(codes, i, cells)).collect();
        for shown in &shown {
            table.top.push(&shown.top);
            shown.fifths.iter().for_each(|rows| table.quantiles.push(rows));
            table.top_heat.extend(&shown.top_heat);
            table.quantile_heat.extend(&shown.quantile_heat);
            table.histogram.extend(shown.firing.histogram());
        }
        table
    }

    fn put(&self, name: &str, with_points: bool, out: &mut Output<'_>) -> Result<()> {
        let c = self.concepts;
        let (top, fifths) = ([c, TOP], [c, FIFTHS, OF_FIFTH]);
        let mut tensors = vec![TensorOut::u32("histogram", &[c, BINS], &self.histogram)];
        tensors.extend(self.top.tensors(["top_rows", "top_values"], &top));
        tensors.extend(self.quantiles.tensors(["quantile_rows", "quantile_values"], &fifths));
        tensors.extend(self.near.tensors(["near", "near_cosine"], &[c, OTHERS]));
        tensors.extend(self.with.tensors(["with", "with_overlap"], &[c, OTHERS]));
        if with_points {
            tensors.extend(self.points.tensors(["points", "weights"], &[c, HEAVIEST]));
        }
        if let Some(cells) = self.cells {
            let shape = [c, FIFTHS, OF_FIFTH, cells];
            tensors.push(TensorOut::u8("top_heat", &[c, TOP, cells], &self.top_heat));
            tensors.push(TensorOut::u8("quantile_heat", &shape, &self.quantile_heat));
        }
        out.tables(name, &tensors)
    }
}

impl Shown {
    fn of(codes: &AllCodes, concept: usize, cells: Option<usize>) -> Self {
        let firing = Firing::of(codes, concept);
        let (top, fifths) = (firing.top(cells.unwrap_or(1)), firing.fifths());
        let (mut top_heat, mut quantile_heat) = (Vec::new(), Vec::new());
        if let Some(cells) = cells {
            let heat = Heat { codes, concept, max: firing.max(), cells };
            heat.push(&top, TOP, &mut top_heat);
            fifths.iter().for_each(|rows| heat.push(rows, OF_FIFTH, &mut quantile_heat));
        }
        Self { firing, top, fifths, top_heat, quantile_heat }
    }
}

/// Maps of the codes of a concept over pictures.
struct Heat<'a> {
    codes: &'a AllCodes,
    concept: usize,
    /// What 255 stands for.
    max: f32,
    cells: usize,
}

impl Heat<'_> {
    /// Adds the maps of the pictures that `rows` belong to, and empty ones up to `length`.
    fn push(&self, rows: &[(u32, f32)], length: usize, maps: &mut Vec<u8>) {
        let end = maps.len() + length * self.cells;
        for &(row, _) in rows {
            let (start, first) = (maps.len(), row as usize / self.cells * self.cells);
            maps.resize(start + self.cells, 0);
            for (row, value) in self.codes.of_concept_in(self.concept, first, self.cells) {
                // The cast keeps what is below 0 at 0.
                maps[start + row as usize - first] = (value / self.max * 255.0).round() as u8;
            }
        }
        maps.resize(end, 0);
    }
}
