//! `archetypal export`: its files, and what it refuses.

use crate::support::{Scene, WIDTH};
use archetypal::data::TensorFile;

#[test]
fn export_writes_the_folder_that_saelens_loads() {
    let scene = Scene::new().trained();
    assert!(scene.ok("export sae.safetensors --out lens").stdout.contains("topk, k 3"));
    let text = std::fs::read_to_string(scene.path("lens/cfg.json")).unwrap();
    let config: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&config["architecture"], &config["k"]), (&"topk".into(), &3.into()));
    let weights = TensorFile::open(scene.path("lens/sae_weights.safetensors")).unwrap();
    assert_eq!(weights.tensor("W_enc").unwrap().shape(), [WIDTH, 24]);
    drop(weights);

    let before = scene.bytes("lens/sae_weights.safetensors");
    let figures = scene.json("export sae.safetensors --format saelens --out lens");
    assert_eq!((&figures["config"], &figures["out"]), (&config, &"lens".into()));
    assert_eq!(scene.bytes("lens/sae_weights.safetensors"), before);
    assert_eq!(std::fs::read_dir(scene.path("lens")).unwrap().count(), 2);
}

#[test]
fn what_cannot_be_exported_leaves_nothing() {
    let scene = Scene::new();
    scene.ok(
        "train data.npy --out mlp --concepts 24 --points 8 --encoder mlp_ln_1 --epochs 1 --quiet",
    );
    scene.fails(2, "export mlp --out lens", &["encoder is mlp_ln_1", "linear, tied or untied"]);
    scene.fails(1, "export data.npy --out lens", &["data.npy"]);
    scene.fails(2, "export mlp --out lens --top-k 3", &["top-k", "left out"]);
    scene.fails(2, "export mlp --out lens --format onnx", &["saelens"]);
    assert!(!scene.path("lens").exists());

    let scene = scene.trained();
    scene.fails(1, "export sae.safetensors --out no/lens", &["no/lens"]);
    scene.fails(1, "export sae.safetensors --out data.npy", &["data.npy"]);
    std::fs::create_dir(scene.path("dir")).unwrap();
    std::fs::copy(scene.path("sae.safetensors"), scene.path("dir/sae_weights.safetensors"))
        .unwrap();
    let words = "export dir/sae_weights.safetensors --out dir";
    scene.fails(2, words, &["would overwrite the SAE"]);
}
