//! A warm step works in memory that is there already, whatever its sizes.

use crate::{
    common::noise,
    counting::{Asked, alone, asked},
    models::{Case, Sizes},
};
use archetypal::{sae::ModelKind, train::Path};
use pollster::block_on;

/// Steps until all memory is there, and steps that are counted.
const WARM_UP: usize = 8;
const STEPS: usize = 11;

/// A few lists of parameters and gradients, the figures of the log with their event, and what rayon and `gemm` note
/// down for each call; at these sizes pre-codes take at least 2 MiB.
const LITTLE: usize = 16 << 10;
/// By how much that may differ.
const MARGIN: usize = 4 << 10;

const SMALL: Sizes = Sizes { batch: 512, concepts: 1024, width: 48, points: 80, top_k: 32 };
/// Of everything twice as much: so many entries are ordered by atom on all cores.
const LARGE: Sizes = Sizes { batch: 1024, concepts: 2048, width: 96, points: 160, top_k: 64 };

fn cases() -> Vec<(Case, Path)> {
    let case = Case::new;
    vec![
        (case(ModelKind::RaTopK, "mse"), Path::Factored),
        (case(ModelKind::RaTopK, "mse").half(), Path::Factored),
        (case(ModelKind::RaTopK, "mse"), Path::Atoms),
        (case(ModelKind::RaTopK, "mse"), Path::Dense),
        (case(ModelKind::RaTopK, "mse,auxk"), Path::Dense),
        (case(ModelKind::TopK, "mse"), Path::Atoms),
        (case(ModelKind::TopK, "mse,codes(abs(v))=0.1,hoyer=0.1"), Path::Atoms),
        (case(ModelKind::RaJump, "mse"), Path::Factored),
        (case(ModelKind::RaJump, "mse"), Path::Dense),
        (case(ModelKind::RaJump, "mse,l0=1:8").direct(), Path::Factored),
        (case(ModelKind::BatchTopK, "mse"), Path::Dense),
    ]
}

/// What a warm step asks for: the median, for a thread may still be given a task of a kind that is new to it.
fn measure(case: &Case, path: Path, sizes: Sizes) -> Asked {
    let mut trainer = case.trainer(sizes);
    trainer.fix_path(path).unwrap();
    let batches = [10, 11, 12].map(|seed| noise(sizes.batch * sizes.width, seed));
    let mut steps: Vec<Asked> = (0..WARM_UP + STEPS)
        .map(|step| {
            let asked = asked(|| block_on(trainer.step(&batches[step % 3])).unwrap());
            trainer.take_events();
            asked
        })
        .skip(WARM_UP)
        .collect();
    steps.sort();
    steps[STEPS / 2]
}

#[test]
fn a_warm_step_asks_for_little_whatever_its_sizes() {
    let _alone = alone();
    for (case, path) in cases() {
        let [small, large] = [SMALL, LARGE].map(|sizes| measure(&case, path, sizes));
        let name = format!("{case}, {path:?}");
        println!("{name}: {small:?}, twice as large {large:?}");
        assert!(small.bytes < LITTLE && large.bytes < LITTLE, "{name}: {small:?}, {large:?}");
        assert!(large.bytes < small.bytes + MARGIN, "{name}: {small:?}, {large:?}");
    }
}
