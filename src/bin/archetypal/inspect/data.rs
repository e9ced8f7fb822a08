//! Activations: shape, type and what a sample of the rows looks like.

use super::plain;
use crate::{failure::Outcome, output::Table, text};
use archetypal::data::{MatrixFile, Source, TensorFile, sample_rows};
use serde::Serialize;
use serde_json::{Value, json};

/// Values that the sample of one tensor may have (16 MiB).
const SAMPLE_VALUES: usize = 1 << 22;
/// Tensors of one file that are sampled.
const SAMPLED_TENSORS: usize = 16;

/// What some of the rows look like.
#[derive(Clone, Copy, Debug, Serialize)]
struct Sample {
    rows: usize,
    /// NaN or infinite values.
    not_finite: usize,
    /// The first row of the file with one.
    first_bad_row: Option<usize>,
    min: f64,
    max: f64,
    mean: f64,
    std: f64,
    zero_share: f64,
    /// Dimensions that have one value throughout.
    constant_dimensions: usize,
}

impl Sample {
    fn of(source: &dyn Source) -> Outcome<Self> {
        let width = source.width();
        let count = (SAMPLE_VALUES / width).clamp(1, source.rows());
        let rows = sample_rows(source, count, 0)?;
        let mut values = vec![0.0; count * width];
        source.read(&rows, &mut values)?;
        let finite = || values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v));
        let n = finite().count();
        let mean = finite().sum::<f64>() / n as f64;
        let variance = finite().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n as f64;
        let is_constant = |&d: &usize| {
            let first = values[d].to_bits();
            values.iter().skip(d).step_by(width).all(|v| v.to_bits() == first)
        };
        Ok(Self {
            rows: count,
            not_finite: values.len() - n,
            first_bad_row: values.iter().position(|v| !v.is_finite()).map(|i| rows[i / width]),
            min: finite().fold(f64::INFINITY, f64::min),
            max: finite().fold(f64::NEG_INFINITY, f64::max),
            mean,
            std: variance.sqrt(),
            zero_share: values.iter().filter(|&&v| v == 0.0).count() as f64 / values.len() as f64,
            constant_dimensions: (0..width).filter(is_constant).count(),
        })
    }

    fn describe(&self, table: &mut Table) {
        let bad = match self.first_bad_row {
            None => "none".into(),
            Some(row) => format!("{}, the first in row {row}", self.not_finite),
        };
        let range = format!("{} to {}", text::figure(self.min), text::figure(self.max));
        table
            .row("sampled rows", text::count(self.rows as u64))
            .row("NaN or infinite", bad)
            .row("range", range)
            .row("mean, std", format!("{}, {}", text::figure(self.mean), text::figure(self.std)))
            .row("zeros", text::percent(self.zero_share))
            .row("constant dims", self.constant_dimensions.to_string());
    }
}

/// One matrix and its sample.
fn matrix(file: &MatrixFile) -> Outcome<(Value, Table)> {
    let sample = Sample::of(file)?;
    let order = if file.is_fortran() { "Fortran" } else { "C" };
    let mut table = Table::new();
    table
        .row("rows", text::count(file.rows() as u64))
        .row("width", file.width().to_string())
        .row("type", format!("{}, {order} order", file.dtype().name()));
    sample.describe(&mut table);
    let json = json!({
        "name": file.tensor(),
        "dtype": file.dtype().name(),
        "shape": [file.rows(), file.width()],
        "rows": file.rows(),
        "width": file.width(),
        "order": order,
        "sample": sample,
    });
    Ok((json, table))
}

/// A `.npy` file.
pub fn of_array(file: &MatrixFile) -> Outcome<(Value, String)> {
    let path = file.path().display().to_string();
    let (json, table) = matrix(file)?;
    let text = format!("{path}: activations\n{}", table.text(2));
    Ok((json!({ "kind": "data", "path": path, "metadata": {}, "tensors": [json] }), text))
}

/// A `.safetensors` file of unknown making: every tensor, those that can be data with a sample.
pub fn of_tensors(file: &TensorFile) -> Outcome<(Value, String)> {
    let path = file.path();
    let mut text = format!("{}: activations\n", path.display());
    let mut table = Table::new();
    for (key, value) in file.metadata() {
        table.row(key.clone(), value.clone());
    }
    text += &table.text(2);
    let mut tensors = Vec::new();
    for (index, name) in file.names().iter().enumerate() {
        let tensor = file.tensor(name)?;
        let plainly = json!({ "name": name, "dtype": tensor.dtype(), "shape": tensor.shape() });
        // What is no 2-D matrix of floats is listed and left at that.
        let sampled = match index < SAMPLED_TENSORS {
            true => {
                MatrixFile::open(path, Some(name)).ok().map(|file| matrix(&file)).transpose()?
            }
            false => None,
        };
        text += &format!("tensor {name}\n");
        match sampled {
            Some((json, table)) => {
                text += &table.text(2);
                tensors.push(json);
            }
            None => {
                let reason = match index < SAMPLED_TENSORS {
                    true => "no matrix of floats with rows".to_owned(),
                    false => format!("not sampled: only the first {SAMPLED_TENSORS} are"),
                };
                text += &format!("  {}, {reason}\n", plain(&plainly));
                tensors.push(plainly);
            }
        }
    }
    let path = path.display().to_string();
    let metadata = file.metadata();
    Ok((json!({ "kind": "data", "path": path, "metadata": metadata, "tensors": tensors }), text))
}
