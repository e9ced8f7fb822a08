//! A run of which a step was not finite fails in the same way when it is asked for another one.

use archetypal::{
    Device, Error,
    data::{InMemory, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
    sae::RaTopKSae,
    train::{DataFacts, Run, TrainSettings, Trainer},
};
use std::sync::Arc;

/// A run whose learning rate ruins it, with one batch in an epoch.
fn doomed() -> Run {
    let rows: Vec<f32> = (0..60 * 4).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
    let points = rows[..8 * 4].to_vec();
    let data: Arc<dyn Source> = Arc::new(InMemory::new("rows", 4, rows).unwrap());
    let statistics = Statistics::compute(&*data).unwrap();
    let normalizer = Normalizer::new(Normalize::None, &statistics);
    let settings = TrainSettings { epochs: 9, batch_size: 60, lr: 1e38, ..Default::default() };
    let sae = RaTopKSae::builder(4, 16, &points).top_k(2).build(&Device::cpu()).unwrap();
    let facts = DataFacts::new(&statistics, &normalizer);
    let trainer = Trainer::new(sae.into_inner(), settings, facts).unwrap();
    Run::new(trainer, Loader::new(data, Arc::new(normalizer), Shuffle::none(), 60).unwrap())
        .unwrap()
}

#[test]
fn the_same_error_at_every_further_step() {
    let mut run = doomed();
    let failed_at = |run: &mut Run| match pollster::block_on(run.step()) {
        Ok(_) => None,
        Err(Error::Diverged { step, .. }) => Some(step),
        Err(other) => panic!("{other}"),
    };
    let first = (0..9).find_map(|_| failed_at(&mut run)).expect("it diverges");
    assert_eq!(failed_at(&mut run), Some(first));
    assert_eq!(failed_at(&mut run), Some(first));
    assert!(pollster::block_on(run.trainer_mut().collect()).is_err());
}
