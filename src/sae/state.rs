//! The values of a model's tensors on the host, by their state-dict names.

use super::Parameter;
use crate::{
    device::{Device, Tensor},
    error::{Error, Result},
};
use std::collections::BTreeMap;

/// A tensor on the host, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct HostTensor {
    /// Its shape; empty for a scalar.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Vec<f32>,
}

/// Named tensors on the host: what a model is made from and what a file holds of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    tensors: BTreeMap<String, HostTensor>,
}

impl StateDict {
    /// Puts a tensor in, in place of one of the same name.
    pub fn insert(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        self.tensors.insert(name.into(), HostTensor { shape: shape.to_vec(), values });
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<&HostTensor> {
        self.tensors.get(name)
    }

    /// The values of the tensor of that name, to change.
    pub fn values_mut(&mut self, name: &str) -> Option<&mut Vec<f32>> {
        self.tensors.get_mut(name).map(|tensor| &mut tensor.values)
    }

    /// Names and tensors, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HostTensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// The values of a tensor that must be there in this shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if it is missing or has another shape.
    pub fn values(&self, name: &str, shape: &[usize]) -> Result<&[f32]> {
        let hint = "The tensors do not belong to a model of these settings.";
        let Some(tensor) = self.tensors.get(name) else {
            return Err(Error::shape(format!("{name}, which is missing"), &[0], shape, hint));
        };
        let count: usize = shape.iter().product();
        if tensor.shape != shape || tensor.values.len() != count {
            return Err(Error::shape(name, &tensor.shape, shape, hint));
        }
        Ok(&tensor.values)
    }

    /// A tensor that must be there in this shape, on a device as a matrix: scalars as [1, 1], vectors as [n, 1].
    ///
    /// # Errors
    /// As [`StateDict::values`], and [`Error::TooLarge`] if the device cannot hold it.
    pub fn upload(&self, device: &Device, name: &str, shape: &[usize]) -> Result<Tensor> {
        let values = self.values(name, shape)?;
        let (rows, cols) = match *shape {
            [rows, cols] => (rows, cols),
            _ => (values.len(), 1),
        };
        Tensor::from_slice(device, rows, cols, values)
    }

    /// Reads a tensor of a model back.
    ///
    /// # Errors
    /// [`Error::Device`] if the device failed.
    pub async fn download(&mut self, parameter: &Parameter) -> Result<()> {
        self.insert(parameter.name, &parameter.dims, parameter.value.read().await?);
        Ok(())
    }
}
