//! What tests share: settings, numbers, comparisons, the reference cases, and a GPU or a clear word that there is none.
#![allow(dead_code)] // every test file uses its own part

pub mod check;
pub mod golden;

use archetypal::Device;
use archetypal::device::GpuOptions;
use archetypal::sae::{DictionaryKind, EncoderKind, SaeSettings, Selection};
use std::fmt::Display;
use std::io::Write as _;

/// An archetypal model of K concepts over N points of d dimensions, the rest as the reference has it.
pub fn archetypal(k: usize, d: usize, n: usize, selection: Selection) -> SaeSettings {
    SaeSettings {
        input_shape: d,
        nb_concepts: k,
        selection,
        dictionary: DictionaryKind::Archetypal { nb_points: n, delta: 1.0 },
        use_multiplier: true,
        encoder: EncoderKind::Linear,
        encoder_bias: false,
    }
}

/// A GPU, software allowed, whose bindings hold at most `max_binding` bytes; none if the machine has no adapter.
///
/// `ARCHETYPAL_ADAPTER` names the adapter. With `ARCHETYPAL_REQUIRE_GPU=1` a missing one is a failure; else the
/// test called `test` says that it was skipped.
pub fn gpu(test: &str, max_binding: Option<u64>) -> Option<Device> {
    // A program of tests for the kernels that real GPUs get: those that software gets are the usual ones of a machine
    // without a GPU.
    let software_kernels = (env!("CARGO_CRATE_NAME") == "kernels_for_hardware").then_some(false);
    gpu_with(test, GpuOptions { max_binding, software_kernels, ..GpuOptions::default() })
}

/// The CPU, and a GPU where there is one.
pub fn devices(test: &str) -> Vec<Device> {
    std::iter::once(Device::cpu()).chain(gpu(test, None)).collect()
}

/// As [`gpu`], with other options too.
pub fn gpu_with(test: &str, options: GpuOptions) -> Option<Device> {
    let adapter = std::env::var("ARCHETYPAL_ADAPTER").ok();
    let options = GpuOptions { adapter, allow_software: true, ..options };
    match pollster::block_on(Device::gpu(&options)) {
        Ok(device) => Some(device),
        Err(error) if std::env::var("ARCHETYPAL_REQUIRE_GPU").is_ok_and(|value| value == "1") => {
            panic!("{test}: a GPU is required, but {error}")
        }
        Err(error) => {
            skipped(test, &error);
            None
        }
    }
}

/// Says that a test was skipped and why, also where the output of those that pass is not shown: scripts/test.sh counts
/// these lines.
pub fn skipped(test: &str, why: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// Numbers in −1..1 that differ for every `seed`: a splitmix64 sequence.
pub fn noise(len: usize, seed: u64) -> Vec<f32> {
    bits(len, seed).into_iter().map(|bits| (bits >> 8) as f32 / (1 << 23) as f32 - 1.0).collect()
}

/// Random bits.
pub fn bits(len: usize, seed: u64) -> Vec<u32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x1234_5678);
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 32) as u32
    };
    (0..len).map(|_| next()).collect()
}
