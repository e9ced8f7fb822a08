//! X Eᵀ + b: the reference's default, and its untied encoder.

use super::{Encoder, LinearMap, Pass, PreCodeGrad, Purpose, Room};
use crate::{
    device::{Device, Gemm, Grad, Tensor},
    error::Result,
    sae::{EncoderKind, Group, Parameter, SaeSettings, StateDict},
};

/// State-dict names of E and b.
pub(crate) const WEIGHT: &str = "encoder.final_block.0.weight";
pub(crate) const BIAS: &str = "encoder.final_block.0.bias";
/// The same for an untied encoder; a tied one has the bias only.
pub(crate) const UNTIED_WEIGHT: &str = "encoder.weight";
pub(crate) const UNTIED_BIAS: &str = "encoder.bias";

/// X Eᵀ + b, with or without b.
#[derive(Debug)]
pub struct Linear {
    kind: EncoderKind,
    weight: Parameter,
    bias: Option<Parameter>,
}

impl Linear {
    /// The default encoder, from weight E [K, d] and bias b [K, 1].
    pub fn new(weight: Tensor, bias: Tensor) -> Self {
        assert_eq!(bias.shape(), [weight.rows(), 1], "shape of the encoder's bias");
        Self {
            kind: EncoderKind::Linear,
            weight: Parameter::matrix(WEIGHT, weight, Group::Encoder),
            bias: Some(Parameter::vector(BIAS, bias, Group::Encoder)),
        }
    }

    pub(super) fn from_state(
        device: &Device,
        settings: &SaeSettings,
        state: &StateDict,
    ) -> Result<Self> {
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let weight = state.upload(device, WEIGHT, &[k, d])?;
        Ok(Self::new(weight, state.upload(device, BIAS, &[k])?))
    }

    pub(super) fn untied_from_state(
        device: &Device,
        settings: &SaeSettings,
        state: &StateDict,
    ) -> Result<Self> {
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let weight = state.upload(device, UNTIED_WEIGHT, &[k, d])?;
        let bias = match settings.encoder_bias {
            true => Some(state.upload(device, UNTIED_BIAS, &[k])?),
            false => None,
        };
        Ok(Self {
            kind: EncoderKind::Untied,
            weight: Parameter::matrix(UNTIED_WEIGHT, weight, Group::Encoder),
            bias: bias.map(|bias| Parameter::vector(UNTIED_BIAS, bias, Group::Encoder)),
        })
    }
}

impl Encoder for Linear {
    fn kind(&self) -> EncoderKind {
        self.kind
    }

    fn parameters(&self) -> Vec<&Parameter> {
        std::iter::once(&self.weight).chain(&self.bias).collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        std::iter::once(&mut self.weight).chain(&mut self.bias).collect()
    }

    fn bias_mut(&mut self) -> Option<&mut Parameter> {
        self.bias.as_mut()
    }

    fn takes_sparse(&self) -> bool {
        true
    }

    fn linear_map(&self) -> Option<LinearMap<'_>> {
        let bias = self.bias.as_ref().map(|bias| &bias.value);
        Some(LinearMap { weight: &self.weight.value, bias })
    }

    fn room(&self, device: &Device, _batch: usize, purpose: Purpose) -> Result<Room> {
        let mut room = Room::default();
        if purpose == Purpose::TrainDense {
            for parameter in self.parameters() {
                let [rows, cols] = parameter.value.shape();
                room.gradients.push(Tensor::zeros(device, rows, cols)?);
            }
        }
        Ok(room)
    }

    fn forward(&self, pass: &Pass<'_>, _room: &mut Room, pre: &mut Tensor) {
        let bias = self.bias.as_ref().map(|bias| &bias.value);
        let spec = Gemm { transpose_b: true, bias, ..Gemm::default() };
        pass.device.gemm(pass.x, &self.weight.value, pre, spec);
    }

    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        _grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        let mut grads = Vec::new();
        match grad {
            PreCodeGrad::Sparse { by_atom, values, ones } => {
                grads.push(Grad::Rows { by_atom, values, source: pass.x });
                grads.push(Grad::Rows { by_atom, values, source: ones });
            }
            PreCodeGrad::Dense(grad) => {
                let (weight, bias) = room.gradients.split_at_mut(1);
                let spec = Gemm { transpose_a: true, ..Gemm::default() };
                pass.device.gemm(grad, pass.x, &mut weight[0], spec);
                grads.push(Grad::Dense(&weight[0]));
                for bias in bias {
                    pass.device.column_sums(grad, bias);
                    grads.push(Grad::Dense(bias));
                }
            }
        }
        grads.truncate(self.parameters().len());
        grads
    }
}
