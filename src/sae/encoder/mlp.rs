//! The reference's mlp_ln_1, mlp_ln_3, mlp_bn_1 and mlp_bn_3: linear layers with norms, relu between them.

use super::{
    Encoder, NormKind, Pass, PreCodeGrad, Purpose, Room,
    norm::{Norm, NormNames, NormRoom},
};
use crate::{
    device::{Device, Gemm, Grad, Tensor},
    error::Result,
    sae::{EncoderKind, Group, Parameter, SaeSettings, StateDict},
};

/// State-dict names of a layer's tensors.
pub(crate) mod names {
    use super::NormNames;

    #[derive(Clone, Copy, Debug)]
    pub(crate) struct LayerNames {
        pub weight: &'static str,
        pub bias: &'static str,
        pub(in super::super) norm: NormNames,
    }

    macro_rules! layer {
        ($block:literal) => {
            LayerNames {
                weight: concat!("encoder.", $block, ".0.weight"),
                bias: concat!("encoder.", $block, ".0.bias"),
                norm: NormNames {
                    weight: concat!("encoder.", $block, ".1.weight"),
                    bias: concat!("encoder.", $block, ".1.bias"),
                    running_mean: concat!("encoder.", $block, ".1.running_mean"),
                    running_variance: concat!("encoder.", $block, ".1.running_var"),
                    batches: concat!("encoder.", $block, ".1.num_batches_tracked"),
                },
            }
        };
    }

    /// Hidden layers d → d.
    pub(crate) const HIDDEN: [LayerNames; 2] = [layer!("mlp_blocks.0"), layer!("mlp_blocks.1")];
    /// The last layer, d → K.
    pub(crate) const FINAL: LayerNames = layer!("final_block");

    impl LayerNames {
        /// The norm's names: (weight, bias, [running mean, running variance, batches]).
        pub(crate) fn norm(&self) -> (&'static str, &'static str, [&'static str; 3]) {
            let NormNames { weight, bias, running_mean, running_variance, batches } = self.norm;
            (weight, bias, [running_mean, running_variance, batches])
        }
    }
}

/// The layers of an mlp encoder, each with its names and width, and what its norms go over; none for another encoder.
pub(crate) fn blocks_of(
    settings: &SaeSettings,
) -> Option<(NormKind, Vec<(names::LayerNames, usize)>)> {
    let (k, d) = (settings.nb_concepts, settings.input_shape);
    let (norm, hidden) = match settings.encoder {
        EncoderKind::MlpLn1 => (NormKind::Layer, 0),
        EncoderKind::MlpLn3 => (NormKind::Layer, 2),
        EncoderKind::MlpBn1 => (NormKind::Batch, 0),
        EncoderKind::MlpBn3 => (NormKind::Batch, 2),
        _ => return None,
    };
    let mut layers: Vec<_> = names::HIDDEN[..hidden].iter().map(|&names| (names, d)).collect();
    layers.push((names::FINAL, k));
    Some((norm, layers))
}

/// X Aᵀ + b, then a norm.
#[derive(Debug)]
struct Layer {
    weight: Parameter,
    bias: Parameter,
    norm: Norm,
}

impl Layer {
    fn width(&self) -> usize {
        self.weight.value.rows()
    }
}

/// Layers of linear and norm, with relu between them.
#[derive(Debug)]
pub struct Mlp {
    kind: EncoderKind,
    norm: NormKind,
    layers: Vec<Layer>,
}

/// Tensors of a layer among those of the batch: activations (before the norm, later after relu), normed, 1/std, and
/// what comes out of the norm, which for the last layer are the pre-codes.
const OF_BATCH: usize = 4;
/// Gradients of a layer: of weight, bias, norm weight, norm bias.
const OF_PARAMETERS: usize = 4;

impl Mlp {
    pub(super) fn from_state(
        device: &Device,
        settings: &SaeSettings,
        state: &StateDict,
    ) -> Result<Self> {
        let (norm, blocks) = blocks_of(settings).expect("an mlp encoder");
        let d = settings.input_shape;
        let layer = |(names, n): (names::LayerNames, usize)| -> Result<Layer> {
            let weight = state.upload(device, names.weight, &[n, d])?;
            let bias = state.upload(device, names.bias, &[n])?;
            Ok(Layer {
                weight: Parameter::matrix(names.weight, weight, Group::Encoder),
                bias: Parameter::vector(names.bias, bias, Group::Encoder),
                norm: Norm::from_state(device, norm, n, names.norm, state)?,
            })
        };
        let layers = blocks.into_iter().map(layer).collect::<Result<_>>()?;
        Ok(Self { kind: settings.encoder, norm, layers })
    }

    /// Moments of a layer among the tensors of one shape.
    fn moments(&self, layer: usize) -> std::ops::Range<usize> {
        match self.norm {
            NormKind::Layer => 0..0,
            NormKind::Batch => 2 * layer..2 * layer + 2,
        }
    }

    /// Where the gradients that travel back stand among the tensors of the batch: [B, K], [B, d], [B, d].
    fn travelling(&self) -> usize {
        OF_BATCH * self.layers.len()
    }
}

impl Encoder for Mlp {
    fn kind(&self) -> EncoderKind {
        self.kind
    }

    fn parameters(&self) -> Vec<&Parameter> {
        self.layers
            .iter()
            .flat_map(|layer| [&layer.weight, &layer.bias, &layer.norm.weight, &layer.norm.bias])
            .collect()
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        self.layers
            .iter_mut()
            .flat_map(|Layer { weight, bias, norm }| {
                [weight, bias, &mut norm.weight, &mut norm.bias]
            })
            .collect()
    }

    fn bias_mut(&mut self) -> Option<&mut Parameter> {
        self.layers.last_mut().map(|layer| &mut layer.norm.bias)
    }

    fn buffers(&self) -> Vec<&Parameter> {
        self.layers.iter().flat_map(|layer| layer.norm.buffers()).collect()
    }

    fn buffers_mut(&mut self) -> Vec<&mut Parameter> {
        self.layers.iter_mut().flat_map(|layer| layer.norm.buffers_mut()).collect()
    }

    fn room(&self, device: &Device, batch: usize, purpose: Purpose) -> Result<Room> {
        let mut room = Room::default();
        for (i, layer) in self.layers.iter().enumerate() {
            let n = layer.width();
            // The last layer's norm writes to the pre-codes.
            let out = if i + 1 < self.layers.len() { n } else { 1 };
            for cols in [n, n, 1, out] {
                room.batch.push(Tensor::zeros(device, batch, cols)?);
            }
            for _ in self.moments(i) {
                room.fixed.push(Tensor::zeros(device, n, 1)?);
            }
        }
        if purpose == Purpose::TrainDense {
            let d = self.layers[0].weight.value.cols();
            let k = self.layers[self.layers.len() - 1].width();
            for cols in [k, d, d] {
                room.batch.push(Tensor::zeros(device, batch, cols)?);
            }
            for parameter in self.parameters() {
                let [rows, cols] = parameter.value.shape();
                room.gradients.push(Tensor::zeros(device, rows, cols)?);
            }
        }
        Ok(room)
    }

    fn forward(&self, pass: &Pass<'_>, room: &mut Room, pre: &mut Tensor) {
        let Pass { device, training, .. } = *pass;
        let last = self.layers.len() - 1;
        for (i, layer) in self.layers.iter().enumerate() {
            let (before, here) = room.batch.split_at_mut(OF_BATCH * i);
            let input = if i == 0 { pass.x } else { &before[OF_BATCH * (i - 1)] };
            let [linear, normed, inv_std, out, ..] = here else { unreachable!("room of a layer") };
            let spec = Gemm { transpose_b: true, bias: Some(&layer.bias.value), ..Gemm::default() };
            device.gemm(input, &layer.weight.value, linear, spec);
            let moments = &mut room.fixed[self.moments(i)];
            let norm = NormRoom { normed, inv_std, moments };
            if i == last {
                layer.norm.forward(device, training, linear, norm, pre);
            } else {
                layer.norm.forward(device, training, linear, norm, out);
                device.relu(out, linear);
            }
        }
    }

    fn finish(&mut self, pass: &Pass<'_>, room: &Room) {
        for i in 0..self.layers.len() {
            let moments = &room.fixed[self.moments(i)];
            self.layers[i].norm.finish(pass.device, pass.x.rows(), moments);
        }
    }

    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        _grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        let PreCodeGrad::Dense(grad) = grad else { unreachable!("norms train densely") };
        let device = pass.device;
        let (layers, travelling) = room.batch.split_at_mut(self.travelling());
        let [at_pre, here, there] = travelling else { unreachable!("room of the gradients") };
        device.copy(grad, at_pre);
        let (mut at_out, mut free) = (at_pre, [there, here]);
        for (i, layer) in self.layers.iter().enumerate().rev() {
            let (before, of_layer) = layers.split_at_mut(OF_BATCH * i);
            let [activations, normed, inv_std, ..] = of_layer else {
                unreachable!("room of a layer")
            };
            if i + 1 < self.layers.len() {
                device.relu_backward(activations, at_out);
            }
            let own = &mut room.gradients[OF_PARAMETERS * i..][..OF_PARAMETERS];
            let [weight, bias, norm_weight, norm_bias] = own else {
                unreachable!("gradients of a layer")
            };
            let moments = &mut room.fixed[self.moments(i)];
            let norm = NormRoom { normed, inv_std, moments };
            layer.norm.backward(device, norm, at_out, norm_weight, norm_bias);
            let input = if i == 0 { pass.x } else { &before[OF_BATCH * (i - 1)] };
            device.gemm(at_out, input, weight, Gemm { transpose_a: true, ..Gemm::default() });
            device.column_sums(at_out, bias);
            if i > 0 {
                let [next, other] = free;
                device.gemm(at_out, &layer.weight.value, next, Gemm::default());
                (at_out, free) = (next, [other, at_out]);
            }
        }
        room.gradients.iter().map(Grad::Dense).collect()
    }
}
