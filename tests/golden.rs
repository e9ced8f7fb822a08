//! Every reference case on every backend: what overcomplete computed in float64 against what we compute.
//!
//! Cases come from `$ARCHETYPAL_GOLDEN`, else `../shared/golden` where that exists, else the few in
//! `tests/golden_data`. `cargo test --release --test golden -- --nocapture` prints a line a case.

mod common;

use archetypal::{
    Device, Tensor,
    sae::{EncoderKind, Kernel, Sae, SaeSettings, Selection, Tensors},
    train::{ClipGrad, DataFacts, Event, Path as StepPath, Schedule, TrainSettings, Trainer},
};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::{collections::HashMap, path::PathBuf};

#[derive(Deserialize)]
struct Config {
    kind: String,
    dim: usize,
    concepts: usize,
    points: usize,
    batch: usize,
    steps: u64,
    lr: f64,
    clip_grad: Option<f32>,
    #[serde(default)]
    cosine: bool,
    #[serde(default)]
    delta: f32,
    use_multiplier: bool,
    loss: String,
    encoder: String,
    top_k: Option<usize>,
    bandwidth: Option<f32>,
    kernel: Option<String>,
}

struct Case {
    config: Config,
    float32_error: HashMap<String, f64>,
    tensors: HashMap<String, Vec<f64>>,
}

/// A name and what we computed under it.
type Computed = Vec<(String, Vec<f32>)>;

fn folder() -> PathBuf {
    if let Ok(folder) = std::env::var("ARCHETYPAL_GOLDEN") {
        return folder.into();
    }
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let shared = root.join("../shared/golden");
    if shared.is_dir() { shared } else { root.join("tests/golden_data") }
}

fn load(bytes: &[u8]) -> Case {
    let (_, header) = SafeTensors::read_metadata(bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    let file = SafeTensors::deserialize(bytes).unwrap();
    let tensors = file.iter().map(|(name, view)| {
        let values = match view.dtype() {
            safetensors::Dtype::F32 => view
                .data()
                .chunks(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()).into())
                .collect(),
            safetensors::Dtype::F64 => {
                view.data().chunks(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
            }
            other => panic!("{name} holds {other:?}"),
        };
        (name.to_owned(), values)
    });
    Case {
        config: serde_json::from_str(&metadata["config"]).unwrap(),
        float32_error: serde_json::from_str(&metadata["float32_error"]).unwrap(),
        tensors: tensors.collect(),
    }
}

/// Why a case cannot be run, if it cannot.
fn not_built(config: &Config) -> Option<String> {
    if config.encoder != "linear" {
        Some(format!("encoder {}", config.encoder))
    } else if config.loss != "mse" {
        Some(format!("loss {}", config.loss))
    } else if !config.kind.starts_with("ra-") {
        Some(format!("model {}", config.kind))
    } else {
        None
    }
}

impl Case {
    fn floats(&self, name: &str) -> Vec<f32> {
        self.tensors[name].iter().map(|&value| value as f32).collect()
    }

    fn settings(&self) -> SaeSettings {
        let c = &self.config;
        let selection = match c.kind.as_str() {
            "ra-topk" => {
                Selection::TopK { k: c.top_k.unwrap_or(Selection::default_top_k(c.concepts)) }
            }
            _ => Selection::Jump {
                kernel: Kernel::from_name(c.kernel.as_ref().unwrap()).unwrap(),
                bandwidth: c.bandwidth.unwrap(),
            },
        };
        SaeSettings {
            input_shape: c.dim,
            nb_concepts: c.concepts,
            nb_points: c.points,
            selection,
            delta: c.delta,
            use_multiplier: c.use_multiplier,
            encoder: EncoderKind::Linear,
        }
    }

    fn sae(&self, device: &Device) -> Sae {
        let tensors = Tensors {
            encoder_weight: self.floats("init.encoder.final_block.0.weight"),
            encoder_bias: self.floats("init.encoder.final_block.0.bias"),
            mixing: self.floats("init.dictionary.W"),
            relax: self.floats("init.dictionary.Relax"),
            points: self.floats("points"),
            multiplier: self.floats("init.dictionary.multiplier")[0],
            thresholds: match self.tensors.contains_key("init.thresholds") {
                true => self.floats("init.thresholds"),
                false => Vec::new(),
            },
        };
        let mut sae = Sae::new(device, self.settings(), tensors).unwrap();
        sae.project();
        sae
    }

    fn training(&self) -> TrainSettings {
        let c = &self.config;
        let schedule = match c.cosine {
            true => Schedule::Cosine { warmup: c.steps / 4, final_share: 0.1 },
            false => Schedule::Constant,
        };
        TrainSettings {
            epochs: c.steps,
            batch_size: c.batch,
            lr: c.lr,
            schedule,
            clip_grad: ClipGrad(c.clip_grad),
            ..TrainSettings::default()
        }
    }

    /// Ways to compute the step that give different code paths the same case.
    fn paths(&self) -> Vec<StepPath> {
        let all = [StepPath::Factored, StepPath::Atoms, StepPath::Dense];
        all.into_iter().filter(|path| path.suits(&self.settings())).collect()
    }

    async fn run(&self, device: &Device, path: StepPath) -> Computed {
        let (d, batch) = (self.config.dim, self.config.batch);
        let x = self.floats("x");
        let sae = self.sae(device);
        let first = Tensor::from_slice(device, batch, d, &x[..batch * d]).unwrap();
        let mut computed = forward("", &sae, &first).await;
        let data = DataFacts { rows: batch, row_variance: 1.0 };
        let mut trainer = Trainer::new(sae, self.training(), data).unwrap();
        trainer.fix_path(path).unwrap();
        let gradients = trainer.gradients(&x[..batch * d]).await.unwrap();
        for (parameter, gradient) in trainer.sae().parameters().iter().zip(gradients) {
            computed.push((format!("grad.{}", parameter.name), gradient));
        }
        for batch in x.chunks_exact(batch * d) {
            trainer.step(batch).await.unwrap();
        }
        let (loss, norm): (Vec<f32>, Vec<f32>) = trainer
            .take_events()
            .iter()
            .filter_map(|event| match event {
                Event::Step { loss, grad_norm, .. } => Some((*loss, *grad_norm)),
                _ => None,
            })
            .unzip();
        computed.push(("step_loss".into(), loss));
        if self.config.clip_grad.is_some() {
            computed.push(("grad_norm".into(), norm));
        }
        let mut sae = trainer.into_sae();
        for parameter in sae.parameters() {
            let value = parameter.value.read().await.unwrap();
            computed.push((format!("final.{}", parameter.name), value));
        }
        sae.eval().unwrap();
        computed.extend(forward("eval.", &sae, &first).await);
        computed
    }

    /// The tensor nearest to its bound: (error / bound, name, error, bound).
    fn worst(&self, computed: &Computed) -> (f64, String, f64, f64) {
        let mut worst = (0.0, String::from("none"), 0.0, 0.0);
        for (name, ours) in computed {
            let float32_error = self.float32_error[name];
            if float32_error > 0.01 {
                continue;
            }
            let bound = (20.0 * float32_error).max(2e-5);
            let error = relative_error(ours, &self.tensors[name]);
            if std::env::var_os("ARCHETYPAL_GOLDEN_VERBOSE").is_some() {
                println!("    {name:44} {error:.1e} of {bound:.1e}");
            }
            let share = if error.is_nan() { f64::INFINITY } else { error / bound };
            if share >= worst.0 {
                worst = (share, name.clone(), error, bound);
            }
        }
        worst
    }
}

async fn forward(prefix: &str, sae: &Sae, x: &Tensor) -> Computed {
    let (encoded, x_hat) = sae.forward(x).unwrap();
    let pre_codes = encoded.pre_codes.read().await.unwrap();
    let codes = encoded.codes.into_dense(sae.device()).unwrap().read().await.unwrap();
    vec![
        (format!("{prefix}pre_codes"), pre_codes),
        (format!("{prefix}codes"), codes),
        (format!("{prefix}x_hat"), x_hat.read().await.unwrap()),
        (format!("{prefix}dictionary"), sae.dictionary().await.unwrap()),
    ]
}

/// ‖a − b‖ / ‖b‖, with b the reference's.
fn relative_error(ours: &[f32], reference: &[f64]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let difference: f64 =
        ours.iter().zip(reference).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
    let norm: f64 = reference.iter().map(|b| b * b).sum();
    difference.sqrt() / (norm.sqrt() + 1e-30)
}

fn run_all(device: &Device) {
    let folder = folder();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    files.sort();
    println!("{} cases of {} on {}", files.len(), folder.display(), device.name());
    let (mut passed, mut skipped, mut failed) = (0, 0, Vec::new());
    for file in &files {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let case = load(&std::fs::read(file).unwrap());
        if let Some(what) = not_built(&case.config) {
            println!("  {name:34} skipped: {what} is not built yet");
            skipped += 1;
            continue;
        }
        let mut ok = true;
        for path in case.paths() {
            let computed = pollster::block_on(case.run(device, path));
            let (share, tensor, error, bound) = case.worst(&computed);
            let verdict = if share <= 1.0 { "ok" } else { "OUT" };
            println!("  {name:34} {path:<9?} {verdict:3} {tensor:40} {error:.1e} of {bound:.1e}");
            ok &= share <= 1.0;
        }
        if ok { passed += 1 } else { failed.push(name) }
    }
    println!("{passed} passed, {} failed, {skipped} skipped of {}", failed.len(), files.len());
    assert!(passed > 0, "no case was run");
    assert!(failed.is_empty(), "out of bounds on {}: {failed:?}", device.name());
}

#[test]
fn golden_cases_on_the_cpu() {
    run_all(&Device::cpu());
}

#[test]
fn golden_cases_on_the_gpu() {
    if let Some(device) = common::gpu("golden_cases_on_the_gpu", None) {
        run_all(&device);
    }
}
