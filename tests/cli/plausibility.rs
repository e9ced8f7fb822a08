//! `archetypal plausibility`.

use crate::support::{ROWS, Scene, WIDTH, activations, write_npy};

/// Rows of two kinds that a few dimensions tell apart, in turn.
fn two_kinds() -> Vec<f32> {
    let mut values = activations(ROWS, WIDTH);
    for (row, values) in values.chunks_exact_mut(WIDTH).enumerate() {
        values[row % 2] += 4.0;
    }
    values
}

/// A scene with such data, labels for them and a model.
fn scene() -> Scene {
    let scene = Scene::new();
    write_npy(&scene.path("data.npy"), WIDTH, &two_kinds());
    let label = |row: usize| match row {
        7 => "{\"label\": \"odd one\"}\n".to_owned(),
        8 => "{\"text\": \"no label\"}\n".to_owned(),
        _ => format!("{{\"label\": \"kind {}\"}}\n", row % 2),
    };
    std::fs::write(scene.path("e.jsonl"), (0..ROWS).map(label).collect::<String>()).unwrap();
    scene.trained()
}

#[test]
fn kinds_that_differ_are_found() {
    let scene = scene();
    scene.ok("train data.npy --out free --model topk --concepts 24 --top-k 3 --epochs 3 --batch-size 64 --quiet");
    let words = "plausibility sae.safetensors data.npy --examples e.jsonl --against free";
    let found = scene.json(&format!("{words} --quiet"));
    assert_eq!((&found["rows"], &found["examples"]), (&ROWS.into(), &ROWS.into()));
    assert_eq!(found["classes"][0]["name"], "kind 0");
    assert_eq!(found["left_out"][0]["name"], "odd one");
    let sets = found["sets"].as_array().unwrap();
    let names: Vec<_> = sets.iter().map(|set| set["name"].as_str().unwrap()).collect();
    let expected = ["concepts", "atoms", "points", "pca", "random", "against", "against_atoms"];
    assert_eq!(names, expected);
    let counts: Vec<_> = sets.iter().map(|set| set["count"].as_u64().unwrap()).collect();
    assert_eq!(counts, [24, 24, 8, 24, 24, 24, 24]);
    for set in sets {
        for name in ["cosine", "auc"] {
            let mean = (set["classes"][0][name].as_f64().unwrap()
                + set["classes"][1][name].as_f64().unwrap())
                / 2.0;
            assert!((set[name].as_f64().unwrap() - mean).abs() < 1e-12, "{set}");
        }
    }
    // What tells the kinds apart is most of the variance, and no random direction.
    let of = |set: usize, name: &str| sets[set][name].as_f64().unwrap();
    assert!(of(3, "auc") > 0.95 && of(3, "auc") > of(4, "auc"), "{found}");
    assert!(of(0, "cosine") > of(4, "cosine") + 0.2, "{found}");

    let ended = scene.ok(words);
    assert!(ended.stdout.contains("kind 1") && ended.stdout.contains("against_atoms"), "{ended:?}");
    assert!(
        ended.stderr.contains("left out: odd one") && ended.stderr.contains("pca"),
        "{ended:?}"
    );
    assert_eq!(ended.stdout, scene.ok(words).stdout);
    assert_ne!(ended.stdout, scene.ok(&format!("{words} --seed 1")).stdout);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let scene = scene();
    let words = "plausibility sae.safetensors data.npy";
    scene.fails(2, words, &["--examples"]);
    std::fs::write(scene.path("short.jsonl"), "{\"label\": 1}\n").unwrap();
    scene.fails(1, &format!("{words} --examples short.jsonl"), &["1 examples", "300 rows"]);
    std::fs::write(scene.path("none.jsonl"), "{\"name\": 1}\n".repeat(ROWS)).unwrap();
    scene.fails(
        1,
        &format!("{words} --examples none.jsonl"),
        &["none of its examples has a label"],
    );
    std::fs::write(scene.path("one.jsonl"), "{\"label\": 1}\n".repeat(ROWS)).unwrap();
    scene.fails(
        1,
        &format!("{words} --examples one.jsonl"),
        &["1 of its 1 classes has 4 examples"],
    );
    write_npy(&scene.path("wide.npy"), 2, &vec![1.0; 2 * ROWS]);
    let wide = "plausibility sae.safetensors wide.npy --examples e.jsonl";
    scene.fails(1, wide, &["wide.npy", "12 values"]);
}
