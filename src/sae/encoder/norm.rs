//! Layer and batch normalisation with weight and bias, as PyTorch's.

use crate::{
    device::{Device, Tensor},
    error::Result,
    sae::{Group, Parameter, StateDict},
};

/// What is normalised together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// The values of each row.
    Layer,
    /// The values of each column of a batch; in eval mode by the running mean and variance.
    Batch,
}

/// State-dict names of a norm's tensors.
#[derive(Clone, Copy, Debug)]
pub(super) struct NormNames {
    pub weight: &'static str,
    pub bias: &'static str,
    pub running_mean: &'static str,
    pub running_variance: &'static str,
    pub batches: &'static str,
}

/// A norm over n values.
#[derive(Debug)]
pub(super) struct Norm {
    pub weight: Parameter,
    pub bias: Parameter,
    running: Option<Running>,
}

/// What batch normalisation knows of all batches so far.
#[derive(Debug)]
struct Running {
    mean: Parameter,
    variance: Parameter,
    batches: Parameter,
    count: f32,
}

/// What a forward pass leaves for the backward pass.
#[derive(Debug)]
pub(super) struct NormRoom<'a> {
    /// (x − mean) / std, [B, n].
    pub normed: &'a mut Tensor,
    /// 1 / std of each row, [B, 1]; layer normalisation only.
    pub inv_std: &'a mut Tensor,
    /// Moments of the columns, [n, 1] each; batch normalisation only.
    pub moments: &'a mut [Tensor],
}

impl Norm {
    pub fn from_state(
        device: &Device,
        kind: NormKind,
        n: usize,
        names: NormNames,
        state: &StateDict,
    ) -> Result<Self> {
        let vector = |name| -> Result<Parameter> {
            Ok(Parameter::vector(name, state.upload(device, name, &[n])?, Group::Encoder))
        };
        let running = match kind {
            NormKind::Layer => None,
            NormKind::Batch => Some(Running {
                mean: vector(names.running_mean)?,
                variance: vector(names.running_variance)?,
                count: state.values(names.batches, &[])?[0],
                batches: Parameter::scalar(
                    names.batches,
                    state.upload(device, names.batches, &[])?,
                    Group::Encoder,
                ),
            }),
        };
        Ok(Self { weight: vector(names.weight)?, bias: vector(names.bias)?, running })
    }

    pub fn buffers(&self) -> Vec<&Parameter> {
        match &self.running {
            None => Vec::new(),
            Some(Running { mean, variance, batches, .. }) => vec![mean, variance, batches],
        }
    }

    pub fn buffers_mut(&mut self) -> Vec<&mut Parameter> {
        match &mut self.running {
            None => Vec::new(),
            Some(Running { mean, variance, batches, .. }) => vec![mean, variance, batches],
        }
    }

    /// out [B, n] from x [B, n].
    pub fn forward(
        &self,
        device: &Device,
        training: bool,
        x: &Tensor,
        room: NormRoom<'_>,
        out: &mut Tensor,
    ) {
        let (weight, bias) = (&self.weight.value, &self.bias.value);
        let NormRoom { normed, inv_std, moments } = room;
        match (&self.running, moments) {
            (Some(_), [mean, variance]) if training => {
                device.column_moments(x, mean, variance);
                device.batch_norm(x, mean, variance, weight, bias, normed, out);
            }
            (Some(Running { mean, variance, .. }), _) => {
                let (mean, variance) = (&mean.value, &variance.value);
                device.batch_norm(x, mean, variance, weight, bias, normed, out);
            }
            (None, _) => device.layer_norm(x, weight, bias, normed, inv_std, out),
        }
    }

    /// Moves the running moments towards those of a batch of `rows` rows.
    pub fn finish(&mut self, device: &Device, rows: usize, moments: &[Tensor]) {
        let (Some(running), [mean, variance]) = (&mut self.running, moments) else { return };
        let (to_mean, to_variance) = (&mut running.mean.value, &mut running.variance.value);
        // The unbiased variance of a single row does not exist.
        if rows > 1 {
            device.running_moments(mean, variance, rows, to_mean, to_variance);
        }
        running.count += 1.0;
        device.fill(&mut running.batches.value, running.count);
    }

    /// `grad` [B, n] goes from ∂loss/∂out to ∂loss/∂x; the gradients of weight and bias [n, 1] are written.
    pub fn backward(
        &self,
        device: &Device,
        room: NormRoom<'_>,
        grad: &mut Tensor,
        grad_weight: &mut Tensor,
        grad_bias: &mut Tensor,
    ) {
        device.column_dots(grad, room.normed, grad_weight);
        device.column_sums(grad, grad_bias);
        let weight = &self.weight.value;
        match room.moments {
            [_, variance] => device.batch_norm_backward(room.normed, variance, weight, grad),
            _ => device.layer_norm_backward(room.normed, room.inv_std, weight, grad),
        }
    }
}
