//! An encoder of one's own: checked, trained, saved, and loaded again.
//!
//! ```sh
//! cargo run --release --example own_encoder
//! ```

mod encoder;

use archetypal::{
    Device, Result,
    checkpoint::{Checkpoint, Contents, to_bytes},
    data::{DataSet, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    points::{self, Method},
    sae::RaTopKSae,
    train::{DataFacts, Event, Flow, TrainSettings, Trainer, check_gradients, train_sae},
};
use encoder::LowRank;
use std::sync::Arc;

const DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clipart-efflite0.safetensors");
const CONCEPTS: usize = 256;
const RANK: usize = 48;

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let device = Device::best().await;
    let data: Arc<dyn Source> = Arc::new(DataSet::open(&[DATA], None)?);
    let d = data.width();
    let statistics = Statistics::compute(&*data)?;
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
    let points =
        points::find(&device, &*data, &normalizer, Method::Kmeans, 128, 0, &mut |_| {}).await?;

    let encoder = LowRank::initial(&device, d, CONCEPTS, RANK, 0)?;
    println!("{} weights instead of {}", RANK * (d + CONCEPTS), d * CONCEPTS);
    let builder = RaTopKSae::builder(d, CONCEPTS, &points).top_k(16);
    let mut sae = builder.build_with(&device, Box::new(encoder))?;
    sae.set_normalizer(normalizer.clone())?;

    let settings =
        TrainSettings { lr: 2e-3, epochs: 15, batch_size: 512, ..TrainSettings::default() };
    let facts = DataFacts::new(&statistics, &normalizer);
    let loader = Loader::new(data.clone(), Arc::new(normalizer), Shuffle::seeded(0), 512)?;
    let mut trainer = Trainer::new(sae.into_inner(), settings, facts)?;

    // Before anything is trained: is each gradient the derivative of the loss?
    let batch = loader.rows(&(0..64).collect::<Vec<_>>())?;
    for check in check_gradients(&mut trainer, &batch.data, 1e-2).await? {
        println!("{:<22} gradient off by {:.1e} of itself", check.parameter, check.error);
    }

    let mut sae = train_sae(trainer, loader, &mut |event| {
        if let Event::Epoch { epoch, r2, dead_share, .. } = event {
            println!("epoch {epoch:2}: R² {r2:.3}, dead {:.1} %", 100.0 * dead_share);
        }
        Flow::Continue
    })
    .await?;
    sae.eval()?;

    // A file holds the encoder's tensors under their names, but not its code: who loads it says what makes them one.
    let bytes = to_bytes(Contents::Model(&sae, None)).await?;
    let mut loaded = Checkpoint::from_bytes("own encoder", bytes)?
        .sae_with_encoder(&device, |settings, state| {
            Ok(Box::new(LowRank::loaded(&device, settings, state)?))
        })?;
    loaded.eval()?;

    let mut rows = vec![0.0; 100 * d];
    data.read_range(0, &mut rows)?;
    let same = sae.codes(&rows).await? == loaded.codes(&rows).await?;
    println!("codes of 100 rows after loading: {}", if same { "the same" } else { "others" });
    Ok(())
}
