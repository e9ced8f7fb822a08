//! Encoders: inputs to pre-codes, and the way back.
//!
//! One of your own is an implementation of [`Encoder`], given to [`Sae::with_encoder`](super::Sae::with_encoder);
//! `examples/own_encoder` is a worked one.

mod identity;
mod linear;
mod mlp;
mod norm;
mod tied;

pub use identity::Identity;
pub use linear::Linear;
pub use mlp::Mlp;
pub use norm::NormKind;
pub use tied::Tied;

pub(crate) use linear::{BIAS, UNTIED_BIAS, UNTIED_WEIGHT, WEIGHT};
pub(crate) use mlp::{blocks_of, names as mlp_names};

use super::{EncoderKind, Parameter, SaeSettings, StateDict};
use crate::{
    device::{ByAtom, Device, Grad, Tensor},
    error::{Error, Result},
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

/// A batch on its way through an encoder.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// Where it is computed.
    pub device: &'a Device,
    /// Normalised inputs X [B, d].
    pub x: &'a Tensor,
    /// The dictionary D [K, d], for an encoder that [uses it](Encoder::uses_dictionary).
    pub dictionary: Option<&'a Tensor>,
    /// Whether the model is in train mode, so that norms go by the batch and not by what was learned of all.
    pub training: bool,
}

/// An encoder that is X Eᵀ + b and no more.
#[derive(Clone, Copy, Debug)]
pub struct LinearMap<'a> {
    /// E [K, d].
    pub weight: &'a Tensor,
    /// b [K, 1].
    pub bias: Option<&'a Tensor>,
}

/// Memory that an encoder works in, made once for the largest batch by [`Encoder::room`].
#[derive(Debug, Default)]
pub struct Room {
    /// Tensors with a row for each row of the batch; those who use them see as many rows as the batch has.
    pub batch: Vec<Tensor>,
    /// Tensors of one shape whatever the batch.
    pub fixed: Vec<Tensor>,
    /// The gradients of the parameters that are stored, each of its parameter's shape.
    pub gradients: Vec<Tensor>,
}

impl Room {
    /// Uses only the first `rows` rows of what belongs to a batch.
    pub(crate) fn set_rows(&mut self, rows: usize) {
        for tensor in &mut self.batch {
            tensor.set_rows(rows);
        }
    }
}

/// What the room is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// [`Encoder::forward`] alone.
    Encode,
    /// [`Encoder::backward`] too, from a sparse gradient.
    TrainSparse,
    /// [`Encoder::backward`] too, from a dense gradient.
    TrainDense,
}

/// An encoder: X [B, d] → pre-codes [B, K].
///
/// Operations are those of [`Backend`](crate::device::Backend), reached through the device of the [`Pass`]; on a GPU
/// they are recorded and run later, so nothing may be read back. All tensors that a pass needs live in a [`Room`].
pub trait Encoder: std::fmt::Debug + Send + Sync {
    /// Which one it is, as kept in the settings.
    fn kind(&self) -> EncoderKind {
        EncoderKind::Custom
    }

    /// Its trainable tensors, under their state-dict names, which start with "encoder.".
    fn parameters(&self) -> Vec<&Parameter>;

    /// The same, to update; in the same order.
    fn parameters_mut(&mut self) -> Vec<&mut Parameter>;

    /// What is added to each concept's pre-codes, [K, 1], if there is such a parameter.
    fn bias_mut(&mut self) -> Option<&mut Parameter> {
        None
    }

    /// What is kept beside the parameters and not trained, such as running statistics.
    fn buffers(&self) -> Vec<&Parameter> {
        Vec::new()
    }

    /// The same, to set.
    fn buffers_mut(&mut self) -> Vec<&mut Parameter> {
        Vec::new()
    }

    /// Whether [`Pass::dictionary`] is needed.
    fn uses_dictionary(&self) -> bool {
        false
    }

    /// Whether [`Encoder::backward`] takes [`PreCodeGrad::Sparse`]: where the gradient of each parameter's row j comes
    /// from the entries of concept j alone. Top-k trains several times faster then.
    fn takes_sparse(&self) -> bool {
        false
    }

    /// Whether codes are selected from relu(pre-codes), as they are for all but the identity.
    fn rectifies(&self) -> bool {
        true
    }

    /// The linear map that it is, if it is one. Top-k codes are then selected as their pre-codes are made, and
    /// [`Encoder::forward`] is not called where nobody asks for these.
    fn linear_map(&self) -> Option<LinearMap<'_>> {
        None
    }

    /// Memory for batches of up to `batch` rows.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the device cannot hold it.
    fn room(&self, device: &Device, batch: usize, purpose: Purpose) -> Result<Room>;

    /// Writes the pre-codes of the pass to `pre` [B, K].
    fn forward(&self, pass: &Pass<'_>, room: &mut Room, pre: &mut Tensor);

    /// Called once after each forward pass of a training step: the place to move running statistics.
    fn finish(&mut self, pass: &Pass<'_>, room: &Room) {
        let _ = (pass, room);
    }

    /// The gradient of each parameter, in the order of [`Encoder::parameters`], after a forward pass in the same room.
    /// Where the encoder uses the dictionary, its part of ∂loss/∂D is added to `grad_dictionary` [K, d].
    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>>;
}

/// The encoder that the settings name, with the values of its tensors.
pub(crate) fn build(
    device: &Device,
    settings: &SaeSettings,
    state: &StateDict,
) -> Result<Box<dyn Encoder>> {
    Ok(match settings.encoder {
        EncoderKind::Linear => Box::new(Linear::from_state(device, settings, state)?),
        EncoderKind::Untied => Box::new(Linear::untied_from_state(device, settings, state)?),
        EncoderKind::Identity => Box::new(Identity),
        EncoderKind::Tied => Box::new(Tied::from_state(device, settings, state)?),
        EncoderKind::MlpLn1 | EncoderKind::MlpLn3 | EncoderKind::MlpBn1 | EncoderKind::MlpBn3 => {
            Box::new(Mlp::from_state(device, settings, state)?)
        }
        EncoderKind::Custom => {
            return Err(Error::setting(
                "encoder",
                "custom",
                "one that this program knows",
                "The model was made with an encoder of its author's own: make it with Sae::with_encoder.",
            ));
        }
    })
}
