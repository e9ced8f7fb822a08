//! The same command gives the same file, however often it was killed or stopped.

use crate::support::{Ended, Scene, WIDTH, activations, write_npy};
use std::{
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// A few hundred steps.
const LONG: &str = "--concepts 64 --points 16 --top-k 4 --epochs 60 --batch-size 50 --seed 3";

#[test]
fn the_same_command_gives_the_same_bytes() {
    let scene = Scene::new();
    for out in ["a", "b"] {
        scene.ok(&format!("train data.npy --out {out} {LONG} --quiet"));
    }
    assert_eq!(scene.bytes("a"), scene.bytes("b"));
    scene.ok(&format!("train data.npy --out c {LONG} --quiet --seed 4").replace("--seed 3", ""));
    assert_ne!(scene.bytes("a"), scene.bytes("c"));
}

/// Kills a run again and again, and goes on from whatever its file holds.
fn killed_until_done(scene: &Scene, options: &str) -> usize {
    let from_start = format!("train data.npy --out b {options} --checkpoint-every 7 --quiet");
    let go_on = "train data.npy --resume b --checkpoint-every 5 --quiet";
    let mut resumed = 0;
    for round in 0.. {
        let exists = scene.path("b").exists();
        resumed += usize::from(exists);
        let words = if exists { go_on } else { &from_start };
        let mut child = scene.command(words).stdout(Stdio::null()).spawn().unwrap();
        // Longer each time, so that it ends even on a machine where the preparation is slow.
        std::thread::sleep(Duration::from_millis(60 + 37 * round));
        // Also one that finds nothing to go on from: the last one was killed between its file and its end.
        if child.try_wait().unwrap().is_some() {
            return resumed;
        }
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            return resumed;
        }
    }
    unreachable!("the loop ends with the run");
}

#[test]
fn killed_and_resumed_gives_the_same_bytes() {
    for model in ["--model ra-topk", "--model ra-jump --bandwidth 0.1"] {
        let scene = Scene::new();
        let options =
            LONG.replace("--top-k 4", if model.contains("jump") { "" } else { "--top-k 4" });
        let options = format!("{options} {model} --schedule cosine:9");
        scene.ok(&format!("train data.npy --out a {options} --quiet"));
        let mut resumed = 0;
        for _ in 0..5 {
            resumed = killed_until_done(&scene, &options);
            assert_eq!(scene.bytes("a"), scene.bytes("b"), "{model}");
            if resumed > 0 {
                break;
            }
            std::fs::remove_file(scene.path("b")).unwrap();
        }
        assert!(resumed > 0, "the run was never caught in the middle");
    }
}

fn wait_for_steps(scene: &Scene, child: &mut Child, steps: usize) {
    let started = Instant::now();
    loop {
        let log = std::fs::read_to_string(scene.path("log")).unwrap_or_default();
        if log.matches("\"event\":\"step\"").count() >= steps {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "the run ended before it could be stopped");
        assert!(started.elapsed() < Duration::from_secs(60), "no step in a minute");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let scene = Scene::new();
    // Long enough that the signal arrives in time.
    let options = LONG.replace("--epochs 60", "--epochs 400");
    scene.ok(&format!("train data.npy --out a {options} --quiet"));
    let words = format!("train data.npy --out b {options} --log log");
    let mut command = scene.command(&words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_steps(&scene, &mut child, 20);
    let kill = format!("kill -INT {}", child.id());
    assert!(std::process::Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    let stopped = Ended::of(child.wait_with_output().unwrap(), &words);
    assert_eq!(stopped.code, 1, "{stopped:?}");
    assert!(stopped.stderr.contains("stopped after step"), "{stopped:?}");

    // The command line it prints works as it stands.
    let line = stopped.stderr.lines().find(|line| line.contains("archetypal train")).unwrap();
    let words = line.trim().strip_prefix("archetypal ").unwrap();
    assert!(words.contains("--resume b") && words.contains("--log log"), "{words}");
    let figures = scene.json(&format!("{} --quiet", words.replace("--backend cpu", "")));
    assert_eq!(figures["interrupted"], false);
    assert_eq!(scene.bytes("a"), scene.bytes("b"));

    // The log was appended to: every step once, in order.
    let log = String::from_utf8(scene.bytes("log")).unwrap();
    let events: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps = events.iter().filter(|event| event["event"] == "step");
    let steps: Vec<u64> = steps.map(|event| event["step"].as_u64().unwrap()).collect();
    assert_eq!(steps, (0..2400).collect::<Vec<_>>());
    let count = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((count("configuration"), count("done"), count("epoch")), (2, 2, 400));
}

/// A run whose optimiser was kept, so that its file can be resumed, or rather refused to be.
fn kept() -> Scene {
    let scene = Scene::new();
    scene.ok(&format!("train data.npy --out a {LONG} --keep-optimizer --quiet"));
    scene
}

#[test]
fn a_resumed_run_keeps_its_settings() {
    let scene = kept();
    let resume = "train data.npy --resume a";
    for option in
        ["--epochs 61", "--lr 0.1", "--concepts 65", "--top-k 5", "--points 17", "--delta 2"]
    {
        let name = option.split(' ').next().unwrap();
        scene.fails(2, &format!("{resume} {option}"), &["--resume", name, "--init"]);
    }
    scene.fails(2, &format!("{resume} --no-multiplier"), &["--no-multiplier"]);
    scene.fails(2, &format!("{resume} --init a"), &["--init"]);
    // What it says already may be said again.
    scene.ok(&format!("{resume} {LONG} --out b --quiet"));
}

#[test]
fn a_resumed_run_wants_its_data() {
    let scene = kept();
    let values = activations(300, WIDTH);
    write_npy(&scene.path("fewer.npy"), WIDTH, &values[..299 * WIDTH]);
    scene.fails(1, "train fewer.npy --resume a", &["299", "300", "same files"]);
    let mut other = values.clone();
    other[7] += 0.5;
    write_npy(&scene.path("other.npy"), WIDTH, &other);
    scene.fails(1, "train other.npy --resume a", &["not the rows", "other.npy"]);
    write_npy(&scene.path("wide.npy"), 13, &activations(300, 13));
    scene.fails(1, "train wide.npy --resume a", &["13", "12"]);
}

#[test]
fn a_finished_file_holds_no_state_unless_asked_for() {
    let scene = kept();
    scene.ok(&format!("train data.npy --out plain {LONG} --quiet"));
    scene.fails(1, "train data.npy --resume plain", &["no unfinished training", "--init"]);
    assert!(scene.bytes("a").len() > 2 * scene.bytes("plain").len());
    // Going on with a finished run gives the finished file.
    scene.ok("train data.npy --resume a --out b --quiet");
    assert!(scene.bytes("plain") == scene.bytes("b"));
    // But the state in its own file is not thrown away unasked.
    let kept = scene.bytes("a");
    scene.ok("train data.npy --resume a --quiet");
    assert!(scene.bytes("a") == kept);
}
