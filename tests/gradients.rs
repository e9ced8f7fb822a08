//! Every gradient of the training step against central differences of the loss, on every backend and path.
//!
//! The loss is piecewise quadratic in the encoder, W and R, so central differences have no truncation error there
//! as long as the selected codes stay the same; what is left is float32 rounding of the reconstruction. The thresholds'
//! gradient is a stand-in for a derivative that is zero; it is held against its formula instead.

mod common;

use archetypal::{
    Device, Tensor,
    sae::{EncoderKind, Kernel, Sae, SaeSettings, Selection, Tensors},
    train::{DataFacts, Path, TrainSettings, Trainer},
};
use common::noise;

const BATCH: usize = 37;

/// Relative error allowed: the loss, an f64 sum over float32 values, is good to about 1e-7 of itself, so that a step of
/// 2e-4 along a direction of unit length leaves about 1e-7 · loss / (2e-4 · slope); below 1e-4 was seen.
const TOLERANCE: f64 = 1e-3;
const STEP: f32 = 2e-4;

fn settings(selection: Selection, use_multiplier: bool) -> SaeSettings {
    SaeSettings {
        input_shape: 19,
        nb_concepts: 53,
        nb_points: 29,
        selection,
        delta: 0.8,
        use_multiplier,
        encoder: EncoderKind::Linear,
    }
}

fn tensors(settings: &SaeSettings) -> Tensors {
    let (d, k, n) = (settings.input_shape, settings.nb_concepts, settings.nb_points);
    let points = noise(n * d, 1);
    let mut tensors = Tensors::initial(settings, points, 7).unwrap();
    tensors.mixing = noise(k * n, 2).iter().map(|w| w.abs() / n as f32).collect();
    tensors.relax = noise(k * d, 3).iter().map(|r| 0.1 * r).collect();
    tensors.multiplier = if settings.use_multiplier { 0.2 } else { 0.0 };
    if let Selection::Jump { .. } = settings.selection {
        tensors.thresholds = noise(k, 4).iter().map(|t| -2.0 + 0.5 * t).collect();
    }
    tensors
}

/// The values of the parameter of that name.
fn values<'a>(tensors: &'a mut Tensors, name: &str) -> &'a mut [f32] {
    match name {
        "encoder.final_block.0.weight" => &mut tensors.encoder_weight,
        "encoder.final_block.0.bias" => &mut tensors.encoder_bias,
        "dictionary.W" => &mut tensors.mixing,
        "dictionary.Relax" => &mut tensors.relax,
        "dictionary.multiplier" => std::slice::from_mut(&mut tensors.multiplier),
        "thresholds" => &mut tensors.thresholds,
        other => panic!("no parameter {other}"),
    }
}

/// MSE of the model, and which codes are active.
async fn loss(
    device: &Device,
    settings: &SaeSettings,
    tensors: Tensors,
    x: &[f32],
) -> (f64, Vec<u32>) {
    let sae = Sae::new(device, settings.clone(), tensors).unwrap();
    let batch = Tensor::from_slice(device, BATCH, settings.input_shape, x).unwrap();
    let (encoded, x_hat) = sae.forward(&batch).unwrap();
    let x_hat = x_hat.read().await.unwrap();
    let sse: f64 = x.iter().zip(&x_hat).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    (sse / x.len() as f64, encoded.codes.rows().await.unwrap().indices)
}

fn trainer(device: &Device, settings: &SaeSettings, tensors: Tensors, path: Path) -> Trainer {
    let sae = Sae::new(device, settings.clone(), tensors).unwrap();
    let training = TrainSettings { batch_size: BATCH, ..TrainSettings::default() };
    let data = DataFacts { rows: BATCH, row_variance: 1.0 };
    let mut trainer = Trainer::new(sae, training, data).unwrap();
    trainer.fix_path(path).unwrap();
    trainer
}

async fn check(device: &Device, settings: &SaeSettings, path: Path) {
    let tensors = tensors(settings);
    let x = noise(BATCH * settings.input_shape, 5);
    let mut trainer = trainer(device, settings, tensors.clone(), path);
    let gradients = trainer.gradients(&x).await.unwrap();
    let names: Vec<_> = trainer.sae().parameters().iter().map(|p| p.name).collect();
    let (_, active) = loss(device, settings, tensors.clone(), &x).await;
    for (name, gradient) in
        names.into_iter().zip(gradients).filter(|(name, _)| *name != "thresholds")
    {
        let norm = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
        // Mostly along the gradient, for a slope that stands out; partly anywhere, to see what is missing from it.
        let noise = noise(gradient.len(), 6);
        let direction: Vec<f32> = gradient
            .iter()
            .zip(&noise)
            .map(|(g, noise)| g / norm as f32 + 0.5 * noise / (gradient.len() as f32).sqrt())
            .collect();
        let slope: f64 =
            gradient.iter().zip(&direction).map(|(g, v)| f64::from(*g) * f64::from(*v)).sum();
        let mut ends = Vec::new();
        for sign in [1.0, -1.0] {
            let mut moved = tensors.clone();
            for (value, v) in values(&mut moved, name).iter_mut().zip(&direction) {
                *value += sign * STEP * v;
            }
            let (loss, now_active) = loss(device, settings, moved, &x).await;
            assert_eq!(now_active, active, "{name}: the step changes which codes are active");
            ends.push(loss);
        }
        let measured = (ends[0] - ends[1]) / (2.0 * f64::from(STEP));
        let error = (measured - slope).abs() / slope.abs();
        println!(
            "{name:32} {path:?}: slope {slope:.4e}, measured {measured:.4e}, error {error:.1e}"
        );
        assert!(error < TOLERANCE, "{name} {path:?}: {measured} is not {slope}");
    }
}

fn check_all(device: &Device) {
    for use_multiplier in [true, false] {
        let top_k = settings(Selection::TopK { k: 6 }, use_multiplier);
        let jump = Selection::Jump { kernel: Kernel::Gaussian, bandwidth: 0.01 };
        let jump = settings(jump, use_multiplier);
        for settings in [top_k, jump] {
            for path in [Path::Factored, Path::Atoms, Path::Dense] {
                if path.suits(&settings) {
                    pollster::block_on(check(device, &settings, path));
                }
            }
        }
    }
}

/// ∂loss/∂t = θ·Σ_b −(θ/bw)·κ(a − θ)·∂loss/∂z, from the model's own dictionary, in f64.
async fn check_thresholds(device: &Device, kernel: Kernel, path: Path) {
    let bandwidth = 0.2;
    let settings = settings(Selection::Jump { kernel, bandwidth }, true);
    let tensors = tensors(&settings);
    let (d, k) = (settings.input_shape, settings.nb_concepts);
    let x = noise(BATCH * d, 5);
    let sae = Sae::new(device, settings.clone(), tensors.clone()).unwrap();
    let batch = Tensor::from_slice(device, BATCH, d, &x).unwrap();
    let (encoded, x_hat) = sae.forward(&batch).unwrap();
    let (pre, x_hat) = (encoded.pre_codes.read().await.unwrap(), x_hat.read().await.unwrap());
    let dictionary = sae.dictionary().await.unwrap();
    let mut expected = vec![0.0_f64; k];
    for b in 0..BATCH {
        for j in 0..k {
            let g: f64 = (0..d)
                .map(|i| {
                    let residual = f64::from(x_hat[b * d + i]) - f64::from(x[b * d + i]);
                    2.0 * residual / (BATCH * d) as f64 * f64::from(dictionary[j * d + i])
                })
                .sum();
            let theta = f64::from(tensors.thresholds[j]).exp();
            let distance = f64::from(pre[b * k + j]).max(0.0) - theta;
            let kappa = f64::from(kernel.value(distance as f32, bandwidth));
            expected[j] -= theta * theta / f64::from(bandwidth) * kappa * g;
        }
    }
    let mut trainer = trainer(device, &settings, tensors, path);
    let got = trainer.gradients(&x).await.unwrap().pop().unwrap();
    let difference: f64 = got.iter().zip(&expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| b * b).sum();
    let error = (difference / norm).sqrt();
    println!("thresholds {kernel:?} {path:?}: error {error:.1e}");
    assert!(norm > 0.0 && error < 1e-4, "thresholds {kernel:?} {path:?}: {error}");
}

fn check_all_thresholds(device: &Device) {
    for kernel in Kernel::ALL {
        for path in [Path::Factored, Path::Dense] {
            if path.suits(&settings(Selection::Jump { kernel, bandwidth: 0.2 }, true)) {
                pollster::block_on(check_thresholds(device, kernel, path));
            }
        }
    }
}

#[test]
fn central_differences_on_the_cpu() {
    check_all(&Device::cpu());
    check_all_thresholds(&Device::cpu());
}

#[test]
fn central_differences_on_the_gpu() {
    if let Some(device) = common::gpu("central_differences_on_the_gpu", None) {
        check_all(&device);
        check_all_thresholds(&device);
    }
}
