//! Other models, encoders and losses on the command line.

use crate::support::{ROWS, SMALL, Scene};
use archetypal::data::TensorFile;

/// [`SMALL`] without what belongs to ra-topk.
const PLAIN: &str = "--concepts 24 --epochs 3 --batch-size 64";

/// Trains with these options, then judges, encodes and inspects: the class that `inspect` names.
fn all_commands(scene: &Scene, options: &str) -> serde_json::Value {
    let figures = scene.json(&format!("train data.npy --out sae {options} --quiet"));
    assert!(figures["r2"].is_f64(), "{options}: {figures}");
    let judged = scene.json("eval sae data.npy");
    let again = scene.json("eval sae data.npy");
    assert_eq!(judged, again, "{options}");
    assert_eq!(judged["rows"], ROWS);
    let encoded = scene.json("encode sae data.npy --out codes");
    let dense = scene.json("encode sae data.npy --out dense --dense");
    assert_eq!(encoded["entries"], dense["entries"], "{options}");
    // What is active counts from 1e-6.
    let l0 = encoded["entries"].as_f64().unwrap() / ROWS as f64;
    let judged_l0 = judged["l0"].as_f64().unwrap();
    assert!((l0 - judged_l0).abs() < 0.1 && l0 > 0.0, "{options}: {l0}, {judged_l0}");
    assert!(scene.ok("inspect sae").stdout.contains("trained with"));
    assert!(scene.ok("eval sae data.npy").stdout.contains("undefined") != is_archetypal(&judged));
    scene.json("inspect sae")
}

fn is_archetypal(judged: &serde_json::Value) -> bool {
    judged["max_weight_mean"].is_f64()
}

#[test]
fn every_model() {
    for (model, options, archetypal) in [
        ("topk", "--top-k 3", false),
        ("jump", "--bandwidth 0.1 --kernel gaussian --thresholds direct", false),
        ("batch-topk", "--top-k 3 --threshold-momentum 0.5", false),
        ("ra-batch-topk", "--top-k 3 --points 8 --delta 0.5", true),
        ("ra-jump", "--points 8 --bandwidth 0.1", true),
    ] {
        let scene = Scene::new();
        let file = all_commands(&scene, &format!("--model {model} {PLAIN} {options}"));
        assert_eq!(file["class"], model);
        assert_eq!(is_archetypal(&scene.json("eval sae data.npy")), archetypal);
        let kind = if archetypal { "archetypal" } else { "free" };
        assert_eq!(file["model"]["dictionary"]["kind"], kind);
    }
}

#[test]
fn every_encoder() {
    for options in [
        "--encoder tied",
        "--encoder tied --encoder-bias --model topk --normalization max_l2 --multiplier",
        "--encoder untied --encoder-bias --model batch-topk",
        "--encoder mlp_ln_1",
        "--encoder mlp_ln_3 --model jump --bandwidth 0.1",
        "--encoder mlp_bn_1 --model topk",
        "--encoder mlp_bn_3",
        "--encoder identity --concepts 12 --model topk",
    ] {
        let scene = Scene::new();
        let plain =
            if options.contains("--concepts") { "--epochs 3 --batch-size 64" } else { PLAIN };
        let file = all_commands(&scene, &format!("{plain} {options}"));
        let words: Vec<&str> = options.split(' ').collect();
        assert_eq!(file["model"]["encoder"], words[1]);
        assert_eq!(file["model"]["encoder_bias"], options.contains("--encoder-bias"));
    }
}

#[test]
fn losses_rates_and_decay() {
    let scene = Scene::new();
    let loss = "mse,reanimation=0.1,codes(log(1+v^2))=0.01,auxk=0.1:4:100";
    let options = format!(
        "{SMALL} --loss {loss} --lr-factors mixing=0.5,encoder=2 --weight-decay 0.01 --beta1 0.8 --log log"
    );
    let file = all_commands(&scene, &options);
    let training = &file["training"];
    assert_eq!(training["loss"], "mse,reanimation=0.1,codes(log(1 + v^2))=0.01,auxk=0.1:4:100");
    assert_eq!(training["lr_factors"], "encoder=2,mixing=0.5");
    assert_eq!(training["beta1"], 0.8);
    let log = String::from_utf8(scene.bytes("log")).unwrap();
    let step = log.lines().find(|line| line.contains("\"event\":\"step\"")).unwrap();
    let step: serde_json::Value = serde_json::from_str(step).unwrap();
    for term in ["reanimation", "codes(log(1 + v^2))", "auxk"] {
        assert!(step["terms"][term].is_number(), "no {term} in {step}");
    }

    // The names of the reference stand for the squared error and the term.
    scene.ok(&format!("train data.npy --out a {SMALL} --loss mse_l1=0.001 --quiet"));
    scene.ok(&format!("train data.npy --out b {SMALL} --loss mse,l1=0.001 --quiet"));
    assert_eq!(scene.bytes("a"), scene.bytes("b"));
    scene.ok(&format!("train data.npy --out c {SMALL} --quiet"));
    assert_ne!(scene.bytes("a"), scene.bytes("c"));
}

#[test]
fn parts_that_do_not_exist_or_fit() {
    let scene = Scene::new();
    for (options, parts) in [
        ("--model top", ["ra-topk", "batch-topk"]),
        ("--encoder mlp", ["mlp_ln_1", "untied"]),
        ("--encoder custom", ["custom", "tied"]),
        ("--normalization l3", ["max_l1", "identity"]),
        ("--thresholds learned", ["reference", "direct"]),
        ("--loss l2", ["l2", "reanimation"]),
        ("--loss mse,", ["loss is", "NAME[=WEIGHT]"]),
        ("--loss mse=x", ["mse=x", "a number"]),
        ("--loss reanimation=0.1", ["reanimation=0.1", "Add mse"]),
        ("--loss mse,elastic=2", ["elastic=2", "from 0 to 1"]),
        ("--loss mse,codes(foo(v))=1", ["foo", "codes"]),
        ("--loss mse,l0=0.1", ["l0=0.1", "TARGET"]),
        ("--loss mse,l0=0.1:3", ["l0", "--model ra-jump or jump"]),
        ("--lr-factors w=1", ["w=1", "mixing"]),
        ("--lr-factors mixing=-1", ["mixing=-1", "≥ 0"]),
        ("--lr-factors thresholds=2", ["thresholds", "encoder, mixing, relaxation, multiplier"]),
        ("--weight-decay=-1", ["weight-decay is -1", "≥ 0"]),
        ("--beta2 1", ["beta2 is 1", "not 1"]),
        ("--encoder identity", ["identity", "--concepts 12"]),
        ("--encoder-bias", ["encoder_bias", "tied or untied"]),
        ("--model topk --delta 1", ["delta", "--model ra-topk"]),
        ("--model topk --points 8", ["points", "--model ra-topk"]),
        ("--normalization l1", ["normalization", "--model topk"]),
        ("--model topk --threshold-momentum 0.5", ["threshold-momentum", "batch-topk"]),
        ("--model batch-topk --threshold-momentum 2", ["momentum is 2", "from 0 to 1"]),
        ("--multiplier --no-multiplier", ["--multiplier", "--no-multiplier"]),
    ] {
        let words = format!("train data.npy --out a --concepts 24 {options}");
        let ended = scene.fails(2, &words, &parts);
        assert!(!ended.stderr.contains("statistics"), "work was begun: {ended:?}");
    }
    assert!(!scene.path("a").exists());
}

#[test]
fn settings_of_a_file_stay() {
    let scene = Scene::new();
    let options =
        format!("--model batch-topk {PLAIN} --encoder tied --top-k 3 --loss mse,hoyer=0.1");
    scene.ok(&format!("train data.npy --out a {options} --keep-optimizer --quiet"));
    for other in [
        "--model topk",
        "--encoder linear",
        "--encoder-bias",
        "--loss mse",
        "--normalization l1",
        "--threshold-momentum 0.8",
        "--lr-factors encoder=2",
        "--weight-decay 0.1",
    ] {
        let name = other.split(' ').next().unwrap();
        scene.fails(2, &format!("train data.npy --resume a {other}"), &["--resume", name]);
    }
    scene.ok(&format!("train data.npy --resume a --out b {options} --quiet"));
    scene.fails(2, "train data.npy --out c --init a --encoder linear", &["encoder", "tied"]);
    scene.fails(2, "train data.npy --out c --init a --model topk", &["model", "batch-topk"]);
    scene.fails(2, "train data.npy --out c --init a --delta 1", &["delta", "ra-topk"]);
    // From the parameters on with another k and another loss.
    let words = "train data.npy --out c --init a --top-k 5 --loss mse,l1=0.001 --epochs 2 --quiet";
    assert_eq!(scene.json(words)["model"]["selection"]["k"], 5);
    let threshold = |name: &str| {
        let file = TensorFile::open(scene.path(name)).unwrap();
        file.tensor("running_threshold").unwrap().to_f32().unwrap()[0]
    };
    assert!(threshold("a") > 0.0 && threshold("c") != threshold("a"));
}

#[test]
fn an_encoder_in_halves() {
    let scene = Scene::new();
    let single = scene.json(&format!("train data.npy --out single {SMALL} --quiet"));
    let half = scene.json(&format!("train data.npy --out half {SMALL} --half --log log --quiet"));
    let off = half["r2"].as_f64().unwrap() - single["r2"].as_f64().unwrap();
    assert!(off.abs() < 0.005 && off != 0.0, "{half} {single}");
    let log = String::from_utf8(scene.bytes("log")).unwrap();
    assert!(log.lines().next().unwrap().contains("\"half\":true"), "{log}");
    // The file holds float32, and everything takes it.
    assert_eq!(scene.json("eval half data.npy")["rows"], ROWS);
    let words = format!("train data.npy --out a {PLAIN} --half --encoder mlp_ln_1");
    let refused =
        scene.fails(2, &words, &["half is given for the encoder mlp_ln_1", "--encoder linear"]);
    assert!(!refused.stderr.contains("statistics"), "work was begun: {refused:?}");
}
