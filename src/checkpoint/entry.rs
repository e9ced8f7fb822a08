//! A tensor on its way into a file.

use crate::{
    device::{Element, Tensor},
    error::Result,
};
use safetensors::{Dtype, View};
use std::borrow::Cow;

/// A named tensor, borrowed where it lies in memory already.
pub(super) struct Entry<'a> {
    pub name: String,
    dtype: Dtype,
    dims: Vec<usize>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Entry<'a> {
    /// `tensor` under `name`, with the shape `dims`. Read back from a GPU, borrowed from the CPU.
    pub async fn of<T: Element>(
        name: impl Into<String>,
        dims: &[usize],
        tensor: &'a Tensor<T>,
    ) -> Result<Self> {
        let bytes = match tensor.as_cpu() {
            Some(values) => Cow::Borrowed(bytemuck::cast_slice(values)),
            None => Cow::Owned(bytemuck::cast_slice(&tensor.read().await?).to_vec()),
        };
        // The two elements that tensors have.
        let is_u32 = std::any::TypeId::of::<T>() == std::any::TypeId::of::<u32>();
        let dtype = if is_u32 { Dtype::U32 } else { Dtype::F32 };
        Ok(Self { name: name.into(), dtype, dims: dims.to_vec(), bytes })
    }

    /// A vector that lies on the host.
    pub fn vector(name: impl Into<String>, values: &'a [f32]) -> Self {
        let bytes = Cow::Borrowed(bytemuck::cast_slice(values));
        Self { name: name.into(), dtype: Dtype::F32, dims: vec![values.len()], bytes }
    }
}

impl View for &Entry<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.dims
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}
