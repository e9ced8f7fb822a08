//! Which atoms point the same way.

use super::{codes::AllCodes, pairs::highest, subject::Subject};
use crate::parallel::*;
use crate::{
    device::{Device, Gemm, Tensor},
    error::Result,
    metrics::normalize_rows,
};
use std::ops::Range;

/// Atoms of length 1, and room for the products of some with all.
pub(super) struct Neighbours {
    device: Device,
    /// [K, d] on the host; of a zero atom zero.
    values: Vec<f32>,
    /// The same on the device.
    all: Tensor,
    /// [block, d].
    block: Tensor,
    /// [block, K].
    products: Tensor,
    dead: Vec<bool>,
}

impl Neighbours {
    /// For blocks of up to `block` of `atoms`, [K, d].
    pub fn new(
        subject: &Subject<'_>,
        codes: &AllCodes,
        atoms: &[f32],
        block: usize,
    ) -> Result<Self> {
        let (k, d) = (subject.concepts, subject.width);
        let device = subject.sae.device();
        let mut values = atoms.to_vec();
        normalize_rows(&mut values, d);
        let block = block.min(k);
        Ok(Self {
            all: Tensor::from_slice(device, k, d, &values)?,
            block: Tensor::zeros(device, block, d)?,
            products: Tensor::zeros(device, block, k)?,
            dead: (0..k).map(|concept| codes.is_dead(concept)).collect(),
            device: device.clone(),
            values,
        })
    }

    /// For each concept the `count` others that fire whose atoms have the largest cosine with its own, with that.
    pub async fn of(
        &mut self,
        concepts: Range<usize>,
        count: usize,
    ) -> Result<Vec<Vec<(u32, f32)>>> {
        let Self { device, values, all, block, products, dead } = self;
        let d = all.cols();
        block.set_rows(concepts.len());
        products.set_rows(concepts.len());
        block.write(&values[concepts.start * d..concepts.end * d]);
        device.gemm(block, all, products, Gemm { transpose_b: true, ..Gemm::default() });
        let cosines = products.read().await?;
        let rows = cosines.par_chunks(dead.len()).zip(concepts.into_par_iter());
        Ok(rows
            .map(|(row, concept)| {
                let others = (0u32..).zip(row.iter().map(|cosine| cosine.clamp(-1.0, 1.0)));
                let alive =
                    |&(other, _): &(u32, f32)| other as usize != concept && !dead[other as usize];
                highest(others.filter(alive), count)
            })
            .collect())
    }
}
