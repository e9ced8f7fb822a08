//! The command on a GPU: the same story, with the same figures.

#[path = "../common/mod.rs"]
mod common;

use crate::support::{SMALL, Scene};
use std::time::{Duration, Instant};

/// A scene on a GPU; none, said aloud, if the machine has no adapter. `ARCHETYPAL_REQUIRE_GPU=1` demands one.
fn scene(test: &str) -> Option<Scene> {
    let scene = Scene::on_gpu();
    let devices = scene.json("devices");
    let usable = |device: &serde_json::Value| device["type"] != "cpu" && device["usable"] == true;
    if devices.as_array().unwrap().iter().any(usable) {
        return Some(scene);
    }
    let required = std::env::var("ARCHETYPAL_REQUIRE_GPU").is_ok_and(|value| value == "1");
    assert!(!required, "{test}: a GPU is required, but there is none: {devices}");
    common::skipped(test, &"no GPU");
    let refused = scene.fails(1, &format!("train data.npy --out a {SMALL}"), &["no usable device"]);
    assert!(refused.stderr.contains("CPU"), "{refused:?}");
    None
}

#[test]
fn a_gpu_gives_the_cpus_figures() {
    let Some(scene) = scene("a_gpu_gives_the_cpus_figures") else { return };
    for model in ["--top-k 3", "--model ra-jump --bandwidth 0.1"] {
        let options = SMALL.replace("--top-k 3", model);
        scene.ok(&format!("train data.npy --out a {options} --quiet"));
        let figures = scene.json("eval a data.npy");
        let cpu = Scene::new();
        cpu.ok(&format!("train data.npy --out a {options} --quiet"));
        let expected = cpu.json("eval a data.npy");
        for name in ["r2", "mse", "coherence", "max_weight_mean", "multiplier"] {
            let difference = figures[name].as_f64().unwrap() - expected[name].as_f64().unwrap();
            assert!(difference.abs() < 1e-3, "{model}, {name}: {figures} {expected}");
        }
        scene.ok("encode a data.npy --out codes --dense");
        cpu.ok("encode a data.npy --out codes --dense");
        let shape =
            |scene: &Scene| scene.json("inspect codes")["tensors"]["codes"]["shape"].clone();
        assert_eq!(shape(&scene), shape(&cpu));
    }
}

#[test]
fn killed_and_resumed_on_a_gpu_gives_the_same_bytes() {
    let Some(scene) = scene("killed_and_resumed_on_a_gpu_gives_the_same_bytes") else { return };
    let options = SMALL.replace("--epochs 3", "--epochs 60");
    scene.ok(&format!("train data.npy --out a {options} --quiet"));
    let mut child = scene
        .command(&format!("train data.npy --out b {options} --checkpoint-every 11 --quiet"))
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while !scene.path("b").exists() {
        assert!(started.elapsed() < Duration::from_secs(120), "no checkpoint in two minutes");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success(), "the run ended before it could be killed");
    scene.ok("train data.npy --resume b --quiet");
    assert_eq!(scene.bytes("a"), scene.bytes("b"));
}

#[test]
fn bench_measures_a_step_and_every_kernel() {
    let Some(scene) = scene("bench_measures_a_step_and_every_kernel") else { return };
    let words = "bench --sizes 12/96/8/16/3 --runs 2 --what step,encode,kernels --quiet";
    let figures = scene.json(words)["sizes"][0].clone();
    let step = figures["step"]["seconds"]["median"].as_f64().unwrap();
    assert!(step.is_finite() && step > 0.0, "{figures}");
    let kernels = figures["kernels"].as_array().unwrap();
    assert_eq!(kernels.len(), 22);
    let all = kernels.iter().chain([&figures["encode"]]);
    for seconds in all.map(|work| work["seconds"]["median"].as_f64().unwrap()) {
        assert!(seconds.is_finite() && seconds > 0.0, "{figures}");
    }
}

#[test]
fn shortlists_are_the_cpus() {
    let Some(scene) = scene("shortlists_are_the_cpus") else { return };
    scene.fails(2, "bench --no-shortlists", &["--no-shortlists is about the CPU", "--backend cpu"]);
}
