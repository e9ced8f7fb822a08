//! Concepts in a program of your own: loads a trained model and encodes rows as they come. Nothing here trains.
//!
//! ```sh
//! cargo run --release --example quickstart    # writes the model
//! cargo run --release --example embed [FILE]
//! ```

use archetypal::{
    Device, Result,
    checkpoint::{Checkpoint, Overrides},
    data::{MatrixFile, Source},
    sae::{EncodeBuffers, Sae},
};
use std::{path::PathBuf, time::Instant};

/// Stands in for the network whose activations a program would have.
const NETWORK: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clipart-efflite0.safetensors");

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let file = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("archetypal-quickstart.safetensors"),
        PathBuf::from,
    );
    // A program that ships its model has the bytes already: Checkpoint::from_bytes("model", include_bytes!(…).to_vec()).
    let checkpoint = Checkpoint::open(&file)?;
    let mut sae = checkpoint.sae(&Device::best().await, &Overrides::default())?;
    sae.eval()?; // builds the dictionary once; batch norms and batch top-k go by what they learned
    let settings = sae.settings();
    println!(
        "{} on {}: {} concepts over rows of {}",
        settings.kind().name(),
        sae.device().name(),
        settings.nb_concepts,
        settings.input_shape
    );

    let network = MatrixFile::open(NETWORK, None)?;
    some_rows(&sae, &network).await?;
    as_they_come(&sae, &network).await
}

/// The short way: raw rows in, codes out, memory made anew for each call.
async fn some_rows(sae: &Sae, network: &dyn Source) -> Result<()> {
    let mut rows = vec![0.0; 3 * network.width()];
    network.read_range(1000, &mut rows)?;
    let codes = sae.codes(&rows).await?;
    for row in 0..codes.len() {
        let top: Vec<_> = codes.top(row, 3).iter().map(|(j, z)| format!("{j} ({z:.2})")).collect();
        println!("row {}: concepts {}", 1000 + row, top.join(", "));
    }
    Ok(())
}

/// The quick way, for a stream of rows: the memory of a batch is made once. It takes normalised rows.
async fn as_they_come(sae: &Sae, network: &dyn Source) -> Result<()> {
    let mut buffers = EncodeBuffers::new(sae, 1)?;
    let mut row = vec![0.0; network.width()];
    let (mut fired, started) = (vec![0_u32; sae.settings().nb_concepts], Instant::now());
    let rows = 500;
    for index in 0..rows {
        network.read_range(index, &mut row)?;
        sae.normalizer().apply(&mut row);
        let codes = buffers.encode(sae, &row)?.rows().await?;
        for (concept, _) in codes.row(0) {
            fired[concept as usize] += 1;
        }
    }
    let each = started.elapsed() / rows as u32;
    let most = (0..fired.len()).max_by_key(|&j| fired[j]).unwrap_or(0);
    let alive = fired.iter().filter(|&&rows| rows > 0).count();
    println!("{rows} rows, one by one: {each:.1?} each; {alive} concepts fired");
    println!("most often: concept {most}, on {} of them", fired[most]);
    Ok(())
}
