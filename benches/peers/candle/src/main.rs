//! The training step of RA-TopK in candle on the CPU: dense, as its users would write it.
//!
//! `peer-candle DATA.safetensors d/K/N/B/k STEPS WARM_UP` prints one line of JSON.

use candle_core::{D, DType, Device, Error, Result, Tensor, Var, safetensors};
use candle_nn::{AdamW, Optimizer, ParamsAdamW};
use std::{collections::HashMap, time::Instant};

/// What `archetypal bench --save-data` wrote.
struct File(HashMap<String, Tensor>);

impl File {
    fn take(&mut self, name: &str) -> Result<Tensor> {
        self.0.remove(name).ok_or_else(|| Error::Msg(format!("there is no {name} in the file")))
    }
}

/// What is trained.
struct Model {
    encoder: Var,
    bias: Var,
    /// W [K, N].
    mixing: Var,
    /// R [K, d].
    relax: Var,
    /// m.
    multiplier: Var,
    points: Tensor,
    k: usize,
}

impl Model {
    /// With the encoder of the file, W = eye and R = 0.
    fn new(file: &mut File, k: usize) -> Result<Self> {
        let encoder = file.take("encoder.final_block.0.weight")?;
        let bias = file.take("encoder.final_block.0.bias")?;
        let points = file.take("points")?;
        let (concepts, d) = encoder.dims2()?;
        let (device, n) = (points.device(), points.dim(0)?);
        let mut eye = vec![0f32; concepts * n];
        (0..concepts.min(n)).for_each(|i| eye[i * n + i] = 1.0);
        Ok(Self {
            encoder: Var::from_tensor(&encoder)?,
            bias: Var::from_tensor(&bias)?,
            mixing: Var::from_vec(eye, (concepts, n), device)?,
            relax: Var::zeros((concepts, d), DType::F32, device)?,
            multiplier: Var::zeros((), DType::F32, device)?,
            points,
            k,
        })
    }

    fn variables(&self) -> Vec<Var> {
        let Self { encoder, bias, mixing, relax, multiplier, .. } = self;
        [encoder, bias, mixing, relax, multiplier].map(Var::clone).to_vec()
    }

    /// Rows of W onto the simplex, rows of R into the unit ball.
    fn project(&self) -> Result<()> {
        let mixing = self.mixing.as_detached_tensor().relu()?;
        let sums = (mixing.sum_keepdim(D::Minus1)? + 1e-8)?;
        self.mixing.set(&mixing.broadcast_div(&sums)?)?;
        let relax = self.relax.as_detached_tensor();
        let norms = (relax.sqr()?.sum_keepdim(D::Minus1)?.sqrt()? + 1e-12)?;
        let scale = norms.recip()?.minimum(1.0)?;
        self.relax.set(&relax.broadcast_mul(&scale)?)
    }

    /// The k largest of relu(pre-codes), zero elsewhere.
    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        let pre = x.matmul(&self.encoder.t()?)?.broadcast_add(&self.bias)?;
        let codes = pre.relu()?;
        let order = codes.detach().arg_sort_last_dim(false)?;
        let taken = order.narrow(D::Minus1, 0, self.k)?.contiguous()?;
        let values = codes.gather(&taken, D::Minus1)?;
        codes.zeros_like()?.scatter(&taken, &values, D::Minus1)
    }

    fn loss(&self, x: &Tensor) -> Result<Tensor> {
        let codes = self.encode(x)?;
        let dictionary = (self.mixing.matmul(&self.points)? + self.relax.as_tensor())?;
        let dictionary = dictionary.broadcast_mul(&self.multiplier.exp()?)?;
        (x - codes.matmul(&dictionary)?)?.sqr()?.mean_all()
    }

    /// One step: Adam, all gradients clipped to a norm of 1.
    fn step(&self, optimizer: &mut AdamW, x: &Tensor) -> Result<f32> {
        self.project()?;
        let loss = self.loss(x)?;
        let mut gradients = loss.backward()?;
        let variables = self.variables();
        let mut squares = 0.0;
        for variable in &variables {
            if let Some(gradient) = gradients.get(variable) {
                squares += gradient.sqr()?.sum_all()?.to_scalar::<f32>()?;
            }
        }
        let scale = (1.0 / (squares.sqrt() + 1e-6)).min(1.0);
        for variable in &variables {
            if let Some(gradient) = gradients.remove(variable) {
                gradients.insert(variable, (gradient * f64::from(scale))?);
            }
        }
        optimizer.step(&gradients)?;
        loss.to_scalar()
    }
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, size, steps, warm_up] = arguments.as_slice() else {
        return Err(Error::Msg("give DATA d/K/N/B/k STEPS WARM_UP".into()));
    };
    let number = |text: &str| text.parse().map_err(|_| Error::Msg(format!("{text} is no number")));
    let sizes = size.split('/').map(number).collect::<Result<Vec<usize>>>()?;
    let &[_, _, _, batch, k] = sizes.as_slice() else {
        return Err(Error::Msg(format!("{size} is not d/K/N/B/k")));
    };
    let (steps, warm_up) = (number(steps)?, number(warm_up)?);
    let mut file = File(safetensors::load(data, &Device::Cpu)?);
    let rows = file.take("rows")?;
    let model = Model::new(&mut file, k)?;
    // AdamW without decay is Adam.
    let settings = ParamsAdamW { lr: 5e-4, weight_decay: 0.0, ..ParamsAdamW::default() };
    let mut optimizer = AdamW::new(model.variables(), settings)?;
    let batches = rows.dim(0)? / batch;
    let (mut seconds, mut losses) = (Vec::new(), Vec::new());
    for i in 0..warm_up + steps {
        let x = rows.narrow(0, i % batches * batch, batch)?;
        let started = Instant::now();
        losses.push(model.step(&mut optimizer, &x)?);
        if i >= warm_up {
            seconds.push(started.elapsed().as_secs_f64());
        }
    }
    println!("{}", serde_json::json!({ "seconds": seconds, "losses": losses }));
    Ok(())
}
