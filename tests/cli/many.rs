//! Commands that train many models: stability and sweep.

use crate::support::{ROWS, Scene, WIDTH, activations, write_matrices, write_npy};

const FEW: &str = "--concepts 16 --top-k 3 --epochs 2 --batch-size 64";

#[test]
fn stability_reports_every_arm_before_and_after() {
    let scene = Scene::new();
    let report =
        scene.json(&format!("stability data.npy {FEW} --seeds 3 --out report.html --quiet"));
    let lines = report["lines"].as_array().unwrap();
    assert_eq!(lines.len(), 9, "{report}");
    assert_eq!(report["seeds"], serde_json::json!([0, 1, 2]));
    for line in lines {
        for figure in ["stability", "stability_at_start", "ood", "dead_share"] {
            assert!((0.0..=1.0 + 1e-6).contains(&line[figure].as_f64().unwrap()), "{line}");
        }
        let matched: u64 =
            line["histogram"].as_array().unwrap().iter().map(|bin| bin.as_u64().unwrap()).sum();
        assert_eq!(matched, 3 * 16, "three pairs of sixteen atoms");
        // Models that start from the same atoms agree wholly before training.
        let shared = line["points"] == "shared";
        assert_eq!(line["stability_at_start"].as_f64().unwrap() > 0.999_999, shared, "{line}");
    }
    let page = String::from_utf8(scene.bytes("report.html")).unwrap();
    assert!(page.contains("<svg") && page.contains("free, from points"));
    let words =
        format!("stability data.npy {FEW} --seeds 3 --no-baselines --points-of independent");
    let only = scene.json(&(words + " --quiet"));
    // An arm is the same whatever else is trained beside it.
    assert_eq!(only["lines"].as_array().unwrap()[..], lines[..1]);
    // Factors of groups that only some of the arms have are left out where they are missing.
    let factors = "--lr-factors mixing=0.5,multiplier=3 --points-of independent";
    let with_factors = scene.json(&format!("stability data.npy {FEW} {factors} --quiet"));
    assert_eq!(with_factors["lines"].as_array().unwrap().len(), 5);
    scene.fails(
        2,
        "stability data.npy --lr-factors thresholds=2",
        &["thresholds", "encoder, mixing"],
    );
    scene.fails(2, "stability data.npy --model topk", &["--model must be"]);
    scene.fails(2, "stability data.npy --seeds 1", &["--seeds"]);
}

#[test]
fn stability_judges_on_other_rows_where_it_is_told_to() {
    let scene = Scene::new();
    let other: Vec<f32> = activations(100, WIDTH).iter().rev().copied().collect();
    write_npy(&scene.path("other.npy"), WIDTH, &other);
    write_npy(&scene.path("wide.npy"), WIDTH + 1, &activations(100, WIDTH + 1));
    let run = format!(
        "stability data.npy {FEW} --no-baselines --points-of independent --unfinished kept --quiet"
    );
    let own = scene.json(&run);
    let other = scene.json(&format!("{run} --judge other.npy"));
    assert!(own["judged_on"].is_null());
    assert_eq!(other["judged_on"]["rows"], 100, "{other}");
    let (own, other) = (&own["lines"][0], &other["lines"][0]);
    for same in ["stability", "stability_at_start", "coherence", "stable_rank"] {
        assert_eq!(own[same], other[same], "{same}");
    }
    for differs in ["r2", "ood"] {
        assert_ne!(own[differs], other[differs], "{differs}");
    }
    let told = scene.ok(&format!("{run} --judge other.npy")).stdout;
    assert!(told.contains("100 rows that are not trained on"), "{told}");
    scene.fails(1, &format!("{run} --judge wide.npy"), &["wide.npy", "same layer"]);
    scene.fails(1, &format!("{run} --judge none.npy"), &["none.npy"]);
    let before = scene.bytes("other.npy");
    let over = format!("{run} --judge other.npy --out other.npy");
    scene.fails(2, &over, &["other.npy would overwrite a file that is read"]);
    assert_eq!(scene.bytes("other.npy"), before);
}

#[test]
fn the_table_has_every_figure_and_a_verdict() {
    let scene = Scene::new();
    let ended = scene.ok(&format!("stability data.npy {FEW} --points-of independent --quiet"));
    for part in ["at start", "centred", "coherence", "connec-", "beside free, from points:"] {
        assert!(ended.stdout.contains(part), "no {part:?} in {ended:?}");
    }
    let arms = ["archetypal", "archetypal, projection off", "free, from random atoms"];
    for arm in arms {
        let of_arm = |line: &&str| line.split("  ").next() == Some(arm);
        assert_eq!(ended.stdout.lines().filter(of_arm).count(), 2, "{arm}: {ended:?}");
    }
    let help = scene.ok("stability --help").stdout;
    assert!(help.contains("‖ZᵀZ‖₀ / K²") && help.contains("‖D‖²_F / σ₁²"), "{help}");
}

#[test]
fn compare_judges_checkpoints_as_stability_judges_its_models() {
    let scene = Scene::new();
    let only = "--no-baselines --points-of independent --quiet";
    let report = scene.json(&format!("stability data.npy {FEW} {only}"));
    // The second seed of stability sees the rows in the order of the first, as with sweep.
    let words = "--concepts 16 --top-k 3 --seeds 0,1 --epochs 2 --batch-size 64 --out s.jsonl";
    scene.ok(&format!("sweep data.npy {words} --save models --quiet"));
    let [a, b] = [0, 1].map(|seed| format!("models/K16-k3-seed{seed}.safetensors"));
    let found = scene.json(&format!("compare {a} {b} --quiet"));
    for figure in ["stability", "stability_centred"] {
        let (found, expected) = (&found[figure], &report["lines"][0][figure]);
        assert!((found.as_f64().unwrap() - expected.as_f64().unwrap()).abs() < 1e-9, "{figure}");
    }
    assert_eq!(found["pairs"].as_array().unwrap().len(), 1);
    let same = scene.json(&format!("compare {a} {a} {b} --quiet"));
    assert!((same["pairs"][0]["stability_centred"].as_f64().unwrap() - 1.0).abs() < 1e-6);
    assert_eq!(same["pairs"].as_array().unwrap().len(), 3);
    assert!(scene.ok(&format!("compare {a} {b}")).stdout.contains("centred, mean"));
    scene.fails(2, &format!("compare {a}"), &["SAE"]);
    scene.ok("train data.npy --concepts 16 --normalize none --epochs 1 --out raw.safetensors");
    let ended = scene.ok(&format!("compare {a} raw.safetensors"));
    assert!(ended.stderr.contains("normalise their data differently"), "{ended:?}");
}

#[test]
fn a_sweep_tells_models_presets_and_data_apart() {
    let scene = Scene::new();
    let words = "sweep data.npy --concepts 8 --epochs 1 --batch-size 64 --out s.jsonl --quiet";
    let reference = "--preset reference --top-k 2";
    let mut lines = 0;
    for (options, added) in [
        ("--preset reference --top-k 2", 1),
        // The same settings of training as the one before.
        ("--preset reference --top-k 2 --model topk", 1),
        ("--preset reference --top-k 2 --model topk", 0),
        ("--top-k 2", 1),
        ("--top-k 2 --model ra-batch-topk", 1),
        ("--top-k 2", 0),
    ] {
        let found = scene.json(&format!("{words} {options}"));
        lines += added;
        assert_eq!(found.as_array().unwrap().len(), lines, "{options}");
    }
    write_npy(&scene.path("data.npy"), WIDTH, &activations(ROWS - 50, WIDTH));
    let found = scene.json(&format!("{words} {reference}"));
    assert_eq!(found.as_array().unwrap().len(), lines + 1, "other data of the same name");
    let free = "sweep data.npy --out s.jsonl --model topk --points 8";
    scene.fails(2, free, &["points", "free dictionary"]);
    scene.fails(2, "sweep data.npy --out new.jsonl --concepts 8 --top-k 9", &["top_k"]);
    assert!(!scene.path("new.jsonl").exists());
}

#[cfg(unix)]
#[test]
fn a_sweep_that_was_killed_goes_on() {
    use std::{process::Stdio, thread::sleep, time::Duration};
    let scene = Scene::new();
    let seeds: Vec<_> = (0..12).map(|seed| seed.to_string()).collect();
    let seeds = seeds.join(",");
    let words = format!(
        "sweep data.npy --concepts 16 --top-k 3 --seeds {seeds} --epochs 200 --batch-size 32 --at-once 1 --out s.jsonl"
    );
    let mut child =
        scene.command(&words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let lines = || {
        let text = std::fs::read_to_string(scene.path("s.jsonl")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    while lines().len() < 3 && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(2));
    }
    let _ = child.kill();
    child.wait().unwrap();
    let done = lines();
    assert!((3..12).contains(&done.len()), "killed after {} of 12 models", done.len());
    let ended = scene.ok(&words);
    assert!(ended.stderr.contains("in s.jsonl already"), "{ended:?}");
    let all = lines();
    assert_eq!(all.len(), 12);
    assert_eq!(all[..done.len() - 1], done[..done.len() - 1]);
}

#[test]
fn a_sweep_goes_on_where_it_was_and_trains_only_what_is_new() {
    let scene = Scene::new();
    let options = "--concepts 8,16 --epochs 1 --batch-size 64 --out sweep.jsonl --quiet";
    let first = scene.json(&format!("sweep data.npy {options} --top-k 2 --save models"));
    assert_eq!(first.as_array().unwrap().len(), 2);
    let evaluated = scene.json("eval models/K8-k2-seed0.safetensors data.npy --quiet");
    assert_eq!(evaluated["r2"], first[0]["figures"]["r2"]);
    // A line that a crash cut off is taken away.
    let mut bytes = scene.bytes("sweep.jsonl");
    bytes.extend(b"{\"data\":\"da");
    std::fs::write(scene.path("sweep.jsonl"), &bytes).unwrap();
    let more = scene.json(&format!("sweep data.npy {options} --top-k 2,3 --at-once 1"));
    let more = more.as_array().unwrap();
    assert_eq!(more.len(), 4);
    assert_eq!(more[..2], first.as_array().unwrap()[..]);
    let again = scene.json(&format!("sweep data.npy {options} --top-k 2,3"));
    assert_eq!(again.as_array().unwrap(), more);
    std::fs::write(scene.path("other.jsonl"), "hello\n").unwrap();
    scene.fails(1, "sweep data.npy --out other.jsonl", &["line 1 is not of a sweep", "--out"]);
    // Nor is a file without an end of a line one that a crash cut off.
    std::fs::write(scene.path("config.json"), "{\"dear\": 1}").unwrap();
    scene.fails(1, "sweep data.npy --out config.json", &["line 1 is not of a sweep", "--out"]);
    assert_eq!(scene.bytes("config.json"), b"{\"dear\": 1}");
    scene.fails(2, "sweep data.npy --out s.jsonl --concepts 8 --top-k 9", &["top_k"]);
    scene.fails(2, "sweep data.npy --out s.jsonl --points 301", &["points"]);
}

#[test]
fn a_sweep_replaces_no_model_and_says_what_it_does_not_save() {
    let scene = Scene::new();
    let words = "sweep data.npy --concepts 8 --top-k 2 --epochs 1 --batch-size 64";
    scene.ok(&format!("{words} --out a.jsonl --quiet"));
    let ended = scene.ok(&format!("{words} --out a.jsonl --save models"));
    assert!(ended.stderr.contains("those are not saved"), "{ended:?}");
    scene.ok(&format!("{words} --out b.jsonl --save models --quiet"));
    let name = "models/K8-k2-seed0.safetensors";
    let before = scene.bytes(name);
    let other = format!("{words} --model topk --out c.jsonl --save models");
    scene.fails(1, &other, &[name, "there already", "--save"]);
    assert_eq!(scene.bytes(name), before);
    std::fs::create_dir(scene.path("acts")).unwrap();
    std::fs::copy(scene.path("data.npy"), scene.path("acts/data.npy")).unwrap();
    scene.fails(2, "sweep acts --concepts 8 --out d.jsonl --save acts", &["among the data"]);
}

#[test]
fn a_sweep_tells_sets_of_several_files_and_tensors_apart() {
    let scene = Scene::new();
    let rows = activations(ROWS, WIDTH);
    for name in ["b.npy", "c.npy"] {
        write_npy(&scene.path(name), WIDTH, &rows);
    }
    write_matrices(&scene.path("two.safetensors"), WIDTH, &[("x", &rows), ("y", &rows)]);
    let words = "--concepts 8 --top-k 2 --epochs 1 --batch-size 64 --out s.jsonl --quiet";
    let sets = [
        "data.npy b.npy",
        "data.npy c.npy",
        "two.safetensors --tensor x",
        "two.safetensors --tensor y",
        "data.npy b.npy",
    ];
    for (data, lines) in sets.into_iter().zip([1, 2, 3, 4, 4]) {
        let found = scene.json(&format!("sweep {data} {words}"));
        assert_eq!(found.as_array().unwrap().len(), lines, "{data}");
    }
}

#[test]
fn a_model_that_diverges_is_named() {
    let scene = Scene::new();
    let words =
        "sweep data.npy --concepts 8,16 --top-k 3 --points 4 --epochs 1 --batch-size 64 --lr 1e38";
    scene.fails(1, &format!("{words} --out s.jsonl"), &["-N4-k3-seed0", "became", "--lr"]);
}
