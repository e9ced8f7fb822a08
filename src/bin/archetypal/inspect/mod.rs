//! `archetypal inspect`.

mod data;
mod model;

use crate::{Context, checkpoint, encode, failure::Outcome, output, points};
use archetypal::{
    checkpoint::{Checkpoint, METADATA_KEY, holds_model},
    data::{MatrixFile, TensorFile},
};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Show what a file holds: activations, an SAE, points or codes
///
/// Of activations it reads a sample of at most 4 million values; `train` and `eval` check every one.
#[derive(clap::Args)]
pub struct Args {
    /// A .npy or .safetensors file
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run(context: &Context, args: &Args) -> Outcome {
    let path = &args.file;
    let (json, text) = match kind(path)? {
        Kind::Array => data::of_array(&MatrixFile::open(path, None)?)?,
        Kind::Model(file) => model::of(&checkpoint::open(file.file().path())?)?,
        Kind::Tensors(file) => data::of_tensors(&file)?,
        Kind::Made(what, file) => made(what, &file)?,
    };
    match context.common.json {
        true => output::print_json(&json),
        false => output::print(&text),
    }
}

enum Kind {
    /// `.npy`, or something that its reader can name.
    Array,
    Model(Box<Checkpoint>),
    /// Points or codes, with what they are.
    Made(&'static str, TensorFile),
    /// Any other `.safetensors`.
    Tensors(TensorFile),
}

fn kind(path: &Path) -> Outcome<Kind> {
    let mut start = [0; 9];
    let is_tensors = std::fs::File::open(path)
        .and_then(|mut file| std::io::Read::read(&mut file, &mut start))
        .map_err(|e| archetypal::Error::io("read", path, e))
        .map(|read| read == start.len() && start[8] == b'{')?;
    let named = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("safetensors"));
    if !is_tensors && !named {
        return Ok(Kind::Array);
    }
    let file = TensorFile::open(path)?;
    let metadata = file.metadata();
    Ok(if metadata.contains_key(METADATA_KEY) || holds_model(&file) {
        Kind::Model(Box::new(Checkpoint::open(path)?))
    } else if metadata.contains_key(points::METADATA_KEY) {
        Kind::Made("points", file)
    } else if metadata.contains_key(encode::METADATA_KEY) {
        Kind::Made("codes", file)
    } else {
        Kind::Tensors(file)
    })
}

/// A points or codes file: how it was made, and its tensors.
fn made(what: &'static str, file: &TensorFile) -> Outcome<(Value, String)> {
    let key = if what == "points" { points::METADATA_KEY } else { encode::METADATA_KEY };
    let made: Value = serde_json::from_str(&file.metadata()[key]).map_err(|error| {
        let problem = format!("its description cannot be read ({error})");
        archetypal::Error::file(file.path(), problem, "Was it changed by hand?")
    })?;
    let shapes = shapes(file)?;
    let mut table = output::Table::new();
    for (name, value) in made.as_object().into_iter().flatten() {
        table.row(name.clone(), plain(value));
    }
    for (name, shape) in &shapes {
        table.row(format!("tensor {name}"), plain(shape));
    }
    let text = format!("{}: {what}\n{}", file.path().display(), table.text(2));
    let path = file.path().display().to_string();
    Ok((json!({ "kind": what, "path": path, "made": made, "tensors": shapes }), text))
}

/// Type and shape of every tensor, by name.
fn shapes(file: &TensorFile) -> Outcome<BTreeMap<String, Value>> {
    let mut shapes = BTreeMap::new();
    for name in file.names() {
        let tensor = file.tensor(&name)?;
        shapes.insert(name, json!({ "dtype": tensor.dtype(), "shape": tensor.shape() }));
    }
    Ok(shapes)
}

/// A value without the quotes and braces of JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".into(),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| match name.as_str() {
                "dtype" | "shape" | "kind" => plain(value),
                _ => format!("{} {}", name.replace('_', " "), plain(value)),
            });
            fields.collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
