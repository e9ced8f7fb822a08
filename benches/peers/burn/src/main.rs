//! The training step of RA-TopK in burn on wgpu: dense, as its users would write it.
//!
//! `peer-burn DATA.safetensors d/K/N/B/k STEPS WARM_UP` prints one line of JSON. The adapter is the one that burn
//! takes; VK_DRIVER_FILES chooses a driver.

use burn::{
    module::{Module, Param},
    optim::{AdamConfig, GradientsParams, ModuleOptimizer},
    tensor::{Device, DeviceKind, Tensor, TensorData, activation::relu},
};
use safetensors::SafeTensors;
use std::time::Instant;

/// What is trained.
#[derive(Module, Debug)]
struct Model {
    /// E, transposed: [d, K].
    encoder: Param<Tensor<2>>,
    bias: Param<Tensor<2>>,
    /// W [K, N].
    mixing: Param<Tensor<2>>,
    /// R [K, d].
    relax: Param<Tensor<2>>,
    /// m.
    multiplier: Param<Tensor<2>>,
}

impl Model {
    /// With `encoder` [K, d] and `bias` [1, K], W = eye and R = 0.
    fn new(encoder: Tensor<2>, bias: Tensor<2>, n: usize) -> Self {
        let ([concepts, d], device) = (encoder.dims(), &encoder.device());
        let mut eye = vec![0f32; concepts * n];
        (0..concepts.min(n)).for_each(|i| eye[i * n + i] = 1.0);
        let eye = Tensor::from_data(TensorData::new(eye, [concepts, n]), device);
        Self {
            // By way of the host, so that it lies in memory as it is multiplied.
            encoder: Param::from_tensor(Tensor::from_data(encoder.transpose().into_data(), device)),
            bias: Param::from_tensor(bias),
            mixing: Param::from_tensor(eye),
            relax: Param::from_tensor(Tensor::zeros([concepts, d], device)),
            multiplier: Param::from_tensor(Tensor::zeros([1, 1], device)),
        }
    }

    /// Rows of W onto the simplex, rows of R into the unit ball.
    fn project(mut self) -> Self {
        self.mixing = self.mixing.map(|mixing| {
            let mixing = relu(mixing.inner());
            let sums = mixing.clone().sum_dim(1) + 1e-8;
            Tensor::from_inner(mixing / sums).require_grad()
        });
        self.relax = self.relax.map(|relax| {
            let relax = relax.inner();
            let norms = relax.clone().square().sum_dim(1).sqrt() + 1e-12;
            Tensor::from_inner(relax * norms.recip().clamp_max(1.0)).require_grad()
        });
        self
    }

    fn loss(&self, x: Tensor<2>, points: Tensor<2>, k: usize) -> Tensor<1> {
        let codes = relu(x.clone().matmul(self.encoder.val()) + self.bias.val());
        // The k largest, zero elsewhere.
        let (values, taken) = codes.clone().topk_with_indices(k, 1);
        let codes =
            codes.zeros_like().scatter(1, taken, values, burn::tensor::IndexingUpdateOp::Add);
        let dictionary =
            (self.mixing.val().matmul(points) + self.relax.val()) * self.multiplier.val().exp();
        (x - codes.matmul(dictionary)).square().mean()
    }
}

/// One step: Adam, all gradients clipped to a norm of 1.
fn step(
    model: Model,
    optimizer: &mut ModuleOptimizer,
    x: Tensor<2>,
    points: Tensor<2>,
    k: usize,
) -> (Model, Tensor<1>) {
    let model = model.project();
    let loss = model.loss(x, points, k);
    let mut gradients = GradientsParams::from_grads(loss.backward(), &model);
    let ids =
        [&model.encoder, &model.bias, &model.mixing, &model.relax, &model.multiplier].map(|p| p.id);
    let taken: Vec<_> =
        ids.iter().filter_map(|&id| Some((id, gradients.remove::<2>(id)?))).collect();
    let squares = taken.iter().map(|(_, gradient)| gradient.clone().square().sum());
    let norm = squares.reduce(|a, b| a + b).expect("there are gradients").sqrt();
    let scale = (norm + 1e-6).recip().clamp_max(1.0).reshape([1, 1]);
    for (id, gradient) in taken {
        gradients.register(id, gradient * scale.clone());
    }
    (optimizer.step(5e-4, model, gradients), loss)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, size, steps, warm_up] = arguments.as_slice() else {
        panic!("give DATA d/K/N/B/k STEPS WARM_UP");
    };
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let sizes: Vec<usize> = size.split('/').map(number).collect();
    let &[d, _, n, batch, k] = sizes.as_slice() else { panic!("{size} is not d/K/N/B/k") };
    let (steps, warm_up) = (number(steps), number(warm_up));
    let plain = Device::wgpu(DeviceKind::DefaultDevice);
    let device = plain.clone().autodiff();
    let bytes = std::fs::read(data).expect("the data");
    let tensors = SafeTensors::deserialize(&bytes).expect("a .safetensors file");
    let matrix = |name: &str| {
        let tensor = tensors.tensor(name).expect(name);
        let values: Vec<f32> = tensor
            .data()
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect();
        let width = tensor.shape().last().copied().expect("a shape");
        let shape = [values.len() / width, width];
        Tensor::<2>::from_data(TensorData::new(values, shape), &device)
    };
    let (rows, points) = (matrix("rows"), matrix("points"));
    let encoder = matrix("encoder.final_block.0.weight");
    let bias = matrix("encoder.final_block.0.bias");
    drop(bytes);
    let batches = rows.dims()[0] / batch;
    let mut model = Model::new(encoder, bias, n);
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for i in 0..warm_up + steps {
        let first = i % batches * batch;
        let x = rows.clone().slice([first..first + batch, 0..d]);
        device.sync().expect("the device");
        let started = Instant::now();
        let (next, loss) = step(model, &mut optimizer, x, points.clone(), k);
        model = next;
        losses.push(loss.into_scalar::<f32>());
        device.sync().expect("the device");
        if i >= warm_up {
            seconds.push(started.elapsed().as_secs_f64());
        }
    }
    let adapter = plain.identity().map(|identity| identity.name);
    println!("{}", serde_json::json!({ "seconds": seconds, "losses": losses, "device": adapter }));
}
