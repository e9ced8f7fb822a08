//! The reference cases: what overcomplete computed in float64, and how near to it is near enough.

use archetypal::{
    Tensor,
    sae::{
        DictionaryKind, EncoderKind, Kernel, Normalization, Sae, SaeSettings, Selection, Thresholds,
    },
};
use safetensors::SafeTensors;
use serde::Deserialize;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
pub struct Config {
    pub kind: String,
    pub dim: usize,
    pub concepts: usize,
    pub points: usize,
    pub batch: usize,
    pub steps: u64,
    pub lr: f64,
    pub clip_grad: Option<f32>,
    #[serde(default)]
    pub cosine: bool,
    #[serde(default)]
    pub delta: f32,
    pub use_multiplier: bool,
    pub loss: String,
    pub encoder: String,
    pub loss_params: HashMap<String, f64>,
    #[serde(default)]
    pub normalization: Option<String>,
    pub top_k: Option<usize>,
    pub bandwidth: Option<f32>,
    pub kernel: Option<String>,
}

pub struct Case {
    /// That of its file.
    pub name: String,
    /// What was run.
    pub config: Config,
    pub float32_error: HashMap<String, f64>,
    pub tensors: HashMap<String, Vec<f64>>,
    pub shapes: HashMap<String, Vec<usize>>,
}

/// A name and what we computed under it.
pub type Computed = Vec<(String, Vec<f32>)>;

/// All cases, which not every machine has, and those that ship.
const SHARED: &str = "../shared/golden";
const BUNDLED: &str = "tests/golden_data";

/// What is no result: where a case starts, and the dictionary of a tied encoder under PyTorch's second name for it.
const NO_RESULTS: [&str; 2] = ["x", "points"];
const NO_RESULTS_BEGIN: [&str; 2] = ["init.", "final.encoder.tied_to."];

fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where the cases are.
pub fn folder() -> PathBuf {
    if let Ok(folder) = std::env::var("ARCHETYPAL_GOLDEN") {
        return folder.into();
    }
    let shared = in_repository(SHARED);
    if shared.is_dir() { shared } else { in_repository(BUNDLED) }
}

/// How many there are at least.
pub fn fewest() -> usize {
    match folder() {
        folder if folder == in_repository(SHARED) => 57,
        folder if folder == in_repository(BUNDLED) => 6,
        _ => 1,
    }
}

fn open(file: &Path) -> Case {
    let name = file.file_stem().unwrap().to_string_lossy().into_owned();
    load(name, &std::fs::read(file).unwrap())
}

fn load(name: String, bytes: &[u8]) -> Case {
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
    let shapes = file.iter().map(|(name, view)| (name.to_owned(), view.shape().to_vec()));
    Case {
        name,
        shapes: shapes.collect(),
        config: serde_json::from_str(&metadata["config"]).unwrap(),
        float32_error: serde_json::from_str(&metadata["float32_error"]).unwrap(),
        tensors: tensors.collect(),
    }
}

/// All cases, by name.
pub fn cases() -> Vec<Case> {
    let folder = folder();
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "safetensors"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no case in {}", folder.display());
    files.iter().map(|file| open(file)).collect()
}

/// One of those that ship.
pub fn bundled(name: &str) -> Case {
    open(&in_repository(BUNDLED).join(format!("{name}.safetensors")))
}

impl Case {
    pub fn floats(&self, name: &str) -> Vec<f32> {
        self.tensors[name].iter().map(|&value| value as f32).collect()
    }

    pub fn settings(&self) -> SaeSettings {
        let c = &self.config;
        let selection = match c.kind.trim_start_matches("ra-") {
            "topk" => {
                Selection::TopK { k: c.top_k.unwrap_or(Selection::default_top_k(c.concepts)) }
            }
            "jump" => Selection::Jump {
                kernel: Kernel::from_name(c.kernel.as_ref().unwrap()).unwrap(),
                bandwidth: c.bandwidth.unwrap(),
                thresholds: Thresholds::Reference,
            },
            other => panic!("a model of kind {other}"),
        };
        let dictionary = match &c.normalization {
            None => DictionaryKind::Archetypal { nb_points: c.points, delta: c.delta },
            Some(name) => {
                DictionaryKind::Free { normalization: Normalization::from_name(name).unwrap() }
            }
        };
        SaeSettings {
            input_shape: c.dim,
            nb_concepts: c.concepts,
            selection,
            dictionary,
            use_multiplier: c.use_multiplier,
            encoder: EncoderKind::from_name(&c.encoder).unwrap(),
            encoder_bias: false,
        }
    }

    /// Results of the reference with which nothing was compared.
    pub fn left_out(&self, computed: &Computed) -> Vec<&str> {
        let names = self.tensors.keys().map(String::as_str);
        names
            .filter(|name| !self.is_known(name) && computed.iter().all(|(ours, _)| ours != name))
            .collect()
    }

    /// Whether nothing has to be compared with the tensor.
    fn is_known(&self, name: &str) -> bool {
        // The reference finds no norm where it does not clip.
        let no_norm = name == "grad_norm" && self.config.clip_grad.is_none();
        let begins = NO_RESULTS_BEGIN.iter().any(|prefix| name.starts_with(prefix));
        NO_RESULTS.contains(&name) || begins || no_norm
    }

    /// The tensor nearest to its bound: (error / bound, name, error, bound).
    pub fn worst(&self, computed: &Computed) -> (f64, String, f64, f64) {
        let mut worst = (0.0, String::from("none"), 0.0, 0.0);
        for (name, ours) in computed {
            let float32_error = self.float32_error.get(name).copied().unwrap_or(0.0);
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

/// All that a model makes of x, under the names of the cases.
pub async fn forward(prefix: &str, sae: &Sae, x: &Tensor) -> Computed {
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
