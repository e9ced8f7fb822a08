//! Encoders: inputs to pre-codes, and the way back.

use super::{EncoderKind, Parameter};
use crate::{
    device::{ByAtom, Device, Gemm, Grad, Projection, Tensor},
    error::Result,
};

/// ∂loss/∂pre-codes, as the selection left it.
#[derive(Clone, Copy, Debug)]
pub enum PreCodeGrad<'a> {
    /// At every place, [B, K].
    Dense(&'a Tensor),
    /// At the entries of the codes only; zero elsewhere.
    Sparse {
        /// Which entries belong to which atom.
        by_atom: &'a ByAtom,
        /// The gradient at each entry, [B, width].
        values: &'a Tensor,
        /// A column of ones, [B, 1].
        ones: &'a Tensor,
    },
}

/// An encoder: X [B, d] → pre-codes [B, K]. The codes are selected from relu(pre-codes).
///
/// Gradients that have to be stored live in the scratch tensors that [`Encoder::scratch`] makes, so that a model
/// that only encodes holds none.
pub trait Encoder: std::fmt::Debug + Send + Sync {
    /// Which one it is, as kept in the settings.
    fn kind(&self) -> EncoderKind;

    /// Its trainable tensors, under the reference's state-dict names.
    fn parameters(&self) -> Vec<&Parameter>;

    /// The same, to update; in the same order.
    fn parameters_mut(&mut self) -> Vec<&mut Parameter>;

    /// Writes the pre-codes of `x` to `pre` [B, K].
    fn forward(&self, device: &Device, x: &Tensor, pre: &mut Tensor);

    /// Room for the gradients that dense pre-code gradients need.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    fn scratch(&self, device: &Device) -> Result<Vec<Tensor>>;

    /// The gradient of each parameter, in the order of [`Encoder::parameters`]. `scratch` is empty when the
    /// gradient is sparse.
    fn backward<'a>(
        &self,
        device: &Device,
        x: &'a Tensor,
        grad: PreCodeGrad<'a>,
        scratch: &'a mut [Tensor],
    ) -> Vec<Grad<'a>>;
}

/// X Eᵀ + b.
#[derive(Debug)]
pub struct Linear {
    weight: Parameter,
    bias: Parameter,
}

/// State-dict name of E.
pub(crate) const WEIGHT: &str = "encoder.final_block.0.weight";
/// State-dict name of b.
pub(crate) const BIAS: &str = "encoder.final_block.0.bias";

impl Linear {
    /// From weight E [K, d] and bias b [K, 1].
    pub fn new(weight: Tensor, bias: Tensor) -> Self {
        assert_eq!(bias.shape(), [weight.rows(), 1], "shape of the encoder's bias");
        Self {
            weight: Parameter::matrix(WEIGHT, weight, Projection::None),
            bias: Parameter::vector(BIAS, bias),
        }
    }
}

impl Encoder for Linear {
    fn kind(&self) -> EncoderKind {
        EncoderKind::Linear
    }

    fn parameters(&self) -> Vec<&Parameter> {
        vec![&self.weight, &self.bias]
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        vec![&mut self.weight, &mut self.bias]
    }

    fn forward(&self, device: &Device, x: &Tensor, pre: &mut Tensor) {
        let spec = Gemm { transpose_b: true, bias: Some(&self.bias.value), ..Gemm::default() };
        device.gemm(x, &self.weight.value, pre, spec);
    }

    fn scratch(&self, device: &Device) -> Result<Vec<Tensor>> {
        let [concepts, width] = self.weight.value.shape();
        Ok(vec![Tensor::zeros(device, concepts, width)?, Tensor::zeros(device, concepts, 1)?])
    }

    fn backward<'a>(
        &self,
        device: &Device,
        x: &'a Tensor,
        grad: PreCodeGrad<'a>,
        scratch: &'a mut [Tensor],
    ) -> Vec<Grad<'a>> {
        match grad {
            PreCodeGrad::Sparse { by_atom, values, ones } => vec![
                Grad::Rows { by_atom, values, source: x },
                Grad::Rows { by_atom, values, source: ones },
            ],
            PreCodeGrad::Dense(grad) => {
                let [weight, bias] = scratch else { panic!("scratch of the linear encoder") };
                device.gemm(grad, x, weight, Gemm { transpose_a: true, ..Gemm::default() });
                device.column_sums(grad, bias);
                vec![Grad::Dense(weight), Grad::Dense(bias)]
            }
        }
    }
}
