//! X itself: the dictionary alone is learned.

use super::{Encoder, Pass, PreCodeGrad, Purpose, Room};
use crate::{
    device::{Device, Grad, Tensor},
    error::Result,
    sae::{EncoderKind, Parameter},
};

/// Pre-codes and codes are both X, without relu; K = d.
#[derive(Debug)]
pub struct Identity;

impl Encoder for Identity {
    fn kind(&self) -> EncoderKind {
        EncoderKind::Identity
    }

    fn parameters(&self) -> Vec<&Parameter> {
        Vec::new()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        Vec::new()
    }

    fn takes_sparse(&self) -> bool {
        true
    }

    fn rectifies(&self) -> bool {
        false
    }

    fn room(&self, _device: &Device, _batch: usize, _purpose: Purpose) -> Result<Room> {
        Ok(Room::default())
    }

    fn forward(&self, pass: &Pass<'_>, _room: &mut Room, pre: &mut Tensor) {
        pass.device.copy(pass.x, pre);
    }

    fn backward<'a>(
        &self,
        _pass: &Pass<'a>,
        _grad: PreCodeGrad<'a>,
        _room: &'a mut Room,
        _grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        Vec::new()
    }
}
