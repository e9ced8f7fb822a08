//! Data to run the command on, and the running itself.

use archetypal::data::{TensorOut, write_tensors};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Dimensions of the data, unless a test says otherwise.
pub const WIDTH: usize = 12;
/// Rows of the data.
pub const ROWS: usize = 300;

/// A folder that goes away, with files of activations in it.
pub struct Scene {
    folder: tempfile::TempDir,
    backend: &'static str,
}

impl Scene {
    /// An empty folder and `data.npy` of [`ROWS`] × [`WIDTH`].
    pub fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap(), backend: "cpu" };
        write_npy(&scene.path("data.npy"), WIDTH, &activations(ROWS, WIDTH));
        scene
    }

    /// As [`Scene::new`], with commands that run on a GPU, software allowed.
    #[cfg(feature = "gpu")]
    pub fn on_gpu() -> Self {
        Self { backend: "gpu", ..Self::new() }
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The command with these words, in the folder.
    pub fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_archetypal"));
        command.args(words.split_whitespace()).args(["--backend", self.backend]);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs it to its end.
    pub fn run(&self, words: &str) -> Ended {
        Ended::of(self.command(words).output().unwrap(), words)
    }

    /// Runs it; it must succeed.
    pub fn ok(&self, words: &str) -> Ended {
        let ended = self.run(words);
        assert_eq!(ended.code, 0, "{ended:?}");
        ended
    }

    /// Runs it with --json; it must succeed and print one JSON value.
    pub fn json(&self, words: &str) -> serde_json::Value {
        let ended = self.ok(&format!("{words} --json"));
        serde_json::from_str(&ended.stdout).unwrap_or_else(|e| panic!("{e}: {ended:?}"))
    }

    /// Runs it; it must fail with this status and a message that has all of these parts.
    pub fn fails(&self, code: i32, words: &str, parts: &[&str]) -> Ended {
        let ended = self.run(words);
        assert_eq!(ended.code, code, "{}: {ended:?}", ended.words);
        // The parser of options wraps nothing here, for stderr is no terminal.
        assert!(ended.stderr.lines().any(|line| line.starts_with("error: ")), "{ended:?}");
        for part in parts {
            assert!(ended.stderr.contains(part), "no {part:?} in {ended:?}");
        }
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        ended
    }

    /// A small model in `sae.safetensors`.
    pub fn trained(self) -> Self {
        self.ok(&format!("train data.npy --out sae.safetensors {SMALL} --quiet"));
        self
    }
}

/// Options of a model that trains in no time.
pub const SMALL: &str = "--concepts 24 --points 8 --top-k 3 --epochs 3 --batch-size 64";

/// How a run of the command ended.
#[derive(Debug)]
pub struct Ended {
    pub words: String,
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output, words: &str) -> Self {
        Self {
            words: words.to_owned(),
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Rows that have something to find: sums of a few of `width` directions, and a little noise.
pub fn activations(rows: usize, width: usize) -> Vec<f32> {
    let mut state = 7u64;
    let mut uniform = move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    };
    let directions: Vec<f32> = (0..16 * width).map(|_| uniform() - 0.5).collect();
    let mut values = Vec::with_capacity(rows * width);
    for _ in 0..rows {
        let chosen: Vec<(usize, f32)> =
            (0..3).map(|_| ((uniform() * 16.0) as usize, uniform() + 0.5)).collect();
        for column in 0..width {
            let sum: f32 = chosen.iter().map(|(i, s)| s * directions[i * width + column]).sum();
            values.push(sum + 0.02 * (uniform() - 0.5));
        }
    }
    values
}

/// A `.npy` file of f32 in C order.
pub fn write_npy(path: &Path, width: usize, values: &[f32]) {
    let rows = values.len() / width;
    let mut bytes = npy_header("<f4", rows, width);
    bytes.extend_from_slice(bytemuck::cast_slice(values));
    std::fs::write(path, bytes).unwrap();
}

pub fn npy_header(dtype: &str, rows: usize, width: usize) -> Vec<u8> {
    let text =
        format!("{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    let padded = format!("{text:117}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded.len() as u16).to_le_bytes());
    bytes.extend(padded.as_bytes());
    bytes
}

/// A `.safetensors` file of f32 matrices of one width.
pub fn write_matrices(path: &Path, width: usize, matrices: &[(&str, &[f32])]) {
    let tensors: Vec<_> = matrices
        .iter()
        .map(|(name, values)| TensorOut::f32(name, &[values.len() / width, width], values))
        .collect();
    write_tensors(path, &tensors, &BTreeMap::new()).unwrap();
}
