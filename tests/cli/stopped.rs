//! Commands that train many models and are stopped in the middle: the same command goes on.

use crate::support::{Ended, Scene, WIDTH, activations, write_npy};
use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// Long enough that a signal arrives in time.
const LONG: &str = "--concepts 16 --top-k 3 --epochs 400 --batch-size 64";

fn start(scene: &Scene, words: &str) -> Child {
    let mut command = scene.command(words);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Names of the files in a folder; none if there is no such folder.
fn files(scene: &Scene, folder: &str) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(scene.path(folder)) else { return Vec::new() };
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Waits until there are so many states of unfinished models.
fn wait_for_states(scene: &Scene, child: &mut Child, folder: &str, count: usize) {
    let started = Instant::now();
    let states = || files(scene, folder).iter().filter(|f| f.ends_with(".safetensors")).count();
    while states() < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be stopped");
        assert!(started.elapsed() < Duration::from_secs(60), "no states in a minute");
        sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_sweep_goes_on_to_the_same_figures() {
    let scene = Scene::new();
    let words = |out: &str| format!("sweep data.npy {LONG} --seeds 0,1,2 --out {out}");
    let whole = scene.json(&(words("a.jsonl") + " --quiet"));
    let stoppable = words("b.jsonl") + " --checkpoint-every 9";
    let mut child = start(&scene, &stoppable);
    wait_for_states(&scene, &mut child, "b.jsonl.unfinished", 3);
    interrupt(&child);
    let stopped = Ended::of(child.wait_with_output().unwrap(), &stoppable);
    assert_eq!(stopped.code, 1, "{stopped:?}");
    for part in ["stopped", "states of 3 models", "same command goes on"] {
        assert!(stopped.stderr.contains(part), "no {part:?} in {stopped:?}");
    }
    assert_eq!(scene.bytes("b.jsonl"), b"");
    // One by one now: the states of the others wait for their turn.
    let ended = scene.ok(&(words("b.jsonl") + " --at-once 1"));
    assert!(ended.stderr.contains("1 of them where they were stopped"), "{ended:?}");
    assert_eq!(scene.json(&(words("b.jsonl") + " --quiet")), whole);
    assert!(!scene.path("b.jsonl.unfinished").exists());
}

#[test]
fn states_of_a_sweep_are_for_its_own_settings_and_rows() {
    let scene = Scene::new();
    let words = format!("sweep data.npy {LONG} --out s.jsonl --unfinished states");
    let mut child = start(&scene, &format!("{words} --checkpoint-every 9"));
    wait_for_states(&scene, &mut child, "states", 1);
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = files(&scene, "states");
    let other = scene.ok(&(words.clone() + " --lr 0.002"));
    assert!(!other.stderr.contains("stopped"), "{other:?}");
    assert_eq!(files(&scene, "states"), kept);
    let mut values = activations(300, WIDTH);
    values[7] += 0.5;
    write_npy(&scene.path("data.npy"), WIDTH, &values);
    scene.fails(1, &words, &["states", "other rows", "same files"]);
    scene.fails(2, "stability data.npy --checkpoint-every 5", &["--unfinished", "--out"]);
    std::fs::create_dir(scene.path("rows")).unwrap();
    std::fs::copy(scene.path("data.npy"), scene.path("rows/data.npy")).unwrap();
    scene.fails(2, "sweep rows --out s.jsonl --unfinished rows", &["among the data"]);
}

/// Interrupts a command soon after a line with this text came on stderr; how it ended.
fn interrupted_after(scene: &Scene, words: &str, text: &str) -> Ended {
    let mut child = start(scene, words);
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut read = String::new();
    while !read.contains(text) {
        assert!(stderr.read_line(&mut read).unwrap() > 0, "no {text:?} in {read}");
    }
    // Until the first step is taken there is nothing to lose, and a signal would end it at once.
    sleep(Duration::from_millis(200));
    interrupt(&child);
    stderr.read_to_string(&mut read).unwrap();
    Ended { stderr: read, ..Ended::of(child.wait_with_output().unwrap(), words) }
}

#[test]
fn stability_that_was_killed_and_stopped_gives_the_same_report() {
    let scene = Scene::new();
    let words = format!("stability data.npy {LONG} --points-of independent --out r.html");
    let mut whole = scene.json(&(words.clone() + " --quiet"));
    std::fs::remove_file(scene.path("r.html")).unwrap();
    let stoppable = words.clone() + " --checkpoint-every 50";
    let mut child = start(&scene, &stoppable);
    wait_for_states(&scene, &mut child, "r.html.unfinished", 10);
    child.kill().unwrap();
    child.wait().unwrap();
    let stopped = interrupted_after(&scene, &words, "10 of them where they were stopped");
    assert_eq!((stopped.code, &*stopped.stdout), (1, ""), "{stopped:?}");
    assert!(stopped.stderr.contains("states of 10 models"), "{stopped:?}");
    assert!(!scene.path("r.html").exists());
    let mut again = scene.json(&(words + " --quiet"));
    for report in [&mut whole, &mut again] {
        assert_eq!(report["interrupted"], false);
        report["seconds"] = 0.into();
    }
    assert_eq!(again, whole);
    assert!(String::from_utf8(scene.bytes("r.html")).unwrap().contains("<svg"));
    assert!(!scene.path("r.html.unfinished").exists());
}

#[test]
fn stability_without_a_folder_says_that_nothing_is_kept() {
    let scene = Scene::new();
    let words = format!("stability data.npy {LONG} --points-of independent").replace("400", "9000");
    let stopped = interrupted_after(&scene, &words, "models to train");
    assert_eq!((stopped.code, &*stopped.stdout), (1, ""), "{stopped:?}");
    assert!(stopped.stderr.contains("nothing was kept"), "{stopped:?}");
    assert_eq!(files(&scene, "."), ["data.npy"]);
}
