//! `explore`: the atlas as a folder. What needs the page is tested in `page`.

use crate::support::{ROWS, Scene, WIDTH, activations};
use archetypal::data::{TensorFile, TensorOut, write_tensors};
use serde_json::Value;
use std::{collections::BTreeMap, fs};

/// Pictures of four cells as `grid.safetensors`, and what they are of in `pictures.jsonl`.
pub fn with_pictures(scene: Scene) -> Scene {
    let values = activations(ROWS, WIDTH);
    let tensor = TensorOut::f32("activations", &[ROWS, WIDTH], &values);
    let grid = BTreeMap::from([("grid".to_owned(), "2x2".to_owned())]);
    write_tensors(scene.path("grid.safetensors"), &[tensor], &grid).unwrap();
    fs::create_dir(scene.path("my pictures")).unwrap();
    let line = |i: usize| {
        let image = format!("my pictures/{}.PNG", i % 3);
        format!("{{\"image\": \"{image}\", \"label\": \"l{}\"}}\n", i % 2)
    };
    fs::write(scene.path("pictures.jsonl"), (0..ROWS / 4).map(line).collect::<String>()).unwrap();
    for i in 0..3 {
        fs::write(scene.path(&format!("my pictures/{i}.PNG")), [i]).unwrap();
    }
    scene
}

fn manifest(scene: &Scene, folder: &str) -> Value {
    serde_json::from_slice(&scene.bytes(&format!("{folder}/manifest.json"))).unwrap()
}

/// The names in a folder.
pub fn names(scene: &Scene, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(scene.path(folder)).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_atlas_of_pictures() {
    let scene = with_pictures(Scene::new().trained());
    let words = "explore sae.safetensors grid.safetensors --examples pictures.jsonl --out atlas --data-only";
    let figures = scene.json(&format!("{words} --title Drawings"));
    assert_eq!((&figures["rows"], &figures["concepts"]), (&ROWS.into(), &24.into()));
    assert_eq!(figures["out"], "atlas");
    assert!(figures["seconds"].is_f64() && figures["url"].is_null());

    let manifest = manifest(&scene, "atlas");
    assert_eq!((&manifest["title"], &manifest["kind"]), (&"Drawings".into(), &"images".into()));
    assert_eq!(manifest["grid"], serde_json::json!([2, 2]));
    assert_eq!(manifest["labels"], serde_json::json!(["l0", "l1"]));
    assert_eq!(manifest["training"]["epochs"], 3);
    assert_eq!(manifest["files"]["data"], "data.safetensors");
    let examples: Value = serde_json::from_slice(&scene.bytes("atlas/examples/0.json")).unwrap();
    assert_eq!(examples[7]["image"], "images/00007.png");
    assert_eq!(scene.bytes("atlas/images/00007.png"), [1]);
    assert_eq!(scene.bytes("atlas/sae.safetensors"), scene.bytes("sae.safetensors"));
    let details = TensorFile::open(scene.path("atlas/details/0.safetensors")).unwrap();
    assert_eq!(details.tensor("top_heat").unwrap().shape(), [24, 24, 4]);

    // Its figures count the files that there are.
    let top = names(&scene, "atlas");
    assert_eq!(top.len(), 12, "{top:?}");
    assert_eq!(figures["files"], 11 + ROWS / 4);

    // The same command writes the same, in place of what was there.
    let before = scene.bytes("atlas/concepts.safetensors");
    fs::write(scene.path("atlas/details/stale"), "").unwrap();
    let ended = scene.ok(words);
    assert!(ended.stdout.contains("concepts  24"), "{ended:?}");
    assert_eq!(names(&scene, "atlas"), top);
    assert_eq!(scene.bytes("atlas/concepts.safetensors"), before);
    assert!(!scene.path("atlas/details/stale").exists());
    assert!(!names(&scene, ".").iter().any(|name| name.starts_with('.')), "nothing is left beside");
}

#[test]
fn what_to_leave_out() {
    let scene = Scene::new().trained();
    let words = "explore sae.safetensors data.npy --data-only --quiet --out";
    scene.ok(&format!("{words} bare --no-rows --no-data"));
    let bare = manifest(&scene, "bare");
    assert_eq!((&bare["title"], &bare["kind"]), (&"sae".into(), &"rows".into()));
    assert_eq!((&bare["files"]["rows"], &bare["files"]["data"]), (&false.into(), &Value::Null));
    assert!(!scene.path("bare/rows").exists() && !scene.path("bare/data.safetensors").exists());
    // A folder that is empty may be written to.
    fs::create_dir(scene.path("full")).unwrap();
    assert_eq!(scene.ok(&format!("{words} full --with-data")).stderr, "");
    assert!(scene.path("full/rows/0.safetensors").exists());
    assert!(scene.path("full/data.safetensors").exists());
}

#[cfg(unix)]
#[test]
fn others_can_read_the_folder() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new().trained();
    fs::create_dir(scene.path("plain")).unwrap();
    scene.ok("explore sae.safetensors data.npy --data-only --out a --quiet");
    let mode = |name| fs::metadata(scene.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("a"), mode("plain"));
}

#[test]
fn nothing_else_is_overwritten() {
    let scene = with_pictures(Scene::new().trained());
    let words = "explore sae.safetensors data.npy --data-only --out";
    fs::create_dir(scene.path("mine")).unwrap();
    fs::write(scene.path("mine/thesis.txt"), "dear to me").unwrap();
    scene.fails(1, &format!("{words} mine"), &["mine", "holds something else"]);
    fs::write(scene.path("mine/manifest.json"), "{\"format\": 1}").unwrap();
    scene.fails(1, &format!("{words} mine"), &["holds something else"]);
    assert_eq!(scene.bytes("mine/thesis.txt"), b"dear to me");
    scene.fails(1, &format!("{words} pictures.jsonl"), &["pictures.jsonl", "no folder"]);
    scene.fails(2, &format!("{words} data.npy"), &["data.npy", "would be replaced"]);
    scene.fails(1, &format!("{words} no/where"), &["could not make a folder"]);

    // Neither what lies beside an atlas, nor what somebody put into one.
    fs::create_dir(scene.path("results")).unwrap();
    scene.ok(&format!("{words} results/atlas"));
    for name in ["results/thesis.txt", "results/atlas/thesis.txt"] {
        fs::write(scene.path(name), "dear to me").unwrap();
        let folder = scene.path(name).parent().unwrap().to_owned();
        let folder = folder.display();
        scene.fails(1, &format!("{words} {folder}"), &["holds something else"]);
        assert_eq!(scene.bytes(name), b"dear to me");
    }

    // What is read may not lie in what is replaced.
    scene.ok(&format!("{words} a"));
    let within = "explore a/sae.safetensors data.npy --data-only --out a";
    scene.fails(2, within, &["a/sae.safetensors", "would be replaced"]);
    assert!(scene.path("a/sae.safetensors").exists());

    // A failure leaves what was there, and nothing beside it.
    let before = scene.bytes("a/manifest.json");
    fs::remove_file(scene.path("my pictures/2.PNG")).unwrap();
    let broken =
        "explore sae.safetensors grid.safetensors --examples pictures.jsonl --data-only --out a";
    scene.fails(1, broken, &["could not read", "2.PNG"]);
    assert_eq!(scene.bytes("a/manifest.json"), before);
    assert!(!names(&scene, ".").iter().any(|name| name.starts_with('.')));
}

#[test]
fn options_that_do_not_go_together() {
    let scene = Scene::new().trained();
    let words = "explore sae.safetensors data.npy";
    scene.fails(2, &format!("{words} --data-only"), &["--out"]);
    scene.fails(2, &format!("{words} --out a --port 1"), &["--port"]);
    scene.fails(2, &format!("{words} --out a --data-only --with-data --no-data"), &["--no-data"]);
    let examples = format!("{words} --out a --data-only --examples few.jsonl");
    fs::write(scene.path("few.jsonl"), "{\"text\": \"one\"}\n").unwrap();
    scene.fails(1, &examples, &["few.jsonl", "holds 1 examples"]);
    assert!(!scene.path("a").exists());
}

#[cfg(not(feature = "page"))]
#[test]
fn without_the_page_it_says_how_to_get_it() {
    let scene = Scene::new().trained();
    for words in ["explore sae.safetensors data.npy", "explore sae.safetensors data.npy --out a"] {
        scene.fails(2, words, &["--features page", "--data-only"]);
    }
    assert!(!scene.path("a").exists());
}
