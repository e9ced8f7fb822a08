//! Codes above learned thresholds, with their number a row steered to a target.
//!
//! ```sh
//! cargo run --release --example jump
//! ```
//!
//! Jump keeps every code that reaches its concept's threshold: as many as a row needs, rather than k. How many that
//! are on average is up to the loss: a target adds λ · (L0/TARGET − 1)². See docs/jump.md.

use archetypal::{
    Device, Result,
    data::{DataSet, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    metrics::evaluate,
    points::{self, Method},
    sae::{RaJumpSae, Thresholds},
    train::{DataFacts, Event, Flow, TrainSettings, Trainer, train_sae},
};
use std::sync::Arc;

const DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clipart-efflite0.safetensors");
const TARGET: f64 = 16.0;

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let device = Device::best().await;
    let data: Arc<dyn Source> = Arc::new(DataSet::open(&[DATA], None)?);
    let statistics = Statistics::compute(&*data)?;
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
    let points =
        points::find(&device, &*data, &normalizer, Method::Kmeans, 128, 0, &mut |_| {}).await?;

    // Thresholds that are trained directly come with a window wide enough to learn from.
    let mut sae = RaJumpSae::builder(data.width(), 256, &points)
        .thresholds(Thresholds::Direct)
        .build(&device)?;
    sae.set_normalizer(normalizer.clone())?;

    let settings = TrainSettings {
        target_l0: Some(TARGET as f32),
        // The run is short: thresholds have to go far in few steps.
        lr_factors: "thresholds=10".parse()?,
        lr: 1e-3,
        epochs: 20,
        batch_size: 512,
        ..TrainSettings::default()
    };
    let facts = DataFacts::new(&statistics, &normalizer);
    let trainer = Trainer::new(sae.into_inner(), settings, facts)?;
    let loader = Loader::new(data, Arc::new(normalizer), Shuffle::seeded(0), 512)?;
    let mut sae = train_sae(trainer, loader.clone(), &mut |event| {
        if let Event::Epoch { epoch, r2, l0, .. } = event {
            println!("epoch {epoch:2}: R² {r2:.3} with {l0:5.1} codes a row");
        }
        Flow::Continue
    })
    .await?;

    sae.eval()?;
    let evaluation = evaluate(&sae, &loader, &mut |_| {}).await?;
    let (r2, l0) = (evaluation.r2.unwrap_or(0.0), evaluation.l0);
    println!("asked for {TARGET} codes a row: L0 {l0:.1}, R² {r2:.3}");
    Ok(())
}
