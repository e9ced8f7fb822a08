//! What cannot work is refused in plain words, with the right exit status, before any work.

use crate::support::{
    ROWS, SMALL, Scene, WIDTH, activations, npy_header, write_matrices, write_npy,
};

#[test]
fn options_that_do_not_exist() {
    let scene = Scene::new();
    scene.fails(2, "train data.npy --out a --frobnicate 3", &["--frobnicate"]);
    scene.fails(2, "trian data.npy", &["trian", "train"]);
    scene.fails(2, "train data.npy", &["--out"]);
    scene.fails(2, "train --out a", &["<DATA>"]);
    scene.fails(2, "train data.npy --out a --kernel square", &["silverman"]);
    scene.fails(2, "train data.npy --out a --schedule straight", &["cosine"]);
    scene.fails(2, "train data.npy --out a --checkpoint-every 0", &["--checkpoint-every"]);
    scene.fails(2, "devices --adapter x", &["--adapter", "--backend cpu"]);
    scene.fails(2, "devices --cooperative", &["--cooperative", "--backend cpu"]);
}

#[test]
fn settings_out_of_range() {
    let scene = Scene::new();
    for (options, parts) in [
        ("--top-k 25", ["top_k is 25", "between 1 and the number of concepts, 24"]),
        ("--top-k 0", ["top_k is 0", "--top-k"]),
        ("--delta -0.5", ["delta is -0.5", "≥ 0"]),
        ("--delta nan", ["delta is NaN", "≥ 0"]),
        ("--lr -1", ["lr is -1", "> 0"]),
        ("--batch-size 0", ["batch-size is 0", "at least 1"]),
        ("--epochs 0", ["epochs is 0", "at least 1"]),
        ("--kernel cauchy", ["kernel", "--model ra-jump"]),
        ("--model ra-jump --top-k 3", ["top-k", "--model ra-topk, topk"]),
        ("--model ra-jump --bandwidth 0", ["bandwidth is 0", "> 0"]),
        ("--schedule cosine:500", ["warm-up shorter than the run", "--epochs"]),
        ("--threshold-warmup 9", ["threshold-warmup is 9", "--thresholds direct"]),
        ("--points 301", ["points is 301", "fewer rows than points"]),
        ("--points 0", ["points is 0", "between 1 and the number of rows, 300"]),
    ] {
        let ended =
            scene.fails(2, &format!("train data.npy --out a --concepts 24 {options}"), &parts);
        assert!(!ended.stderr.contains("statistics"), "work was begun: {ended:?}");
    }
    for model in ["ra-topk", "topk", "ra-batch-topk", "ra-jump"] {
        let words = format!("train data.npy --out a --concepts 0 --model {model}");
        scene.fails(2, &words, &["concepts is 0", "at least 1"]);
    }
    scene.fails(2, "points data.npy --count 301 --out p", &["count is 301", "300"]);
    assert!(!scene.path("a").exists());
}

#[test]
fn more_than_the_machine_holds() {
    let scene = Scene::new();
    let asked =
        ["10000000000 concepts over 8 points", "memory of this machine", "Lower --concepts"];
    scene.fails(1, "train data.npy --out a --concepts 10000000000 --points 8 --top-k 3", &asked);

    // As many rows as points need, none of them on the disk.
    let rows = 50_000_000;
    std::fs::write(scene.path("large.npy"), npy_header("<f2", rows, 1)).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(scene.path("large.npy")).unwrap();
    file.set_len(128 + 2 * rows as u64).unwrap();
    let words = "train large.npy --out a --concepts 1000000 --points 50000000 --top-k 3";
    scene.fails(1, words, &["over 50000000 points", "TiB", "--points (N)"]);
}

#[test]
fn data_that_are_not_finite_are_named_by_row() {
    let scene = Scene::new();
    for (value, name) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let mut values = activations(ROWS, WIDTH);
        values[217 * WIDTH + 5] = value;
        write_npy(&scene.path("bad.npy"), WIDTH, &values);
        let place = ["bad.npy: row 217, column 5", name];
        scene.fails(1, &format!("train bad.npy --out a {SMALL}"), &place);
        scene.fails(1, "points bad.npy --count 4 --out p", &place);
    }
    assert!(!scene.path("a").exists() && !scene.path("p").exists());
    let scene = scene.trained();
    scene.fails(1, "encode sae.safetensors bad.npy --out codes", &["row 217, column 5"]);
    scene.fails(1, "eval sae.safetensors data.npy bad.npy", &["bad.npy: row 217, column 5"]);
    assert!(!scene.path("codes").exists());
}

#[test]
fn data_without_rows_or_of_another_width() {
    let scene = Scene::new().trained();
    write_npy(&scene.path("empty.npy"), WIDTH, &[]);
    write_npy(&scene.path("wide.npy"), 13, &activations(20, 13));
    scene.fails(1, "train empty.npy --out a", &["empty.npy", "no rows"]);
    let both = ["wide.npy", "13", "12"];
    scene.fails(1, "train data.npy wide.npy --out a", &both);
    scene.fails(1, "encode sae.safetensors wide.npy --out a", &both);
    scene.fails(1, "eval sae.safetensors wide.npy", &both);
    scene.fails(1, "train data.npy --out a --concepts 24 --points wide.npy", &both);
    scene.fails(1, "train wide.npy --out a --init sae.safetensors", &both);
    write_npy(&scene.path("same.npy"), WIDTH, &[0.25; 40 * WIDTH]);
    scene.fails(1, &format!("train same.npy --out a {SMALL}"), &["all rows are the same"]);
    assert!(!scene.path("a").exists());
}

#[test]
fn files_cut_short_or_of_another_kind() {
    let scene = Scene::new().trained();
    for name in ["data.npy", "sae.safetensors"] {
        let bytes = scene.bytes(name);
        std::fs::write(scene.path(&format!("cut.{name}")), &bytes[..bytes.len() - 9]).unwrap();
    }
    std::fs::write(scene.path("notes.npy"), "dear diary").unwrap();
    std::fs::write(scene.path("weights.pt"), b"PK\x03\x04 and so on").unwrap();
    write_matrices(&scene.path("two.safetensors"), 2, &[("a", &[0.0; 8]), ("b", &[1.0; 8])]);

    scene.fails(1, "train cut.data.npy --out a", &["cut.data.npy", "cut short"]);
    scene.fails(1, "eval cut.sae.safetensors data.npy", &["cut.sae.safetensors", "cut short"]);
    scene.fails(1, "train data.npy --resume cut.sae.safetensors", &["cut short"]);
    scene.fails(1, "train notes.npy --out a", &["neither .npy nor .safetensors"]);
    scene.fails(1, "train weights.pt --out a", &["PyTorch", "safetensors"]);
    scene.fails(1, "train two.safetensors --out a", &["holds 2 tensors", "--tensor"]);
    scene.fails(1, "eval two.safetensors data.npy", &["this is no SAE"]);
    scene.fails(1, "eval data.npy data.npy", &["data.npy", "not .safetensors"]);
    scene.fails(1, "inspect notes.npy", &["neither .npy nor .safetensors"]);
    scene.fails(1, "train nothing.npy --out a", &["could not read nothing.npy"]);
    assert!(!scene.path("a").exists());
}

#[test]
fn a_checkpoint_of_another_shape() {
    let scene = Scene::new().trained();
    let init = "train data.npy --out a --init sae.safetensors";
    scene.fails(1, &format!("{init} --concepts 30"), &["[24, 12]", "[30, 12]", "--concepts"]);
    scene.fails(2, &format!("{init} --model ra-jump"), &["model"]);
    scene.fails(2, &format!("{init} --start matched"), &["start is matched", "of the file"]);
    scene.fails(2, &format!("{init} --points 9"), &["--points", "--init"]);
    scene.fails(2, &format!("{init} --normalize none"), &["normalize", "standardize"]);
    scene.fails(2, "eval sae.safetensors data.npy --top-k 4", &["top-k", "holds the settings"]);
    assert!(!scene.path("a").exists());
}

#[test]
fn output_that_cannot_be_written_is_refused_before_training() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("folder")).unwrap();
    for (out, part) in
        [("no/such/a", "no/such/a"), ("folder", "directory"), ("data.npy", "overwrite")]
    {
        let code = if out == "data.npy" { 2 } else { 1 };
        let ended = scene.fails(code, &format!("train data.npy --out {out} {SMALL}"), &[part]);
        assert!(!ended.stderr.contains("statistics"), "work was begun: {ended:?}");
        scene.fails(code, &format!("points data.npy --count 3 --out {out}"), &[part]);
    }
    let words = format!("train data.npy --out a --log no/such/log {SMALL}");
    scene.fails(1, &words, &["no/such/log"]);
    scene.fails(2, &format!("train data.npy --out a --log data.npy {SMALL}"), &["overwrite"]);
    for log in ["a", "./a", "../NAME/a"] {
        let log = log.replace(
            "NAME",
            &scene.path(".").canonicalize().unwrap().file_name().unwrap().to_string_lossy(),
        );
        scene.fails(
            2,
            &format!("train data.npy --out a --log {log} {SMALL}"),
            &["--log and --out"],
        );
    }
    // Nothing is left beside the data.
    assert_eq!(std::fs::read_dir(scene.path("")).unwrap().count(), 2);
}

#[test]
fn a_loss_that_explodes_ends_the_run_and_keeps_the_last_good_state() {
    let scene = Scene::new();
    let mut values = activations(ROWS, WIDTH);
    write_npy(&scene.path("points.npy"), WIDTH, &values[..8 * WIDTH]);
    values[280 * WIDTH] = 1e30;
    write_npy(&scene.path("spike.npy"), WIDTH, &values);
    // In batches of 64 in the order of the file the spike is met by the fifth.
    let options = SMALL.replace("--points 8", "--points points.npy");
    let words = format!(
        "train spike.npy --out a --normalize none --no-shuffle --checkpoint-every 2 --log log {options}"
    );
    scene.fails(2, &words, &["start is matched", "--start reference"]);
    let words = words + " --preset reference";
    scene.fails(1, &words, &["the loss became inf at step 4", "epoch 0", "--lr"]);
    assert_eq!(scene.json("inspect a")["progress"]["step"], 4);
    let log = String::from_utf8(scene.bytes("log")).unwrap();
    let last: serde_json::Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["step"]), (&"checkpoint".into(), &4.into()));
}

#[test]
fn an_encoder_that_is_not_finite_ends_the_run_though_the_loss_is() {
    let scene = Scene::new().trained();
    let good = scene.bytes("sae.safetensors");
    let words = format!("train data.npy --out sae.safetensors --lr 1e38 {SMALL}");
    scene.fails(1, &words, &["the loss became NaN at step", "--lr"]);
    assert_eq!(scene.bytes("sae.safetensors"), good);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let scene = Scene::new().trained();
    let mut command = scene.command("eval sae.safetensors data.npy");
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && !stderr.contains("panicked"), "{stderr}");
}

/// A device on which every write finds a full disk.
#[cfg(target_os = "linux")]
#[test]
fn a_log_on_a_full_disk_does_not_end_the_run() {
    let scene = Scene::new();
    let ended = scene.ok(&format!("train data.npy --out a --log /dev/full {SMALL}"));
    assert!(ended.stderr.contains("training goes on without the log"), "{ended:?}");
    assert_eq!(ended.stderr.matches("/dev/full").count(), 1, "{ended:?}");
    scene.ok("inspect a");
}
