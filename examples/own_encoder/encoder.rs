//! An encoder of low rank: pre-codes = (X Aᵀ) Bᵀ + b, with A [r, d] and B [K, r].

use archetypal::{
    Device, Error, Result, Tensor,
    device::{Gemm, Grad},
    sae::{Encoder, Group, Parameter, Pass, PreCodeGrad, Purpose, Room, SaeSettings, StateDict},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Names in files; those of an encoder start with "encoder.".
const DOWN: &str = "encoder.down";
const UP: &str = "encoder.up";
const BIAS: &str = "encoder.bias";

/// r (d + K) weights where a linear encoder has d K.
#[derive(Debug)]
pub struct LowRank {
    /// A [r, d].
    down: Parameter,
    /// B [K, r].
    up: Parameter,
    /// b [K].
    bias: Parameter,
}

impl LowRank {
    /// Uniform initial weights, each row's length about one; no bias.
    pub fn initial(device: &Device, d: usize, k: usize, rank: usize, seed: u64) -> Result<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut uniform = |rows: usize, cols: usize| -> Vec<f32> {
            let bound = (3.0 / cols as f32).sqrt();
            (0..rows * cols).map(|_| rng.random_range(-bound..bound)).collect()
        };
        let mut state = StateDict::default();
        state.insert(DOWN, &[rank, d], uniform(rank, d));
        state.insert(UP, &[k, rank], uniform(k, rank));
        state.insert(BIAS, &[k], vec![0.0; k]);
        Self::from_state(device, d, k, &state)
    }

    /// From the tensors of a file.
    pub fn loaded(device: &Device, settings: &SaeSettings, state: &StateDict) -> Result<Self> {
        Self::from_state(device, settings.input_shape, settings.nb_concepts, state)
    }

    fn from_state(device: &Device, d: usize, k: usize, state: &StateDict) -> Result<Self> {
        let Some(&[rank, _]) = state.get(DOWN).map(|tensor| tensor.shape.as_slice()) else {
            return Err(Error::setting("encoder", "another", "one of low rank", ""));
        };
        let down = state.upload(device, DOWN, &[rank, d])?;
        let up = state.upload(device, UP, &[k, rank])?;
        let bias = state.upload(device, BIAS, &[k])?;
        Ok(Self {
            down: Parameter::matrix(DOWN, down, Group::Encoder),
            up: Parameter::matrix(UP, up, Group::Encoder),
            bias: Parameter::vector(BIAS, bias, Group::Encoder),
        })
    }
}

const NT: Gemm<'_> = Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };
const TN: Gemm<'_> = Gemm { transpose_a: true, transpose_b: false, accumulate: false, bias: None };

impl Encoder for LowRank {
    fn parameters(&self) -> Vec<&Parameter> {
        vec![&self.down, &self.up, &self.bias]
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        vec![&mut self.down, &mut self.up, &mut self.bias]
    }

    /// U = X Aᵀ and ∂loss/∂U [B, r], and gradients of the parameters' shapes.
    fn room(&self, device: &Device, batch: usize, purpose: Purpose) -> Result<Room> {
        let rank = self.down.value.rows();
        let mut room = Room::default();
        room.batch.push(Tensor::zeros(device, batch, rank)?);
        if purpose != Purpose::Encode {
            room.batch.push(Tensor::zeros(device, batch, rank)?);
            for parameter in self.parameters() {
                let [rows, cols] = parameter.value.shape();
                room.gradients.push(Tensor::zeros(device, rows, cols)?);
            }
        }
        Ok(room)
    }

    fn forward(&self, pass: &Pass<'_>, room: &mut Room, pre: &mut Tensor) {
        let u = &mut room.batch[0];
        pass.device.gemm(pass.x, &self.down.value, u, NT);
        let with_bias = Gemm { bias: Some(&self.bias.value), ..NT };
        pass.device.gemm(u, &self.up.value, pre, with_bias);
    }

    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        _grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        let PreCodeGrad::Dense(grad) = grad else {
            unreachable!("takes_sparse is false: A learns from all concepts together")
        };
        let Room { batch, gradients, .. } = room;
        let ([u, grad_u], [grad_down, grad_up, grad_bias]) = (&mut batch[..], &mut gradients[..])
        else {
            unreachable!("room to train")
        };
        let device = pass.device;
        device.gemm(grad, u, grad_up, TN);
        device.column_sums(grad, grad_bias);
        device.gemm(grad, &self.up.value, grad_u, Gemm::default());
        device.gemm(grad_u, pass.x, grad_down, TN);
        gradients.iter().map(Grad::Dense).collect()
    }
}
