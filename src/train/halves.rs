//! The encoder's product over float16: copies of the batch and of the weights, made anew for every pass.

use crate::{
    device::{Codes, Device, Halves, Tensor, TopKRoom},
    error::Result,
    sae::{LinearMap, Sae},
};

/// What a linear encoder reads in the place of X and E. Both are rounded where they are read, so that no update of E can
/// be missed; the parameter itself, its moments and its gradient are in float32.
#[derive(Debug)]
pub(crate) struct HalfOperands {
    /// X, [B, d].
    x: Halves,
    /// E, [K, d].
    weight: Halves,
}

impl HalfOperands {
    /// Room for batches of up to `batch` rows, for an encoder that is a [linear map](crate::sae::Encoder::linear_map).
    pub fn new(device: &Device, weight: &Tensor, batch: usize) -> Result<Self> {
        let [concepts, d] = weight.shape();
        Ok(Self {
            x: Halves::zeros(device, batch, d)?,
            weight: Halves::zeros(device, concepts, d)?,
        })
    }

    /// Uses only the first `rows` rows.
    pub fn set_rows(&mut self, rows: usize) {
        self.x.set_rows(rows);
    }

    /// pre [B, K] = X Eᵀ + b.
    pub fn pre_codes(&mut self, sae: &Sae, x: &Tensor, pre: &mut Tensor) {
        let bias = self.round(sae, x);
        sae.device().gemm_halves(&self.x, &self.weight, bias, pre);
    }

    /// Top-k codes of X Eᵀ + b, which is not kept.
    pub fn top_k(&mut self, sae: &Sae, x: &Tensor, room: &mut TopKRoom, codes: &mut Codes) {
        let bias = self.round(sae, x);
        sae.device().linear_top_k_halves(&self.x, &self.weight, bias, room, codes);
    }

    /// Takes X and E as they are now; gives the bias.
    fn round<'a>(&mut self, sae: &'a Sae, x: &Tensor) -> Option<&'a Tensor> {
        let map = sae.encoder.linear_map();
        let LinearMap { weight, bias } = map.expect("halves are made for a linear map");
        sae.device().narrow(x, &mut self.x);
        sae.device().narrow(weight, &mut self.weight);
        bias
    }
}
