//! Each command on data that it likes: what it prints and what it writes.

use crate::support::{ROWS, SMALL, Scene, WIDTH, activations, write_matrices, write_npy};
use archetypal::data::TensorFile;

#[test]
fn train_prints_figures_and_tells_of_progress_on_stderr() {
    let scene = Scene::new();
    let ended = scene.ok(&format!("train data.npy --out a {SMALL} --log log"));
    assert!(ended.stdout.contains("R²") && ended.stdout.contains("dead"), "{ended:?}");
    assert_eq!(ended.stderr.matches("epoch ").count(), 3, "{ended:?}");
    let ended = scene.ok(&format!("train data.npy --out b {SMALL} --quiet"));
    assert_eq!(ended.stderr, "");

    let log = String::from_utf8(scene.bytes("log")).unwrap();
    let names: Vec<String> = log
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|event| event["event"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.first().unwrap(), "configuration");
    assert_eq!(names.last().unwrap(), "done");
    // 300 rows in batches of 64 are five steps.
    assert_eq!(names.iter().filter(|name| *name == "step").count(), 15);
}

#[test]
fn train_json_and_defaults() {
    let scene = Scene::new();
    let figures = scene.json("train data.npy --out a --epochs 2 --quiet");
    assert_eq!(figures["model"]["nb_concepts"], 48);
    assert_eq!(figures["model"]["dictionary"]["nb_points"], 48);
    assert_eq!(figures["model"]["selection"]["k"], 4);
    assert_eq!(figures["steps"], 2);
    assert_eq!(figures["interrupted"], false);
    assert!(figures["r2"].is_f64() && figures["dead_share"].is_f64(), "{figures}");
    let reference = scene.json("train data.npy --out b --epochs 2 --preset reference --quiet");
    assert_eq!(reference["model"]["dictionary"]["nb_points"], 24);
    assert_eq!(reference["model"]["dictionary"]["delta"], 1.0);
    let training = &scene.json("inspect b")["training"];
    assert_eq!((&training["start"], &training["lr"]), (&"reference".into(), &5e-4.into()));
    let training = &scene.json("inspect a")["training"];
    assert_eq!((&training["start"], &training["lr"]), (&"matched".into(), &1e-3.into()));
}

#[test]
fn eval_prints_every_figure() {
    let scene = Scene::new().trained();
    let figures = scene.json("eval sae.safetensors data.npy");
    for name in [
        "rows",
        "r2",
        "r2_scalar_mean",
        "mse",
        "l0",
        "dead_share",
        "density_quantiles",
        "coherence",
        "ood",
        "max_weight_mean",
        "weight_entropy_mean",
        "relaxation_ratio_mean",
        "multiplier",
    ] {
        assert!(!figures[name].is_null(), "no {name} in {figures}");
    }
    assert_eq!(figures["rows"], ROWS);
    let help = scene.ok("eval --help").stdout;
    let text = scene.ok("eval sae.safetensors data.npy").stdout;
    for name in figures.as_object().unwrap().keys() {
        assert!(text.contains(name), "no {name} in the table");
        assert!(help.contains(&format!("\n  {name}\n")), "no definition of {name} in the help");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn encode_writes_what_the_library_finds() {
    let scene = Scene::new().trained();
    scene.ok("encode sae.safetensors data.npy --out sparse");
    let figures = scene.json("encode sae.safetensors data.npy --out dense --dense");
    assert_eq!(figures["rows"], ROWS);
    let dense = TensorFile::open(scene.path("dense")).unwrap();
    let dense = dense.tensor("codes").unwrap().with_shape(&[ROWS, 24]).unwrap().to_f32().unwrap();
    let sparse = TensorFile::open(scene.path("sparse")).unwrap();
    let tensor =
        |name: &str, shape: &[usize]| sparse.tensor(name).unwrap().with_shape(shape).unwrap();
    let indices = tensor("indices", &[ROWS, 3]).to_u32().unwrap();
    let values = tensor("values", &[ROWS, 3]).to_f32().unwrap();
    let counts = tensor("counts", &[ROWS]).to_u32().unwrap();
    let mut again = vec![0.0; ROWS * 24];
    for row in 0..ROWS {
        for place in 0..3 {
            let (index, value) = (indices[row * 3 + place], values[row * 3 + place]);
            if place < counts[row] as usize {
                again[row * 24 + index as usize] = value;
            } else {
                assert_eq!((index, value), (0, 0.0), "an unused place");
            }
        }
    }
    assert_eq!(again, dense);
    assert!(dense.iter().any(|&value| value > 0.0));

    let sae = archetypal::checkpoint::Checkpoint::open(scene.path("sae.safetensors")).unwrap();
    let sae = sae.sae(&archetypal::Device::cpu(), &Default::default()).unwrap();
    let codes = pollster::block_on(sae.codes(&activations(ROWS, WIDTH)[..WIDTH])).unwrap();
    let first: Vec<(u32, f32)> = codes.row(0).collect();
    assert_eq!(first.len(), counts[0] as usize);
    for (place, (index, value)) in first.into_iter().enumerate() {
        assert_eq!(index, indices[place]);
        // One row at a time sums in another order than 300 of them.
        assert!((value - values[place]).abs() <= 1e-5 * value, "{value} {}", values[place]);
    }
}

#[test]
fn encode_writes_jump_codes_as_csr() {
    let scene = Scene::new();
    scene
        .ok("train data.npy --out sae --model ra-jump --concepts 24 --points 8 --epochs 2 --quiet");
    scene.ok("encode sae data.npy data.npy --out codes");
    let file = TensorFile::open(scene.path("codes")).unwrap();
    let indptr =
        file.tensor("indptr").unwrap().with_shape(&[2 * ROWS + 1]).unwrap().to_i64().unwrap();
    let indices = file.tensor("indices").unwrap().to_u32().unwrap();
    let values = file.tensor("values").unwrap().to_f32().unwrap();
    assert_eq!((indptr[0], indptr[2 * ROWS]), (0, indices.len() as i64));
    assert_eq!(indices.len(), values.len());
    assert!(indptr.is_sorted() && indices.iter().all(|&j| j < 24) && !values.contains(&0.0));
    // The second shard is the first one again.
    let half = indptr[ROWS] as usize;
    assert_eq!(values[..half], values[half..]);
    assert!(scene.ok("inspect codes").stdout.contains("csr"));
}

#[test]
fn a_folder_stands_for_its_files() {
    let scene = Scene::new();
    std::fs::create_dir(scene.path("shards")).unwrap();
    let values = activations(ROWS, WIDTH);
    let (head, tail) = values.split_at(100 * WIDTH);
    write_npy(&scene.path("shards/b.npy"), WIDTH, tail);
    write_matrices(&scene.path("shards/a.safetensors"), WIDTH, &[("x", head)]);
    std::fs::write(scene.path("shards/notes.txt"), "not data").unwrap();
    scene.ok(&format!("train shards --out folder {SMALL} --quiet"));
    scene.ok(&format!("train data.npy --out file {SMALL} --quiet"));
    assert_eq!(scene.bytes("folder"), scene.bytes("file"));
    let beside = format!("train shards --out shards/sae.safetensors {SMALL}");
    scene.fails(2, &beside, &["among the data"]);
    std::fs::create_dir(scene.path("none")).unwrap();
    scene.fails(1, &format!("train none --out a {SMALL}"), &["no .npy or .safetensors"]);
}

#[test]
fn points_are_found_stored_raw_and_taken() {
    let scene = Scene::new();
    let figures = scene.json("points data.npy --count 8 --out points --seed 5");
    assert_eq!((figures["count"].as_u64(), figures["width"].as_u64()), (Some(8), Some(12)));
    scene.ok("points data.npy --count 8 --out sample --method sample");
    let file = TensorFile::open(scene.path("sample")).unwrap();
    let sample = file.tensor("points").unwrap().with_shape(&[8, WIDTH]).unwrap().to_f32().unwrap();
    let data = activations(ROWS, WIDTH);
    // Raw rows again, up to the rounding of normalising and back.
    for point in sample.chunks(WIDTH) {
        let near = |row: &[f32]| row.iter().zip(point).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(data.chunks(WIDTH).any(near), "{point:?} is no row");
    }
    // A run over these points is the run that finds them itself, but for rounding.
    let options = SMALL.replace("--points 8", "");
    let own = scene.json(&format!("train data.npy --out a {SMALL} --seed 5 --quiet"));
    let given =
        scene.json(&format!("train data.npy --out b {options} --points points --seed 5 --quiet"));
    let difference = own["r2"].as_f64().unwrap() - given["r2"].as_f64().unwrap();
    assert!(difference.abs() < 1e-3, "{own} {given}");
    let described = scene.json("inspect points");
    assert_eq!((&described["kind"], &described["made"]["seed"]), (&"points".into(), &5.into()));
}

#[test]
fn inspect_tells_files_apart() {
    let scene = Scene::new().trained();
    let data = scene.json("inspect data.npy");
    assert_eq!(data["kind"], "data");
    assert_eq!(data["tensors"][0]["shape"], serde_json::json!([ROWS, WIDTH]));
    assert_eq!(data["tensors"][0]["sample"]["not_finite"], 0);
    let mut values = activations(ROWS, WIDTH);
    values[5 * WIDTH] = f32::NAN;
    write_matrices(&scene.path("bad.safetensors"), WIDTH, &[("x", &values), ("y", &values)]);
    let bad = scene.json("inspect bad.safetensors");
    assert_eq!(bad["tensors"][1]["sample"]["first_bad_row"], 5);
    assert!(scene.ok("inspect bad.safetensors").stdout.contains("1, the first in row 5"));

    let model = scene.json("inspect sae.safetensors");
    assert_eq!((&model["kind"], &model["class"]), (&"checkpoint".into(), &"ra-topk".into()));
    assert_eq!(model["model"]["dictionary"]["nb_points"], 8);
    assert_eq!(model["parameters"], 24 * (2 * WIDTH + 1 + 8) + 1);
    assert_eq!(model["training"]["batch_size"], 64);
    assert!(model["progress"].is_null());
    assert!(scene.ok("inspect sae.safetensors").stdout.contains("trained with"));
}

#[test]
fn init_trains_on_from_other_parameters() {
    let scene = Scene::new().trained();
    let before = scene.json("eval sae.safetensors data.npy")["mse"].as_f64().unwrap();
    let words = "train data.npy --out b --init sae.safetensors --epochs 30 --batch-size 64 --delta 2 --lr 2e-3 --quiet";
    let figures = scene.json(words);
    assert_eq!(figures["model"]["dictionary"]["delta"], 2.0);
    assert_eq!(figures["model"]["nb_concepts"], 24);
    let after = scene.json("eval b data.npy")["mse"].as_f64().unwrap();
    assert!(after < before, "{after} is not below {before}");
}

#[test]
fn a_file_of_the_reference_is_taken_with_its_settings_on_the_command_line() {
    let scene = Scene::new().trained();
    // Without its settings a checkpoint is what overcomplete writes; without normalisation it reads data as they are.
    let file = TensorFile::open(scene.path("sae.safetensors")).unwrap();
    let names: Vec<String> =
        file.names().into_iter().filter(|name| !name.starts_with("normalize.")).collect();
    let values: Vec<Vec<f32>> =
        names.iter().map(|name| file.tensor(name).unwrap().to_f32().unwrap()).collect();
    let tensors: Vec<_> = names
        .iter()
        .zip(&values)
        .map(|(name, values)| {
            let shape = file.tensor(name).unwrap().shape().to_vec();
            archetypal::data::TensorOut::f32(name, &shape, values)
        })
        .collect();
    archetypal::data::write_tensors(scene.path("theirs"), &tensors, &Default::default()).unwrap();
    let l0 = |words: &str| scene.json(words)["l0"].as_f64().unwrap();
    assert!(l0("eval theirs data.npy --top-k 1") <= 1.0);
    assert!(l0("eval theirs data.npy --top-k 3") > 1.0);
    assert_eq!(scene.json("inspect theirs")["from_reference"], true);
}

#[test]
fn devices_lists_the_cpu() {
    let scene = Scene::new();
    let devices = scene.json("devices");
    let list = devices.as_array().unwrap();
    let cpu = list.iter().find(|device| device["type"] == "cpu").unwrap();
    assert_eq!(cpu["backend"], "cpu");
    for device in list {
        for name in ["name", "backend", "driver", "type", "limits", "features"] {
            assert!(!device[name].is_null(), "no {name} in {device}");
        }
    }
    assert_eq!(list.iter().filter(|device| device["auto"] == true).count(), 1);
    assert!(scene.ok("devices").stdout.contains("CPU"));
}

/// The commands that the help lists, but for `help` itself.
fn commands(scene: &Scene) -> Vec<String> {
    let help = scene.ok("--help").stdout;
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    // Where a description goes on, it stands further in.
    let names = list
        .take_while(|line| line.starts_with(' '))
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The options that a help lists, each with its description.
fn options(help: &str) -> Vec<String> {
    let mut options: Vec<String> = Vec::new();
    for line in help.lines() {
        let start = line.trim_start();
        // Descriptions stand further in, and what is said of the command not in at all.
        let is_name = (2..8).contains(&(line.len() - start.len()));
        if is_name && (start.starts_with("--") || start.contains(", --")) {
            options.push(String::new());
        }
        if let Some(last) = options.last_mut() {
            *last += &format!("{start} ");
        }
    }
    options
}

#[test]
fn every_option_says_its_default() {
    let scene = Scene::new();
    let commands = commands(&scene);
    assert!(commands.iter().any(|command| command == "bench"), "{commands:?}");
    let mut silent = Vec::new();
    for command in commands {
        let help = scene.ok(&format!("{command} --help")).stdout;
        let usage = help.lines().find(|line| line.starts_with("Usage: ")).unwrap();
        for option in options(&help) {
            let name = option.split_whitespace().find(|word| word.starts_with("--")).unwrap();
            let required = usage.split_whitespace().any(|word| word == name);
            let tells = ["[default: ", "[default with "].iter().any(|told| option.contains(told));
            if !(required || tells || name == "--help") {
                silent.push(format!("{command} {name}"));
            }
        }
    }
    assert!(silent.is_empty(), "without a default: {silent:?}");
}

#[test]
fn the_demo_reaches_its_mark() {
    let scene = Scene::new();
    let data = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data");
    let figures = scene.json(&format!("demo --quiet --data {data}"));
    for set in ["pictures", "texts"] {
        assert!(figures[set]["r2"].as_f64().unwrap() > 0.5, "{figures}");
    }
    assert!(figures["pictures"]["r2"].as_f64().unwrap() >= 0.75, "{figures}");
    assert!(figures["pictures"]["dead_share"].as_f64().unwrap() <= 0.1, "{figures}");
    assert!(figures["seconds"].as_f64().unwrap() > 0.0);
    scene.fails(1, "demo --data .", &["clipart-efflite0.safetensors"]);
}
