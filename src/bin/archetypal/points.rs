//! `archetypal points`.

use crate::{
    Context,
    failure::{Failure, Outcome},
    options::{self, DataArgs},
    output, text,
    train::{enough_rows, statistics},
};
use archetypal::{
    data::{Normalize, Normalizer, Source, TensorOut, write_tensors},
    points::{self, Method, Progress},
};
use serde::Serialize;
use std::{collections::BTreeMap, path::PathBuf};

/// The metadata key of a points file.
pub const METADATA_KEY: &str = "archetypal_points";

/// Find the points that atoms are blends of, and keep them in a file
///
/// They are stored in the space of the data (normalisation undone), as `points` [N, width] in f32; `archetypal train
/// --points FILE` takes them, for any model of the same layer.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    data: DataArgs,
    /// Points to find, at most one a row
    #[arg(long, value_name = "N")]
    count: usize,
    /// Where they go, a .safetensors file
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
    /// Centres of k-means, or a sample of the rows
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    method: Method,
    /// Seed of the first centres, or of the sample
    #[arg(long, default_value_t = 0, value_name = "N")]
    seed: u64,
    /// What is done to each dimension before distances are taken; undone in the file
    #[arg(long, value_enum, default_value_t, value_name = "HOW")]
    normalize: Normalize,
}

/// How the points were made: the metadata of their file, and what `--json` prints.
#[derive(Serialize)]
struct Made {
    count: usize,
    width: usize,
    method: Method,
    seed: u64,
    normalize: Normalize,
    rows: usize,
    /// Mean squared distance of a row to its centre in the normalised space; null for a sample.
    error: Option<f64>,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    options::check_output(&args.out, &args.data, &[])?;
    let data = args.data.open()?;
    enough_rows("count", args.count, data.rows())?;
    let device = context.device().await?;
    let statistics = statistics(context, &*data)?;
    let normalizer = Normalizer::new(args.normalize, &statistics);

    let task = context.reporter.task("points", args.count as u64);
    let mut error = None;
    let mut tell = |progress| match progress {
        Progress::Seeding { done, .. } => task.at(done as u64),
        Progress::Iteration { iteration, error: now, .. } => {
            error = Some(now);
            task.say(format!("iteration {iteration}, error {}", text::figure(now)));
        }
    };
    let Args { method, count, seed, normalize, .. } = args;
    let found = points::find(&device, &*data, &normalizer, method, count, seed, &mut tell);
    let mut points = found.await?;
    task.done(&format!(
        "{} of {} rows",
        text::count(count as u64),
        text::count(data.rows() as u64)
    ));
    normalizer.invert(&mut points);

    let (width, rows) = (data.width(), data.rows());
    let made = Made { count, width, method, seed, normalize, rows, error };
    save(&args.out, &points, &made)?;
    if context.common.json {
        return output::print_json(&made);
    }
    let error = error
        .map_or(String::new(), |error| format!(", mean squared distance {}", text::figure(error)));
    output::print(&format!("{}: {count} points of {width} dimensions{error}\n", args.out.display()))
}

fn save(out: &PathBuf, points: &[f32], made: &Made) -> Result<(), Failure> {
    let json = serde_json::to_string(made).expect("settings are plain data");
    let metadata = BTreeMap::from([(METADATA_KEY.to_owned(), json)]);
    let tensor = TensorOut::f32("points", &[made.count, made.width], points);
    Ok(write_tensors(out, &[tensor], &metadata)?)
}
