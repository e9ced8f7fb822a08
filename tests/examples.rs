//! Every example runs and says what it should; the parts of one's own that they show work on a GPU too.
//!
//! `cargo test` builds the examples before it runs this. With `--test examples` it does not: `cargo build --release
//! --examples` first.

mod common;
#[path = "../examples/own_encoder/encoder.rs"]
mod encoder;
#[path = "../examples/own_loss/term.rs"]
mod term;

use archetypal::{
    Device,
    checkpoint::{Checkpoint, Contents, to_bytes},
    sae::{RaTopKSae, Sae, TopKSae},
    train::{Criterion, DataFacts, TrainSettings, Trainer, check_gradients},
};
use common::noise;
use pollster::block_on;
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// What the example prints; it must end well.
fn run(name: &str, arguments: &[&OsStr]) -> String {
    let tests = std::env::current_exe().unwrap();
    let profile = tests.ancestors().nth(2).unwrap();
    let program =
        profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION);
    assert!(program.exists(), "{} is missing: cargo build --release --examples", program.display());
    let output = Command::new(program).args(arguments).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {}\n{printed}\n{errors}", output.status);
    println!("{printed}");
    printed
}

/// Every number that follows `label`.
fn figures(printed: &str, label: &str) -> Vec<f64> {
    let number = |after: &str| {
        let end = after.find(|c: char| !(c.is_ascii_digit() || "-.e".contains(c)));
        after[..end.unwrap_or(after.len())].trim_end_matches('.').parse().ok()
    };
    printed.split(label).skip(1).filter_map(|after| number(after.trim_start())).collect()
}

/// The last one.
fn figure(printed: &str, label: &str) -> f64 {
    *figures(printed, label).last().unwrap_or_else(|| panic!("no {label} in\n{printed}"))
}

#[test]
fn quickstart_trains_what_embed_encodes_with() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sae.safetensors");
    let trained = run("quickstart", &[file.as_os_str()]);
    assert!(figure(&trained, "R²") > 0.7);
    assert!(figure(&trained, "L0") <= 16.0);
    let encoded = run("embed", &[file.as_os_str()]);
    assert_eq!(encoded.matches(": concepts ").count(), 3);
    assert!(figure(&encoded, "each;") > 100.0, "concepts that fired");
}

#[test]
fn own_losses_do_what_they_are_for() {
    let printed = run("own_loss", &[]);
    let [r2, errors, crowding] =
        ["R²", "relative error", "mean squared cosine"].map(|label| figures(&printed, label));
    assert_eq!([r2.len(), errors.len(), crowding.len()], [3, 3, 3]);
    assert!(r2.iter().all(|&r2| r2 > 0.2), "{r2:?}");
    assert!(errors.iter().all(|&error| error < 1e-2), "{errors:?}");
    assert!(crowding[2] < 0.7 * crowding[0], "{crowding:?}");
}

#[test]
fn an_own_encoder_trains_and_comes_back() {
    let printed = run("own_encoder", &[]);
    assert!(figure(&printed, "R²") > 0.5);
    assert!(printed.contains("after loading: the same"), "{printed}");
}

#[test]
fn jump_meets_its_target() {
    let printed = run("jump", &[]);
    let (asked, l0) = (figure(&printed, "asked for"), figure(&printed, "L0"));
    assert!((l0 / asked - 1.0).abs() < 0.2, "{l0} codes a row");
    assert!(figure(&printed, "R²") > 0.6);
}

#[test]
fn data_larger_than_memory_stay_on_disk() {
    let printed = run("larger_than_memory", &[]);
    assert!(figure(&printed, "R²") > 0.5);
    if cfg!(target_os = "linux") {
        let [peak, before, data] =
            ["peak resident memory", "MiB (", "data"].map(|label| figure(&printed, label));
        assert!(peak - before < 0.6 * data, "{peak} − {before} MiB for {data} MiB of data");
    }
}

#[test]
fn every_example_has_a_line_and_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let tests = include_str!("examples.rs");
    let entries = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let is_example = |path: &PathBuf| {
        path.extension() == Some(OsStr::new("rs")) || path.join("main.rs").exists()
    };
    let names: Vec<String> = entries
        .filter(is_example)
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        assert!(readme.contains(&format!("[`{name}`]")), "README.md has no line for {name}");
        assert!(tests.contains(&format!("run(\"{name}\"")), "{name} is not run here");
    }
}

const WIDTH: usize = 9;
const CONCEPTS: usize = 20;
const ROWS: usize = 33;

fn check(sae: Sae, criterion: Criterion) -> Sae {
    let settings = TrainSettings { batch_size: ROWS, ..TrainSettings::default() };
    let facts = DataFacts { rows: ROWS, row_variance: WIDTH as f64 / 3.0 };
    let mut trainer = Trainer::with_criterion(sae, settings, facts, criterion).unwrap();
    let batch = noise(ROWS * WIDTH, 3);
    block_on(check_gradients(&mut trainer, &batch, 1e-2)).unwrap();
    block_on(trainer.step(&batch)).unwrap();
    trainer.into_sae()
}

#[test]
fn the_own_term_works_on_a_gpu() {
    let Some(device) = common::gpu("the_own_term_works_on_a_gpu", None) else { return };
    let sae = TopKSae::builder(WIDTH, CONCEPTS).top_k(4).build(&device).unwrap().into_inner();
    check(sae, own_loss());
}

fn with_own_parts(device: &Device) -> (Sae, Criterion) {
    let encoder = encoder::LowRank::initial(device, WIDTH, CONCEPTS, 5, 0).unwrap();
    let builder = RaTopKSae::builder(WIDTH, CONCEPTS, &noise(12 * WIDTH, 1)).top_k(4);
    let sae = builder.build_with(device, Box::new(encoder)).unwrap().into_inner();
    (sae, own_loss())
}

fn own_loss() -> Criterion {
    Criterion::new(1.0, vec![Box::new(term::Crowding::new(1.0).unwrap())])
}

#[test]
fn a_run_with_own_parts_goes_on_to_the_same_bits() {
    let device = Device::cpu();
    let settings = TrainSettings { batch_size: ROWS, ..TrainSettings::default() };
    let facts = DataFacts { rows: ROWS, row_variance: WIDTH as f64 / 3.0 };
    let batch = noise(ROWS * WIDTH, 3);
    let train =
        |trainer: &mut Trainer| (0..3).for_each(|_| block_on(trainer.step(&batch)).unwrap());

    let (sae, criterion) = with_own_parts(&device);
    let mut whole = Trainer::with_criterion(sae, settings, facts, criterion).unwrap();
    train(&mut whole);
    let bytes = block_on(to_bytes(Contents::Run(&whole))).unwrap();
    train(&mut whole);

    let file = Checkpoint::from_bytes("own parts", bytes).unwrap();
    assert!(file.trainer(&device).is_err(), "a file cannot bring an encoder along");
    let sae = file.sae_with_encoder(&device, |settings, state| {
        Ok(Box::new(encoder::LowRank::loaded(&device, settings, state)?))
    });
    let mut resumed = file.trainer_with(sae.unwrap(), own_loss()).unwrap();
    train(&mut resumed);
    let state = |trainer: &Trainer| block_on(trainer.sae().state()).unwrap();
    assert_eq!(state(&whole), state(&resumed));
}

#[test]
fn the_own_encoder_works_on_a_gpu_and_moves_to_the_cpu() {
    let name = "the_own_encoder_works_on_a_gpu_and_moves_to_the_cpu";
    let Some(gpu) = common::gpu(name, None) else { return };
    let (sae, criterion) = with_own_parts(&gpu);
    let sae = check(sae, criterion);

    let bytes = block_on(to_bytes(Contents::Model(&sae, None))).unwrap();
    let file = Checkpoint::from_bytes("own encoder", bytes).unwrap();
    let cpu = Device::cpu();
    let loaded = file.sae_with_encoder(&cpu, |settings, state| {
        Ok(Box::new(encoder::LowRank::loaded(&cpu, settings, state)?))
    });
    let rows = noise(ROWS * WIDTH, 4);
    let there = block_on(sae.codes(&rows)).unwrap();
    let here = block_on(loaded.unwrap().codes(&rows)).unwrap();
    assert_eq!(there.indices, here.indices);
    for (there, here) in there.values.iter().zip(&here.values) {
        assert!((there - here).abs() < 1e-4, "{there} there, {here} here");
    }
}
