//! The points of an archetypal dictionary.

use super::{
    NONE, Stage,
    axes::Axes,
    blends::Blends,
    pairs::Pairs,
    subject::{Output, Subject},
};
use crate::{
    data::TensorOut,
    error::Result,
    explore::{Distance, atoms::point_rows, nearest::nearest_examples},
};

/// Rows shown of each point.
const NEAR: usize = 6;

/// Writes `points.safetensors`.
pub(super) async fn put(
    subject: &Subject<'_>,
    blends: &Blends,
    axes: &Axes,
    out: &mut Output<'_>,
) -> Result<()> {
    let Subject { sae, loader, cells, rows, .. } = *subject;
    out.at(Stage::Points, 0, rows);
    let count = blends.point_weight.len();
    let points = point_rows(sae, &(0..count).collect::<Vec<_>>()).await?;
    let mut tell = |done| out.at(Stage::Points, done, rows);
    let near = nearest_examples(
        sae.device(),
        loader,
        &points,
        NEAR,
        Distance::Euclidean,
        cells,
        &mut tell,
    )
    .await?;
    let mut columns = Pairs::new(NEAR, f32::NAN);
    for near in near {
        let pair = |row: usize| u32::try_from(row).unwrap_or(NONE);
        let pairs = near.iter().map(|near| (pair(near.row), near.distance as f32));
        columns.push(&pairs.collect::<Vec<_>>());
    }
    let weight: Vec<f32> = blends.point_weight.iter().map(|&weight| weight as f32).collect();
    let xy = axes.project(&points);
    let mut tensors =
        vec![TensorOut::f32("xy", &[count, 2], &xy), TensorOut::f32("weight", &[count], &weight)];
    tensors.extend(columns.tensors(["near_rows", "near_distance"], &[count, NEAR]));
    out.tables("points.safetensors", &tensors)
}
