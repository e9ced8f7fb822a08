//! Commands that train many models: stability and sweep.

use crate::support::Scene;

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
    scene.fails(2, "stability data.npy --model topk", &["--model must be"]);
    scene.fails(2, "stability data.npy --seeds 1", &["--seeds"]);
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
    bytes.extend(b"{\"data\": \"da");
    std::fs::write(scene.path("sweep.jsonl"), &bytes).unwrap();
    let more = scene.json(&format!("sweep data.npy {options} --top-k 2,3 --at-once 1"));
    let more = more.as_array().unwrap();
    assert_eq!(more.len(), 4);
    assert_eq!(more[..2], first.as_array().unwrap()[..]);
    let again = scene.json(&format!("sweep data.npy {options} --top-k 2,3"));
    assert_eq!(again.as_array().unwrap(), more);
    std::fs::write(scene.path("other.jsonl"), "hello\n").unwrap();
    scene.fails(1, "sweep data.npy --out other.jsonl", &["line 1 is not of a sweep", "--out"]);
    scene.fails(2, "sweep data.npy --out s.jsonl --concepts 8 --top-k 9", &["top_k"]);
    scene.fails(2, "sweep data.npy --out s.jsonl --points 301", &["points"]);
}
