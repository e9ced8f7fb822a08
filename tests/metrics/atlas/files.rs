//! Which files there are, and that they are the same each time.

use super::{Files, K, examples, read};
use crate::{
    common::noise,
    models::{by_hand, loader, several},
};
use archetypal::{
    Device, Error, Result,
    checkpoint::{Checkpoint, Overrides},
    data::{Example, MatrixFile, Normalizer, Source},
    explore::atlas::{About, AtlasProgress, ENTRIES, Kind, Sink, atlas},
    train::TrainSettings,
};
use serde_json::{Value, json};

#[test]
fn the_manifest_has_this_structure() {
    let examples = examples(2);
    let training = TrainSettings::default();
    let about = About {
        examples: &examples,
        grid: Some("1x2".parse().unwrap()),
        training: Some(&training),
        with_data: true,
        ..About::new("by hand")
    };
    let files =
        read::make(&by_hand(), &Device::cpu(), &[2.0, 0.0, 0.0, 5.0, 2.0, 0.0, 3.0, 0.0], &about);
    let mut manifest: Value = serde_json::from_slice(&files.contents["manifest.json"]).unwrap();
    assert_eq!(manifest["figures"]["rows"], 4);
    assert_eq!(manifest["model"]["nb_concepts"], 3);
    assert_eq!(manifest["training"], serde_json::to_value(&training).unwrap());
    for name in ["figures", "model", "training"] {
        manifest[name] = Value::Null;
    }
    let expected = json!({
        "format": 1, "title": "by hand", "kind": "texts", "rows": 4, "width": 2, "concepts": 3, "points": 2,
        "grid": [1, 2], "examples": 2, "labels": ["a", "b"], "model": null, "training": null, "figures": null,
        "delta": 0.0, "heat_scale": 255,
        "chunks": { "details": 128, "codes": 4096, "rows": 1024, "atoms": 128, "examples": 4096 },
        "files": { "model": "sae.safetensors", "data": "data.safetensors", "rows": true, "examples": true },
    });
    assert_eq!(manifest, expected);
    let names: Vec<_> = files.contents.keys().map(String::as_str).collect();
    assert!(names.iter().all(|name| ENTRIES.contains(&name.split('/').next().unwrap())));
    assert_eq!(
        names,
        [
            "atoms/0.safetensors",
            "codes/0.safetensors",
            "concepts.safetensors",
            "data.safetensors",
            "details/0.safetensors",
            "examples/0.json",
            "manifest.json",
            "points.safetensors",
            "rows/0.safetensors",
            "rows_xy.safetensors",
            "sae.safetensors",
        ]
    );
    let back: Vec<Example> = serde_json::from_slice(&files.contents["examples/0.json"]).unwrap();
    assert_eq!(back, examples);
}

#[test]
fn what_is_not_wanted_is_left_out() {
    let about = About { with_rows: false, with_model: false, ..About::new("bare") };
    let [_, _, free, _] = several(K, 6, 5, 3);
    let files = read::make(&free, &Device::cpu(), &noise(60, 1), &about);
    let manifest = files.manifest();
    assert_eq!((manifest.kind, manifest.points, manifest.delta), (Kind::Rows, None, None));
    assert_eq!((manifest.files.model, manifest.files.data), (None, None));
    assert!(!manifest.files.rows && !manifest.files.examples && manifest.labels.is_empty());
    for folder in
        ["rows/", "examples/", "sae.safetensors", "data.safetensors", "points.safetensors"]
    {
        assert!(!files.contents.keys().any(|name| name.starts_with(folder)), "{folder}");
    }
    assert_eq!((files.count("details"), files.count("atoms")), (2, 2));
}

/// Over the border of every kind of file, with pictures whose cells do not divide the usual sizes.
#[test]
fn files_join_at_their_borders() {
    let (d, rows) = (5, 4998);
    let parts = several(20, d, 6, 3).into_iter().next().unwrap();
    let data = noise(rows * d, 2);
    let examples = examples(rows / 6);
    let grid = Some("3x2".parse().unwrap());
    let about = About { examples: &examples, grid, with_data: true, ..About::new("large") };
    let files = read::make(&parts, &Device::cpu(), &data, &about);
    let chunks = files.manifest().chunks;
    assert_eq!((chunks.codes, chunks.rows), (4092, 1020));
    assert_eq!((files.count("codes"), files.count("rows")), (2, 5));
    let codes = files.codes(20);
    let oracle = crate::oracle::codes(&parts, &data);
    assert_eq!(codes.len(), rows);
    for (got, want) in codes.iter().zip(oracle) {
        assert!(got.iter().zip(want).all(|(&got, want)| (f64::from(got) - want).abs() < 1e-5));
    }
    let x = files.joined("rows", "x", read::floats);
    assert!(x.len() == data.len() && x.iter().zip(&data).all(|(a, b)| (a - b).abs() < 1e-3));

    let bytes = files.contents["data.safetensors"].clone();
    let file = MatrixFile::from_bytes("data.safetensors", bytes, None).unwrap();
    assert_eq!((file.rows(), file.width()), (rows, d));
    assert_eq!(file.metadata()["grid"], "3x2");
    let mut last = vec![0.0; d];
    file.read_range(rows - 1, &mut last).unwrap();
    assert!(last.iter().zip(&data[data.len() - d..]).all(|(a, b)| (a - b).abs() < 1e-3));
}

#[test]
fn atoms_and_model_as_they_are() {
    let parts = several(K, 6, 5, 3).into_iter().next().unwrap();
    let files = read::make(&parts, &Device::cpu(), &noise(60, 1), &About::new(""));
    let sae = parts.on(&Device::cpu());
    let atoms = files.joined("atoms", "atoms", read::floats);
    let want = pollster::block_on(sae.dictionary()).unwrap();
    assert!(
        atoms.len() == want.len() && atoms.iter().zip(&want).all(|(a, b)| (a - b).abs() < 2e-3)
    );
    let bytes = files.contents["sae.safetensors"].clone();
    let checkpoint = Checkpoint::from_bytes("sae.safetensors", bytes).unwrap();
    let back = checkpoint.sae(&Device::cpu(), &Overrides::default()).unwrap();
    assert_eq!(pollster::block_on(back.dictionary()).unwrap(), want);
}

#[test]
fn the_same_bytes_on_any_number_of_threads() {
    let parts = several(K, 40, 30, 8).into_iter().next().unwrap();
    let data = noise(700 * 40, 4);
    let make = |threads| -> Files {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| read::make(&parts, &Device::cpu(), &data, &About::new("")))
    };
    assert!(make(1) == make(3), "the files differ");
}

#[test]
fn refuses_what_does_not_fit() {
    let parts = by_hand();
    let sae = parts.on(&Device::cpu());
    let rows = vec![2.0, 0.0, 0.0, 5.0, 2.0, 0.0];
    let problem = |sae: &_, loader: &_, about: &About<'_>| {
        let mut files = Files::default();
        pollster::block_on(atlas(sae, loader, about, &mut files, &mut |_| {})).unwrap_err()
    };
    let loader = loader(rows, 2, 2);
    let about = About::new("");
    let (two, grid) = (examples(2), Some("1x2".parse().unwrap()));
    let error = problem(&sae, &loader, &About { examples: &two, ..about.clone() });
    assert!(matches!(error, Error::Shape { .. }), "{error}");
    let error = problem(&sae, &loader, &About { grid, ..about.clone() });
    assert!(matches!(error, Error::Shape { .. }), "{error}");

    let mut other = parts.on(&Device::cpu());
    other.train();
    let error = problem(&other, &loader, &about);
    assert!(error.to_string().contains("eval"), "{error}");
    let mut other = parts.on(&Device::cpu());
    other.set_normalizer(Normalizer::from_parts(vec![1.0; 2], vec![1.0; 2]).unwrap()).unwrap();
    let error = problem(&other, &loader, &about);
    assert!(error.to_string().contains("Sae::normalizer"), "{error}");
}

#[test]
fn ends_when_nobody_wants_it() {
    struct Gone(usize);
    impl Sink for Gone {
        fn put(&mut self, name: &str, _: Vec<u8>) -> Result<()> {
            panic!("{name} was put")
        }
        fn go_on(&mut self) -> Result<()> {
            self.0 += 1;
            let gone = Error::file("atlas", "nobody wants it", "");
            if self.0 < 3 { Ok(()) } else { Err(gone) }
        }
    }
    let (sae, mut sink) = (by_hand().on(&Device::cpu()), Gone(0));
    let loader = loader(noise(20, 1), 2, 2);
    let mut most = 0;
    let mut tell = |progress: AtlasProgress| most = progress.done;
    let about = About::new("");
    let made = pollster::block_on(atlas(&sae, &loader, &about, &mut sink, &mut tell));
    assert!(made.unwrap_err().to_string().contains("nobody wants it"));
    assert_eq!(most, 4, "two batches were done");
}
