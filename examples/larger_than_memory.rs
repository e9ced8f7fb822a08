//! Data larger than the memory that it is given: written in shards, piece by piece, and trained on through a window.
//!
//! ```sh
//! cargo run --release --example larger_than_memory
//! ```
//!
//! Files are mapped, rows are shuffled within a window of the files, and what was used is given back. Here that is
//! 160 MiB through a window of 16; a terabyte would do as well. Shards may be .npy as well.

use archetypal::{
    Device, Error, Result,
    data::{
        DataSet, Loader, Normalize, Normalizer, Shuffle, Source, Statistics, StreamSpec,
        StreamWriter, Values,
    },
    points::{self, Method},
    sae::RaTopKSae,
    train::{DataFacts, Event, Flow, TrainSettings, Trainer, train_sae},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const SHARDS: usize = 8;
const ROWS_A_SHARD: usize = 10_240;
const ROWS_A_PIECE: usize = 1024;
const WIDTH: usize = 512;
const HIDDEN: usize = 64;
const WINDOW: u64 = 16 << 20;

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let folder = tempfile::tempdir().map_err(|e| Error::io("write", std::env::temp_dir(), e))?;
    let files = write_shards(folder.path())?;
    let data: Arc<dyn Source> = Arc::new(DataSet::open(&files, None)?);
    let megabytes = (data.rows() * WIDTH * size_of::<f32>()) as f64 / f64::from(1 << 20);
    println!("wrote {} rows of {WIDTH} values in {SHARDS} files: {megabytes:.0} MiB", data.rows());

    let device = Device::best().await;
    let before = peak_resident_mebibytes();
    let statistics = Statistics::compute(&*data)?;
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
    let points =
        points::find(&device, &*data, &normalizer, Method::Sample, 128, 0, &mut |_| {}).await?;
    let mut sae = RaTopKSae::builder(WIDTH, 128, &points).top_k(8).build(&device)?;
    sae.set_normalizer(normalizer.clone())?;

    let settings = TrainSettings { lr: 2e-3, epochs: 2, ..TrainSettings::default() };
    let shuffle = Shuffle::seeded(0).with_memory(WINDOW);
    let facts = DataFacts::new(&statistics, &normalizer);
    let loader = Loader::new(data, Arc::new(normalizer), shuffle, settings.batch_size)?;
    let trainer = Trainer::new(sae.into_inner(), settings, facts)?;
    train_sae(trainer, loader, &mut |event| {
        if let Event::Epoch { epoch, r2, rows_per_second, .. } = event {
            println!("epoch {epoch}: R² {r2:.3}, {rows_per_second:.0} rows a second");
        }
        Flow::Continue
    })
    .await?;

    match before.zip(peak_resident_mebibytes()) {
        Some((before, peak)) => println!(
            "peak resident memory {peak:.0} MiB ({before:.0} MiB before the first row was read), data {megabytes:.0} MiB"
        ),
        None => println!("peak resident memory is told on Linux only"),
    }
    Ok(())
}

/// Shards as a network's activations might be saved: a piece at a time, never whole in memory.
fn write_shards(folder: &Path) -> Result<Vec<PathBuf>> {
    let directions = directions();
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..SHARDS)
        .map(|shard| {
            let path = folder.join(format!("activations-{shard}.safetensors"));
            let spec = StreamSpec::f32("activations", Some(ROWS_A_SHARD), &[WIDTH]);
            let mut file = StreamWriter::create(&path, vec![spec], Default::default())?;
            for _ in 0..ROWS_A_SHARD / ROWS_A_PIECE {
                file.append("activations", Values::F32(&piece(&directions, &mut rng)))?;
            }
            file.finish()?;
            Ok(path)
        })
        .collect()
}

fn directions() -> Vec<Vec<f32>> {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    (0..HIDDEN).map(|_| (0..WIDTH).map(|_| rng.random_range(-1.0..1.0)).collect()).collect()
}

/// Rows that are each made of four hidden directions and a little noise.
fn piece(directions: &[Vec<f32>], rng: &mut ChaCha8Rng) -> Vec<f32> {
    let mut rows = Vec::with_capacity(ROWS_A_PIECE * WIDTH);
    for _ in 0..ROWS_A_PIECE {
        let parts: [(usize, f32); 4] =
            std::array::from_fn(|_| (rng.random_range(0..HIDDEN), rng.random_range(0.5..1.5)));
        rows.extend((0..WIDTH).map(|i| {
            let signal: f32 = parts.iter().map(|&(j, amount)| amount * directions[j][i]).sum();
            signal + rng.random_range(-0.1..0.1)
        }));
    }
    rows
}

/// The most that this process ever had in memory, mapped files included.
fn peak_resident_mebibytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kibibytes / 1024.0)
}
