//! A row for each concept, which the page reads whole.

use super::{
    NONE,
    axes::Axes,
    blends::Blends,
    codes::{AllCodes, is_active},
    subject::{Output, Subject},
};
use crate::parallel::*;
use crate::{data::TensorOut, error::Result};

/// What one concept does on all rows.
struct Summary {
    /// Σ z².
    energy: f64,
    fired: usize,
    max: f32,
    /// Σ of the active codes.
    sum: f64,
    best_row: u32,
    purity: f32,
    label: u32,
}

/// Writes `concepts.safetensors`.
pub(super) fn put(
    subject: &Subject<'_>,
    codes: &AllCodes,
    atoms: &[f32],
    axes: &Axes,
    blends: Option<&Blends>,
    out: &mut Output<'_>,
) -> Result<()> {
    let labels = subject.label_of_examples();
    let concepts = (0..subject.concepts).into_par_iter();
    let all: Vec<Summary> = concepts.map(|i| Summary::of(subject, codes, &labels, i)).collect();
    let rows = subject.rows as f64;
    let column = |of: &dyn Fn(&Summary) -> f32| all.iter().map(of).collect::<Vec<f32>>();
    let index = |of: &dyn Fn(&Summary) -> u32| all.iter().map(of).collect::<Vec<u32>>();
    let mean = |s: &Summary| if s.fired > 0 { (s.sum / s.fired as f64) as f32 } else { 0.0 };

    let k = [subject.concepts];
    let none = vec![f32::NAN; k[0]];
    let (best_row, label) = (index(&|s| s.best_row), index(&|s| s.label));
    let floats = [
        ("energy", column(&|s| (s.energy / rows) as f32)),
        ("frequency", column(&|s| (s.fired as f64 / rows) as f32)),
        ("max", column(&|s| s.max)),
        ("mean", column(&mean)),
        ("purity", column(&|s| s.purity)),
        ("entropy", blends.map_or(none.clone(), |blends| blends.entropy.clone())),
        ("relaxation", blends.map_or(none, |blends| blends.relaxation.clone())),
    ];
    let xy = axes.project(atoms);
    let mut tensors: Vec<_> =
        floats.iter().map(|(name, values)| TensorOut::f32(name, &k, values)).collect();
    tensors.push(TensorOut::f32("xy", &[k[0], 2], &xy));
    tensors.push(TensorOut::u32("best_row", &k, &best_row));
    tensors.push(TensorOut::u32("label", &k, &label));
    out.tables("concepts.safetensors", &tensors)
}

impl Summary {
    fn of(subject: &Subject<'_>, codes: &AllCodes, labels: &[Option<u32>], concept: usize) -> Self {
        let mut one = Self {
            energy: 0.0,
            fired: 0,
            max: 0.0,
            sum: 0.0,
            best_row: NONE,
            purity: f32::NAN,
            label: NONE,
        };
        let mut by_label = vec![0.0; subject.labels.len()];
        for (row, value) in codes.of_concept(concept) {
            let z = f64::from(value);
            one.energy += z * z;
            if is_active(value) {
                one.fired += 1;
                one.sum += z;
            }
            if is_active(value) && value > one.max {
                (one.max, one.best_row) = (value, row);
            }
            if let Some(Some(label)) = labels.get(row as usize / subject.cells) {
                by_label[*label as usize] += z * z;
            }
        }
        if let Some((label, most)) = most(&by_label) {
            (one.label, one.purity) = (label as u32, (most / one.energy) as f32);
        }
        one
    }
}

/// The largest, if it is above 0; the first of equals.
fn most(values: &[f64]) -> Option<(usize, f64)> {
    let positive = values.iter().copied().enumerate().filter(|(_, value)| *value > 0.0);
    positive.reduce(|best, next| if next.1 > best.1 { next } else { best })
}
