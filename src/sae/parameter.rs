//! A trainable tensor with its state-dict name and the set it is held in.

use crate::device::{Projection, Tensor};

/// A trainable tensor.
#[derive(Debug)]
pub struct Parameter {
    /// Its name in the reference's state dict.
    pub name: &'static str,
    /// Its shape there; the tensor itself is always a matrix.
    pub dims: Vec<usize>,
    /// Its value.
    pub value: Tensor,
    /// What is applied to its rows after every update.
    pub projection: Projection,
}

impl Parameter {
    /// A parameter whose state-dict shape is that of its matrix.
    pub fn matrix(name: &'static str, value: Tensor, projection: Projection) -> Self {
        Self { name, dims: value.shape().to_vec(), value, projection }
    }

    /// A parameter \[n\], held as [n, 1].
    pub fn vector(name: &'static str, value: Tensor) -> Self {
        Self { name, dims: vec![value.len()], value, projection: Projection::None }
    }

    /// A parameter without dimensions, held as [1, 1].
    pub fn scalar(name: &'static str, value: Tensor) -> Self {
        Self { name, dims: vec![], value, projection: Projection::None }
    }
}
