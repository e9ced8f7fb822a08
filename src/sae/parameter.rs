//! A tensor of the model with its state-dict name and the set it is held in.

use crate::device::{Projection, Tensor};
use serde::{Deserialize, Serialize};

/// Parameters that share a learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// All of the encoder.
    Encoder,
    /// Mixing weights W.
    Mixing,
    /// Relaxation R.
    Relaxation,
    /// A free dictionary's V.
    Dictionary,
    /// Log-multiplier m.
    Multiplier,
    /// Thresholds of jump.
    Thresholds,
}

/// A tensor of the model: trained, or kept beside what is trained (points, running statistics).
#[derive(Debug)]
pub struct Parameter {
    /// Its name in the reference's state dict.
    pub name: &'static str,
    /// Its shape there; the tensor itself is always a matrix.
    pub dims: Vec<usize>,
    /// Its value.
    pub value: Tensor,
    /// What is applied to it after every update.
    pub projection: Projection,
    /// Whose learning rate it has.
    pub group: Group,
}

impl Parameter {
    /// One whose state-dict shape is that of its matrix.
    pub fn matrix(name: &'static str, value: Tensor, group: Group) -> Self {
        Self { name, dims: value.shape().to_vec(), value, projection: Projection::None, group }
    }

    /// One of shape \[n\], held as [n, 1].
    pub fn vector(name: &'static str, value: Tensor, group: Group) -> Self {
        Self { name, dims: vec![value.len()], value, projection: Projection::None, group }
    }

    /// One without dimensions, held as [1, 1].
    pub fn scalar(name: &'static str, value: Tensor, group: Group) -> Self {
        Self { name, dims: vec![], value, projection: Projection::None, group }
    }

    /// The same, held in a set.
    pub fn held(mut self, projection: Projection) -> Self {
        self.projection = projection;
        self
    }
}
