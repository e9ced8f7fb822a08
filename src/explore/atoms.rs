//! What an atom is made of.

use crate::{
    device::{Codes, Tensor},
    error::{Error, Result},
    sae::{Archetypal, Dictionary, Sae},
};
use serde::Serialize;

/// A point's share in an atom.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PointWeight {
    /// Which point, from 0.
    pub point: usize,
    /// Its mixing weight, > 0.
    pub weight: f32,
}

/// The `count` points with the largest mixing weights for each of `concepts`, largest first, the lower index first of
/// equals. Points without weight are left out.
///
/// # Errors
/// [`Error::Setting`] for a concept that does not exist, or a free dictionary; [`Error::TooLarge`], [`Error::Device`].
pub async fn atom_points(
    sae: &Sae,
    concepts: &[usize],
    count: usize,
) -> Result<Vec<Vec<PointWeight>>> {
    let mixing = &archetypal(sae)?.mixing.value;
    let weights = rows_of("concept", mixing, concepts).await?;
    Ok(weights.chunks_exact(mixing.cols()).map(|weights| largest(weights, count)).collect())
}

pub(super) fn largest(weights: &[f32], count: usize) -> Vec<PointWeight> {
    let all = weights.iter().enumerate();
    let mut used: Vec<_> = all
        .filter(|(_, weight)| **weight > 0.0)
        .map(|(point, &weight)| PointWeight { point, weight })
        .collect();
    used.sort_by(|a, b| b.weight.total_cmp(&a.weight).then(a.point.cmp(&b.point)));
    used.truncate(count);
    used
}

/// The given points, [n, d] row by row, in the space of normalised rows.
///
/// # Errors
/// [`Error::Setting`] for a point that does not exist, or a free dictionary; [`Error::TooLarge`], [`Error::Device`].
pub async fn point_rows(sae: &Sae, points: &[usize]) -> Result<Vec<f32>> {
    rows_of("point", &archetypal(sae)?.points.value, points).await
}

fn archetypal(sae: &Sae) -> Result<&Archetypal> {
    match &sae.dictionary {
        Dictionary::Archetypal(archetypal) => Ok(archetypal),
        Dictionary::Free(_) => Err(Error::setting(
            "the dictionary",
            "free",
            "archetypal",
            "Only the atoms of an archetypal dictionary are made of points.",
        )),
    }
}

/// Some rows of a matrix, gathered where it lives: it may be too large to be read for a few of them.
pub(super) async fn rows_of(
    what: &'static str,
    matrix: &Tensor,
    rows: &[usize],
) -> Result<Vec<f32>> {
    for &row in rows {
        check_index(what, row, matrix.rows())?;
    }
    let device = matrix.device();
    let count = rows.len();
    let mut one_each = Codes::new(device, count, 1, matrix.rows())?;
    one_each.indices.write(&rows.iter().map(|&row| row as u32).collect::<Vec<_>>());
    one_each.values.write(&vec![1.0; count]);
    one_each.counts.write(&vec![1; count]);
    let mut out = Tensor::zeros(device, count, matrix.cols())?;
    device.spmm(&one_each, matrix, &mut out, false);
    out.read().await
}

/// Checks that `index` is below `count`.
pub(super) fn check_index(what: &'static str, index: usize, count: usize) -> Result<()> {
    if index < count {
        return Ok(());
    }
    Err(Error::setting(what, index, format!("below {count}"), "They are counted from 0."))
}
