//! `archetypal bench`: that every figure is there and can be one. How large it is, no test says.

use crate::support::{Scene, WIDTH};
use serde_json::Value;

const TINY: &str = "bench --sizes 12/96/8/16/3 --runs 2 --quiet";

/// A number above zero.
#[track_caller]
fn positive(value: &Value) -> f64 {
    let number = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!(number.is_finite() && number > 0.0, "{number}");
    number
}

#[track_caller]
fn is_time(value: &Value) {
    let [least, median, most] = ["least", "median", "most"].map(|name| positive(&value[name]));
    assert!(least <= median && median <= most, "{value}");
}

/// A piece of work with its limit.
#[track_caller]
fn is_work(work: &Value) {
    is_time(&work["seconds"]);
    positive(&work["bytes"]);
    let share = positive(&work["limit"]) / positive(&work["seconds"]["median"]);
    assert!((positive(&work["share"]) / share - 1.0).abs() < 1e-9, "{work}");
}

#[test]
fn every_figure_is_there() {
    let report = Scene::new().json(TINY);
    positive(&report["roofline"]["flops"]);
    positive(&report["roofline"]["bandwidth"]);
    positive(&report["machine"]["threads"]);
    let figures = &report["sizes"][0];
    assert_eq!(figures["size"], "12/96/8/16/3");
    let step = &figures["step"];
    is_time(&step["seconds"]);
    assert_eq!(step["path"], "factored");
    // Two to warm up, two with the clock, two with the profile.
    let losses: Vec<_> = step["losses"].as_array().unwrap().iter().map(positive).collect();
    assert_eq!(losses.len(), 6);
    assert_ne!(losses[4], losses[0], "the first batch again, after four updates");
    assert!(positive(&step["limit_all_rows"]) >= positive(&step["limit"]));
    assert_eq!(step["codes"]["entries"], 16 * 3);
    assert!((3..=48).contains(&step["codes"]["fired"].as_u64().unwrap()));
    if cfg!(target_os = "linux") {
        assert!(positive(&step["memory"]) > 1e6);
    }
    let stages = step["stages"].as_array().unwrap();
    let stage = |name: &str| stages.iter().find(|stage| stage["name"] == name);
    for name in [
        "linear_top_k",
        "by_atom",
        "catch_up",
        "spmm",
        "gemm",
        "mse",
        "sddmm_sumsq",
        "sumsq",
        "adam",
        "adam_active",
    ] {
        let stage = stage(name).unwrap_or_else(|| panic!("no {name} in {stages:?}"));
        positive(&stage["seconds"]);
        assert!(positive(&stage["calls"]) >= 1.0);
    }
    is_work(&figures["encode"]);
    for (name, count) in [("top_k", 2), ("k_means", 2), ("kernels", 22)] {
        let all = figures[name].as_array().unwrap();
        assert_eq!(all.len(), count, "{name}");
        all.iter().for_each(is_work);
    }
}

#[test]
fn only_what_is_asked_for_is_measured() {
    let scene = Scene::new();
    let report = scene.json(&format!("{TINY} --what step --model ra-jump --l0 0.25"));
    assert_eq!(report["roofline"], Value::Null);
    let figures = &report["sizes"][0];
    assert_eq!(figures["step"]["share"], Value::Null);
    assert!(figures.get("encode").is_none() && figures.get("kernels").is_none());
    // A quarter of 16 · 96 codes at the start, about as many after a few steps.
    assert!(
        (150..800).contains(&figures["step"]["codes"]["entries"].as_u64().unwrap()),
        "{figures}"
    );

    let text = scene.ok(&format!("{TINY} --what roofline,encode,top-k")).stdout;
    for part in
        ["roofline: ", "GFLOP/s", "12/96/8/16/3, ra-topk, planted rows", "encode", "top-k, k 9"]
    {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn shortlists_can_be_left_out() {
    let scene = Scene::new();
    let device =
        |words: &str| scene.json(&format!("{TINY} --what step{words}"))["device"].to_string();
    let says_so = device(" --no-shortlists").contains("no shortlists");
    assert_eq!(says_so, archetypal::device::cpu::Cpu::shortlists().is_some());
    assert!(!device("").contains("no shortlists"));
}

#[test]
fn rows_of_the_user_and_rows_for_others() {
    let scene = Scene::new();
    let words = format!("{TINY} --what step --data data.npy");
    assert_eq!(scene.json(&words)["data"], "data.npy");
    scene.ok(&format!("{TINY} --save-data rows.safetensors"));
    let saved = archetypal::data::TensorFile::open(scene.path("rows.safetensors")).unwrap();
    let encoder = "encoder.final_block.0.weight";
    for (name, rows) in [("rows", 64), ("points", 8), (encoder, 96)] {
        assert_eq!(saved.tensor(name).unwrap().shape(), [rows, WIDTH], "{name}");
    }
    assert!(saved.tensor("thresholds").is_err(), "of jump only");
    scene.ok(&format!("{TINY} --what step --data rows.safetensors --tensor rows"));
}

#[test]
fn growth_is_plotted() {
    let scene = Scene::new();
    let report = scene.json("bench --scaling growth.html --sizes 8/16/8/16/4 --runs 1 --quiet");
    let points = report["points"].as_array().unwrap();
    for varied in ["K", "N", "B", "k", "d"] {
        let values: Vec<_> = points
            .iter()
            .filter(|point| point["varied"] == varied)
            .map(|point| point["value"].as_u64().unwrap())
            .collect();
        assert!(values.len() >= 4 && values.is_sorted(), "{varied}: {values:?}");
    }
    for point in points {
        is_time(&point["seconds"]);
        positive(&point["limit"]);
        positive(&point["memory_counted"]);
    }
    let page = String::from_utf8(scene.bytes("growth.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 10);
    assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
}

#[test]
fn growth_is_a_picture_too() {
    let scene = Scene::new();
    scene.ok("bench --scaling growth.svg --sizes 8/16/8/16/4 --runs 1 --quiet");
    let picture = String::from_utf8(scene.bytes("growth.svg")).unwrap();
    assert!(picture.starts_with("<svg xmlns") && picture.ends_with("</svg>\n"), "{picture}");
    assert_eq!(picture.matches("<svg").count(), 11, "one, and in it ten");
    assert!(picture.contains(">Peak memory over B, rows in a batch<"), "{picture}");
}

#[test]
fn sizes_that_cannot_be() {
    let scene = Scene::new();
    scene.fails(2, "bench --sizes 384/4096/1024", &["384/4096/1024", "d/K/N/B/k"]);
    scene.fails(2, "bench --sizes 8/16/8/16/x", &["five whole numbers"]);
    scene.fails(2, "bench --sizes 8/16/0/16/4", &["N is 0"]);
    scene.fails(2, "bench --sizes 8/16/8/16/17", &["k is 17", "16"]);
    scene.fails(1, "bench --sizes 8/1000000000000/8/16/4", &["memory of this machine"]);
    scene.fails(2, "bench --what stepp", &["stepp", "k-means"]);
    scene.fails(2, "bench --runs 0", &["--runs"]);
    scene.fails(2, "bench --l0 1.5", &["--l0 is 1.5"]);
    scene.fails(2, &format!("{TINY} --tensor rows"), &["--data"]);
    scene.fails(1, "bench --sizes 13/24/8/16/3 --data data.npy", &["data.npy", "13"]);
    scene.fails(2, "bench --sizes 12/24/8/512/3 --data data.npy", &["300 rows", "512"]);
    scene.fails(2, "bench --scaling a.html --data data.npy", &["--scaling", "--data"]);
    assert!(!scene.path("a.html").exists());
}
