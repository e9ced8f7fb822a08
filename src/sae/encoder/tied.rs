//! X Dᵀ: an encoder without weights of its own.

use super::{Encoder, Pass, PreCodeGrad, Purpose, Room, UNTIED_BIAS};
use crate::{
    device::{Device, Gemm, Grad, Tensor},
    error::Result,
    sae::{EncoderKind, Group, Parameter, SaeSettings, StateDict},
};

/// X Dᵀ (+ b): gradients reach the dictionary through both of its uses.
#[derive(Debug)]
pub struct Tied {
    bias: Option<Parameter>,
}

impl Tied {
    pub(super) fn from_state(
        device: &Device,
        settings: &SaeSettings,
        state: &StateDict,
    ) -> Result<Self> {
        let bias = match settings.encoder_bias {
            true => Some(state.upload(device, UNTIED_BIAS, &[settings.nb_concepts])?),
            false => None,
        };
        let bias = bias.map(|bias| Parameter::vector(UNTIED_BIAS, bias, Group::Encoder));
        Ok(Self { bias })
    }
}

impl Encoder for Tied {
    fn kind(&self) -> EncoderKind {
        EncoderKind::Tied
    }

    fn parameters(&self) -> Vec<&Parameter> {
        self.bias.iter().collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        self.bias.iter_mut().collect()
    }

    fn bias_mut(&mut self) -> Option<&mut Parameter> {
        self.bias.as_mut()
    }

    fn uses_dictionary(&self) -> bool {
        true
    }

    fn room(&self, device: &Device, _batch: usize, purpose: Purpose) -> Result<Room> {
        let mut room = Room::default();
        if let (Purpose::TrainDense, Some(bias)) = (purpose, &self.bias) {
            room.gradients.push(Tensor::zeros(device, bias.value.rows(), 1)?);
        }
        Ok(room)
    }

    fn forward(&self, pass: &Pass<'_>, _room: &mut Room, pre: &mut Tensor) {
        let dictionary = pass.dictionary.expect("a tied encoder is given the dictionary");
        let bias = self.bias.as_ref().map(|bias| &bias.value);
        let spec = Gemm { transpose_b: true, bias, ..Gemm::default() };
        pass.device.gemm(pass.x, dictionary, pre, spec);
    }

    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        let (PreCodeGrad::Dense(grad), Some(grad_dictionary)) = (grad, grad_dictionary) else {
            unreachable!("a tied encoder trains densely")
        };
        let spec = Gemm { transpose_a: true, accumulate: true, ..Gemm::default() };
        pass.device.gemm(grad, pass.x, grad_dictionary, spec);
        let mut grads = Vec::new();
        for bias in &mut room.gradients {
            pass.device.column_sums(grad, bias);
            grads.push(Grad::Dense(bias));
        }
        grads
    }
}
