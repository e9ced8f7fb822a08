//! Peak memory of training through the command: what `train::memory_needed` counts, and the stated allowance.
#![cfg(all(target_os = "linux", feature = "cli"))]

mod common;

use archetypal::{
    Device,
    sae::{Selection, Thresholds},
    train::{Loss, half_bytes, memory_needed},
};
use std::{io::Write, path::Path, process::Command, time::Duration};

const ROWS: usize = 8192;
const WIDTH: usize = 512;
const CONCEPTS: usize = 8192;
const POINTS: usize = 1024;
const BATCH: usize = 1024;
/// For the program, its threads, batches that are read ahead and k-means.
const ALLOWANCE: u64 = 128 << 20;

fn write_npy(path: &Path) {
    let header =
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({ROWS}, {WIDTH}), }}");
    let length = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut file = std::fs::File::create(path).unwrap();
    file.write_all(b"\x93NUMPY\x01\x00").unwrap();
    file.write_all(&(length as u16).to_le_bytes()).unwrap();
    writeln!(file, "{header:<width$}", width = length - 1).unwrap();
    file.write_all(bytemuck::cast_slice(&common::noise(ROWS * WIDTH, 1))).unwrap();
}

/// The most private memory that the process had, looked at every 5 ms.
fn peak_anonymous_bytes(mut command: Command) -> u64 {
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let exit = loop {
        if let Some(exit) = child.try_wait().unwrap() {
            break exit;
        }
        let status = std::fs::read_to_string(&status).unwrap_or_default();
        let anonymous = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let kib = anonymous.and_then(|text| text.trim().trim_end_matches(" kB").parse().ok());
        peak = peak.max(kib.unwrap_or(0_u64) << 10);
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(exit.success());
    peak
}

#[test]
fn training_takes_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (data, out) = (folder.path().join("data.npy"), folder.path().join("out.safetensors"));
    write_npy(&data);
    let top_k = Selection::TopK { k: 16 };
    let thresholds = Thresholds::Reference;
    let (kernel, bandwidth) = thresholds.window();
    let jump = Selection::Jump { kernel, bandwidth, thresholds };
    for (options, selection) in [
        (&["--top-k", "16"][..], top_k),
        (&["--top-k", "16", "--half"], top_k),
        (&["--model", "ra-jump", "--preset", "reference"], jump),
    ] {
        let half = options.contains(&"--half");
        let mut command = Command::new(env!("CARGO_BIN_EXE_archetypal"));
        command.arg("train").arg(&data).arg("--out").arg(&out);
        command.args(["--backend", "cpu", "--quiet", "--json", "--epochs", "1"]).args(options);
        command.args(["--concepts", &CONCEPTS.to_string(), "--points", &POINTS.to_string()]);
        command.args(["--batch-size", &BATCH.to_string()]).stdout(std::process::Stdio::null());
        let peak = peak_anonymous_bytes(command);
        let settings = common::archetypal(CONCEPTS, WIDTH, POINTS, selection);
        let needed = memory_needed(&Device::cpu(), &settings, &Loss::default(), BATCH)
            + if half { half_bytes(&settings, BATCH) } else { 0 };
        println!("{options:?}: peak {} MiB, counted {} MiB", peak >> 20, needed >> 20);
        assert!(peak > needed / 2, "{peak} is too little to have been measured");
        assert!(peak < needed + ALLOWANCE, "{peak} bytes, counted {needed} and {ALLOWANCE}");
    }
}
