//! A tensor on its way into a file.

use crate::{
    data::{TensorOut, Values},
    device::Tensor,
    error::Result,
};
use std::borrow::Cow;

/// A named tensor, borrowed where it lies in memory already.
pub(super) struct Entry<'a> {
    name: String,
    shape: Vec<usize>,
    values: EntryValues<'a>,
}

enum EntryValues<'a> {
    F32(Cow<'a, [f32]>),
    U32(Vec<u32>),
}

impl<'a> Entry<'a> {
    /// `tensor` under `name`, with `shape`. Read back from a GPU, borrowed from the CPU.
    pub async fn of(name: impl Into<String>, shape: &[usize], tensor: &'a Tensor) -> Result<Self> {
        let values = match tensor.as_cpu() {
            Some(values) => Cow::Borrowed(values),
            None => Cow::Owned(tensor.read().await?),
        };
        Ok(Self { name: name.into(), shape: shape.to_vec(), values: EntryValues::F32(values) })
    }

    /// Values that were made for the file.
    pub fn owned(name: impl Into<String>, shape: &[usize], values: Vec<f32>) -> Self {
        let values = EntryValues::F32(Cow::Owned(values));
        Self { name: name.into(), shape: shape.to_vec(), values }
    }

    /// A vector that lies on the host.
    pub fn vector(name: impl Into<String>, values: &'a [f32]) -> Self {
        let shape = vec![values.len()];
        Self { name: name.into(), shape, values: EntryValues::F32(Cow::Borrowed(values)) }
    }

    /// Counters, one for each row.
    pub async fn counters(name: impl Into<String>, tensor: &Tensor<u32>) -> Result<Self> {
        let values = EntryValues::U32(tensor.read().await?);
        Ok(Self { name: name.into(), shape: vec![tensor.rows()], values })
    }

    /// Its name in the file.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there is neither NaN nor infinity in it.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn is_finite(&self) -> bool {
        match &self.values {
            EntryValues::F32(values) => crate::data::all_finite(values),
            EntryValues::U32(_) => true,
        }
    }

    /// As the writer takes it.
    pub fn out(&self) -> TensorOut<'_> {
        let values = match &self.values {
            EntryValues::F32(values) => Values::F32(values),
            EntryValues::U32(values) => Values::U32(values),
        };
        TensorOut { name: &self.name, shape: self.shape.clone(), values }
    }
}
