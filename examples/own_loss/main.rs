//! Losses of one's own: an expression where a function of single values will do, a `Term` where it will not.
//!
//! ```sh
//! cargo run --release --example own_loss
//! ```
//!
//! Both are checked against finite differences, then compared with the squared error alone.

mod term;

use archetypal::{
    Device, Result,
    data::{DataSet, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    metrics::evaluate,
    sae::TopKSae,
    train::{
        Criterion, DataFacts, Flow, TrainSettings, Trainer, check_gradients,
        terms::{Over, Pointwise},
        train_sae,
    },
};
use std::sync::Arc;
use term::Crowding;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/wordnet-minilm.safetensors");

fn main() -> Result<()> {
    pollster::block_on(run())
}

async fn run() -> Result<()> {
    let device = Device::best().await;
    let data: Arc<dyn Source> = Arc::new(DataSet::open(&[DATA], None)?);
    let statistics = Statistics::compute(&*data)?;
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
    let facts = DataFacts::new(&statistics, &normalizer);
    let loader = Loader::new(data, Arc::new(normalizer), Shuffle::seeded(0), 512)?;

    // As text: the command takes it as --loss, TrainSettings as `loss`, and checkpoints keep it.
    let text: archetypal::train::Loss = "mse,codes(log(1 + v^2))=0.05".parse()?;
    // The same in code, with a term that text cannot say.
    let logarithmic = Pointwise::mean(Over::Codes, "log(1 + v^2)".parse()?, 0.05);
    let own = Criterion::new(1.0, vec![Box::new(logarithmic), Box::new(Crowding::new(30.0)?)]);

    for (name, criterion) in [
        ("mse", Criterion::default()),
        ("mse and log(1 + z²)", text.criterion()),
        ("mse, log(1 + z²) and crowding", own),
    ] {
        println!("{name}");
        let mut trainer = trainer(&device, facts, criterion)?;
        check(&mut trainer, &loader).await?;
        train_and_judge(trainer, &loader).await?;
    }
    Ok(())
}

fn trainer(device: &Device, facts: DataFacts, criterion: Criterion) -> Result<Trainer> {
    let sae = TopKSae::builder(384, 256).top_k(16).build(device)?.into_inner();
    let settings =
        TrainSettings { lr: 1e-3, epochs: 15, batch_size: 512, ..TrainSettings::default() };
    Trainer::with_criterion(sae, settings, facts, criterion)
}

/// Every parameter's gradient beside what the loss does when the parameter moves.
async fn check(trainer: &mut Trainer, loader: &Loader) -> Result<()> {
    let batch = loader.rows(&(0..64).collect::<Vec<_>>())?;
    let checks = check_gradients(trainer, &batch.data, 1e-2).await?;
    let worst = checks.iter().map(|check| check.error).fold(0.0, f64::max);
    println!("  gradients of {} parameters: relative error {worst:.1e}", checks.len());
    Ok(())
}

async fn train_and_judge(trainer: Trainer, loader: &Loader) -> Result<()> {
    let mut sae = train_sae(trainer, loader.clone(), &mut |_| Flow::Continue).await?;
    sae.eval()?;
    let evaluation = evaluate(&sae, loader, &mut |_| {}).await?;
    let (r2, coherence) = (evaluation.r2.unwrap_or(0.0), evaluation.coherence);
    let squared = mean_squared_cosine(&sae.dictionary().await?, 384);
    println!("  R² {r2:.3}, mean squared cosine {squared:.5}, largest {coherence:.2}");
    Ok(())
}

/// Over pairs of different atoms, which have length one.
fn mean_squared_cosine(dictionary: &[f32], d: usize) -> f64 {
    let atoms: Vec<&[f32]> = dictionary.chunks_exact(d).collect();
    let squared = |a: &[f32], b: &[f32]| {
        let dot: f64 = a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum();
        dot * dot
    };
    let pairs = (atoms.len() * (atoms.len() - 1) / 2) as f64;
    let all = (0..atoms.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    all.map(|(i, j)| squared(atoms[i], atoms[j])).sum::<f64>() / pairs
}
