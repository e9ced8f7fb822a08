//! The basic usage of overcomplete, line by line: each step stands under the Python that it replaces.
//!
//! ```sh
//! cargo run --release --example quickstart [FILE]
//! ```
//!
//! Trains on the drawings that ship with the project and writes the model to FILE, for the example `embed`.

use archetypal::{
    Device, Result,
    checkpoint::{self, Contents},
    data::{DataSet, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    metrics::evaluate,
    points::{self, Method},
    sae::RaTopKSae,
    train::{DataFacts, Event, Flow, TrainSettings, Trainer, train_sae},
};
use std::{path::PathBuf, sync::Arc};

const DATA: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/clipart-efflite0.safetensors");

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let file = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join("archetypal-quickstart.safetensors"),
        PathBuf::from,
    );
    // device = 'cuda' if torch.cuda.is_available() else 'cpu'
    let device = Device::best().await;
    println!("on {}", device.name());

    // Activations = torch.load(...)                      # [6272, 320]
    let activations: Arc<dyn Source> = Arc::new(DataSet::open(&[DATA], None)?);
    let (rows, d) = (activations.rows(), activations.width());

    // Activations = (Activations - Activations.mean(0)) / Activations.std(0)
    let statistics = Statistics::compute(&*activations)?;
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);

    // points = KMeans(n_clusters=256).fit(Activations).cluster_centers_
    let method = Method::Kmeans;
    let points =
        points::find(&device, &*activations, &normalizer, method, 256, 0, &mut |_| {}).await?;

    // sae = RATopKSAE(d, nb_concepts=512, points=points, top_k=16, delta=1.0, device=device)
    let mut sae = RaTopKSae::builder(d, 512, &points).top_k(16).delta(1.0).build(&device)?;
    sae.set_normalizer(normalizer.clone())?; // kept with the model: it takes raw rows from here on

    // dataloader = DataLoader(TensorDataset(Activations), batch_size=512, shuffle=True)
    let data = activations.clone();
    let loader = Loader::new(data, Arc::new(normalizer.clone()), Shuffle::seeded(0), 512)?;

    // optimizer = torch.optim.Adam(sae.parameters(), lr=1e-3)
    // def criterion(x, x_hat, pre_codes, codes, dictionary): return (x - x_hat).square().mean()
    let settings = TrainSettings {
        lr: 1e-3,
        loss: "mse".parse()?,
        epochs: 15,
        batch_size: 512,
        ..TrainSettings::default() // among them clip_grad=1.0
    };

    // logs = train_sae(sae, dataloader, criterion, optimizer, nb_epochs=15, device=device)
    let facts = DataFacts::new(&statistics, &normalizer);
    let trainer = Trainer::new(sae.into_inner(), settings.clone(), facts)?;
    let mut sae = train_sae(trainer, loader.clone(), &mut |event| {
        if let Event::Epoch { epoch, loss, r2, l0, dead_share, .. } = event {
            let dead = 100.0 * dead_share;
            println!("epoch {epoch:2}: loss {loss:.4}, R² {r2:.3}, L0 {l0:.1}, dead {dead:.1} %");
        }
        Flow::Continue
    })
    .await?;

    // sae.eval()
    sae.eval()?;

    // pre_codes, codes = sae.encode(x)
    let mut x = vec![0.0; 49 * d]; // the cells of the first drawing
    activations.read_range(0, &mut x)?;
    let encoded = sae.encode(&x)?;
    println!("pre-codes of one drawing: {:?}", encoded.pre_codes.shape());
    let codes = encoded.codes.rows().await?;
    println!("strongest concepts of its first cell: {:?}", codes.top(0, 3));

    // x_hat = sae.decode(codes)
    let x_hat = sae.decode(&encoded.codes).await?;
    println!("first values {:.2?}, decoded {:.2?}", &x[..4], &x_hat[..4]);

    // dictionary = sae.get_dictionary()
    let dictionary = sae.dictionary().await?;
    println!("dictionary: {} atoms of {d} values", dictionary.len() / d);

    // r2_score(Activations, sae(Activations)[2])
    let evaluation = evaluate(&sae, &loader, &mut |_| {}).await?;
    println!("{rows} rows: R² {:.3}, L0 {:.1}", evaluation.r2.unwrap_or(0.0), evaluation.l0);

    // torch.save(sae.state_dict(), file)
    checkpoint::save(&file, Contents::Model(&sae, Some(&settings))).await?;
    println!("wrote {}", file.display());
    Ok(())
}
