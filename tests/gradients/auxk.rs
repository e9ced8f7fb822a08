//! AuxK, whose residual is detached, so that its gradient is not the derivative of its value: against a plain model in
//! float64 whose residual, selection and dead concepts stay as they are.

use crate::{
    common::{devices, noise},
    models::{BATCH, CONCEPTS, TOP_K, WIDTH, batch, settings, trainer},
};
use archetypal::sae::{DictionaryKind, Normalization, SaeSettings, StateDict};

const WEIGHT: f64 = 0.7;
const K_AUX: usize = 9;
/// Rows after which a concept is dead: three batches.
const AFTER: usize = 3 * BATCH;

/// E, b and V; the parameters that the gradient is taken of.
#[derive(Clone)]
struct Model([Vec<f64>; 3]);

const NAMES: [&str; 3] =
    ["encoder.final_block.0.weight", "encoder.final_block.0.bias", "dictionary._weights"];

/// What the loss takes as given.
struct Frozen {
    residual: Vec<f64>,
    /// Concepts of Z, and of A, in each row.
    chosen: Vec<Vec<usize>>,
    auxiliary: Vec<Vec<usize>>,
    share: f64,
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

impl Model {
    fn of(state: &StateDict) -> Self {
        Self(NAMES.map(|name| wide(&state.get(name).unwrap().values)))
    }

    /// relu(x Eᵀ + b) of a row.
    fn pre(&self, x: &[f64]) -> Vec<f64> {
        let Self([weight, bias, _]) = self;
        let rows = weight.chunks(WIDTH).zip(bias);
        rows.map(|(e, b)| (e.iter().zip(x).map(|(e, x)| e * x).sum::<f64>() + b).max(0.0)).collect()
    }

    /// `target` less the part of it that the `concepts` tell.
    fn left(&self, target: &[f64], pre: &[f64], concepts: &[usize]) -> Vec<f64> {
        let Self([_, _, atoms]) = self;
        let told = |i: usize| concepts.iter().map(|&j| pre[j] * atoms[j * WIDTH + i]).sum::<f64>();
        (0..WIDTH).map(|i| target[i] - told(i)).collect()
    }

    fn freeze(&self, x: &[f64], dead: &[bool]) -> Frozen {
        let at_most = dead.iter().filter(|dead| **dead).count() as f64 / K_AUX as f64;
        let mut frozen = Frozen {
            residual: Vec::new(),
            chosen: Vec::new(),
            auxiliary: Vec::new(),
            share: at_most.min(1.0),
        };
        for x in x.chunks(WIDTH) {
            let pre = self.pre(x);
            let chosen = largest(&pre, 5, |_| true);
            let auxiliary = largest(&pre, K_AUX, |j| dead[j] && !chosen.contains(&j));
            frozen.residual.extend(self.left(x, &pre, &chosen));
            frozen.chosen.push(chosen);
            frozen.auxiliary.push(auxiliary);
        }
        frozen
    }

    fn loss(&self, x: &[f64], frozen: &Frozen) -> f64 {
        let mut sum = 0.0;
        let square = |row: Vec<f64>| row.iter().map(|r| r * r).sum::<f64>();
        for (b, x) in x.chunks(WIDTH).enumerate() {
            let pre = self.pre(x);
            sum += square(self.left(x, &pre, &frozen.chosen[b]));
            let residual = &frozen.residual[b * WIDTH..][..WIDTH];
            let auxiliary = square(self.left(residual, &pre, &frozen.auxiliary[b]));
            sum += WEIGHT * frozen.share * auxiliary;
        }
        sum / x.len() as f64
    }

    fn gradient(&self, which: usize, x: &[f64], frozen: &Frozen) -> Vec<f64> {
        const STEP: f64 = 1e-6;
        let at = |i: usize, step: f64| {
            let mut moved = self.clone();
            moved.0[which][i] += step;
            moved.loss(x, frozen)
        };
        let places = 0..self.0[which].len();
        places.map(|i| (at(i, STEP) - at(i, -STEP)) / (2.0 * STEP)).collect()
    }
}

/// The `count` largest positive values among the concepts that are `allowed`.
fn largest(values: &[f64], count: usize, allowed: impl Fn(usize) -> bool) -> Vec<usize> {
    let mut all: Vec<usize> =
        (0..values.len()).filter(|&j| values[j] > 0.0 && allowed(j)).collect();
    all.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
    all.truncate(count);
    all
}

#[test]
fn auxk_trains_concepts_that_have_died() {
    let free = DictionaryKind::Free { normalization: Normalization::Identity };
    let settings = SaeSettings { dictionary: free, use_multiplier: false, ..settings(TOP_K) };
    let loss = format!("mse,auxk={WEIGHT}:{K_AUX}:{AFTER}");
    for device in devices("auxk_trains_concepts_that_have_died") {
        pollster::block_on(async {
            let mut trainer = trainer(&device, &settings, &loss);
            let mut idle = vec![0; CONCEPTS];
            for step in 0..4 {
                let batch = noise(BATCH * WIDTH, 30 + step);
                let before = Model::of(&trainer.sae().state().await.unwrap());
                count(&mut idle, &before, &wide(&batch));
                trainer.step(&batch).await.unwrap();
            }
            let x = wide(&batch());
            let model = Model::of(&trainer.sae().state().await.unwrap());
            count(&mut idle, &model, &x);
            let dead: Vec<bool> = idle.iter().map(|&rows| rows >= AFTER).collect();
            let frozen = model.freeze(&x, &dead);
            let auxiliary: usize = frozen.auxiliary.iter().map(Vec::len).sum();
            assert!(auxiliary > BATCH && dead.contains(&false), "{dead:?}");

            let value = f64::from(trainer.loss(&batch()).await.unwrap());
            let expected = model.loss(&x, &frozen);
            assert!((value - expected).abs() < 1e-5 * expected, "{value}, not {expected}");
            let gradients = trainer.gradients(&batch()).await.unwrap();
            for (which, got) in gradients.iter().enumerate() {
                let expected = model.gradient(which, &x, &frozen);
                let off: f64 = wide(got).iter().zip(&expected).map(|(a, b)| (a - b).powi(2)).sum();
                let norm: f64 = expected.iter().map(|b| b * b).sum();
                let error = (off / norm).sqrt();
                println!("{} on {}: error {error:.1e}", NAMES[which], device.name());
                assert!(error < 1e-4, "{}: {error}", NAMES[which]);
            }
            assert_eq!(gradients.len(), 3);
        });
    }
}

/// Rows for which each concept has not been chosen, after the batch x.
fn count(idle: &mut [usize], model: &Model, x: &[f64]) {
    let mut fired = vec![false; CONCEPTS];
    for x in x.chunks(WIDTH) {
        largest(&model.pre(x), 5, |_| true).into_iter().for_each(|j| fired[j] = true);
    }
    for (idle, fired) in idle.iter_mut().zip(fired) {
        *idle = if fired { 0 } else { *idle + BATCH };
    }
}
