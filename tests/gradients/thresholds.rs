//! The gradient of jump's thresholds, a stand-in for a derivative that is zero, against its formula in float64.

use crate::{
    common::devices,
    models::{BATCH, CONCEPTS, PATHS, WIDTH, batch, jump, sae, settings, trainer},
};
use archetypal::{
    Device, Tensor,
    sae::{Kernel, SaeSettings, Selection, Thresholds},
};

const BANDWIDTH: f32 = 0.2;
/// Weight and target of the penalty on L0.
const L0: (f64, f64) = (0.3, 4.0);
/// Weight of the mean square of the codes.
const SQUARES: f64 = 2.0;

/// A model's forward pass in float64.
struct Pass {
    pre: Vec<f64>,
    codes: Vec<f64>,
    /// ∂mse/∂z.
    gradient: Vec<f64>,
    thetas: Vec<f64>,
}

impl Pass {
    async fn of(device: &Device, settings: &SaeSettings) -> Self {
        let sae = sae(device, settings);
        let x = Tensor::from_slice(device, BATCH, WIDTH, &batch()).unwrap();
        let (encoded, x_hat) = sae.forward(&x).unwrap();
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<_>>();
        let pre = wide(encoded.pre_codes.read().await.unwrap());
        let codes = wide(encoded.codes.into_dense(device).unwrap().read().await.unwrap());
        let x_hat = wide(x_hat.read().await.unwrap());
        let dictionary = wide(sae.dictionary().await.unwrap());
        let residual: Vec<f64> =
            x_hat.iter().zip(batch()).map(|(x_hat, x)| x_hat - f64::from(x)).collect();
        let of_atom = |residual: &[f64], atom: &[f64]| {
            let dot: f64 = residual.iter().zip(atom).map(|(r, d)| r * d).sum();
            2.0 * dot / (BATCH * WIDTH) as f64
        };
        let atoms = || dictionary.chunks(WIDTH);
        let gradient =
            residual.chunks(WIDTH).flat_map(|row| atoms().map(move |atom| of_atom(row, atom)));
        let thetas = match settings.selection {
            Selection::Jump { thresholds: Thresholds::Direct, .. } => "direct_thresholds",
            _ => "thresholds",
        };
        let state = sae.state().await.unwrap();
        let thetas = wide(state.get(thetas).unwrap().values.clone());
        let thetas = match settings.selection {
            Selection::Jump { thresholds: Thresholds::Direct, .. } => thetas,
            _ => thetas.into_iter().map(f64::exp).collect(),
        };
        Self { pre, codes, gradient: gradient.collect(), thetas }
    }

    /// For each concept, Σ over the rows of κ(a − θ) times `term` of the place of the code.
    fn kappas(&self, kernel: Kernel, term: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; CONCEPTS];
        for (place, pre) in self.pre.iter().enumerate() {
            let concept = place % CONCEPTS;
            let distance = pre.max(0.0) - self.thetas[concept];
            sums[concept] += f64::from(kernel.value(distance as f32, BANDWIDTH)) * term(place);
        }
        sums
    }

    /// ∂loss/∂t, or ∂loss/∂θ, of `mse,codes(v^2),l0`.
    fn expected(&self, kernel: Kernel, thresholds: Thresholds) -> Vec<f64> {
        let squares = SQUARES / (BATCH * CONCEPTS) as f64;
        let through_codes =
            self.kappas(kernel, |place| self.gradient[place] + squares * 2.0 * self.codes[place]);
        let steps = self.kappas(kernel, |_| 1.0 / BATCH as f64);
        let active = self.codes.iter().filter(|z| **z >= 1e-6).count() as f64;
        let (weight, target) = L0;
        let excess = weight * 2.0 * (active / BATCH as f64 / target - 1.0) / target;
        let all = through_codes.into_iter().zip(steps).zip(&self.thetas);
        all.map(|((through_codes, steps), theta)| match thresholds {
            Thresholds::Reference => {
                let bandwidth = f64::from(BANDWIDTH);
                -theta * theta / bandwidth * through_codes - excess * theta * steps
            }
            Thresholds::Direct => -theta * through_codes - excess * steps,
        })
        .collect()
    }
}

#[track_caller]
fn compare(what: &str, got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    let difference: f64 = got.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).powi(2)).sum();
    let norm: f64 = expected.iter().map(|b| b * b).sum();
    let error = (difference / norm).sqrt();
    println!("{what}: error {error:.1e}");
    assert!(norm > 0.0 && error < 1e-4, "{what}: {error}");
}

fn check(device: &Device, kernel: Kernel, thresholds: Thresholds) {
    let settings = settings(jump(kernel, BANDWIDTH, thresholds));
    let pass = pollster::block_on(Pass::of(device, &settings));
    let expected = pass.expected(kernel, thresholds);
    let (weight, target) = L0;
    let loss = format!("mse,codes(v^2)={SQUARES},l0={weight}:{target}");
    for path in PATHS {
        let mut trainer = trainer(device, &settings, &loss);
        // The tail of cauchy never ends, so that sparse codes do not serve it.
        if trainer.fix_path(path).is_err() {
            assert_eq!(kernel, Kernel::Cauchy);
            continue;
        }
        let got = pollster::block_on(trainer.gradients(&batch())).unwrap().pop().unwrap();
        compare(&format!("{kernel:?} {thresholds:?} {path:?}"), &got, &expected);
    }
}

#[test]
fn as_in_the_reference() {
    for device in devices("as_in_the_reference") {
        Kernel::ALL.into_iter().for_each(|kernel| check(&device, kernel, Thresholds::Reference));
    }
}

#[test]
fn trained_directly() {
    for device in devices("trained_directly") {
        Kernel::ALL.into_iter().for_each(|kernel| check(&device, kernel, Thresholds::Direct));
    }
}

#[test]
fn the_penalty_on_l0_has_its_value() {
    for device in devices("the_penalty_on_l0_has_its_value") {
        let settings = settings(jump(Kernel::Silverman, BANDWIDTH, Thresholds::Reference));
        let pass = pollster::block_on(Pass::of(&device, &settings));
        let l0 = pass.codes.iter().filter(|z| **z >= 1e-6).count() as f64 / BATCH as f64;
        let loss = |text: &str| {
            let mut trainer = trainer(&device, &settings, text);
            f64::from(pollster::block_on(trainer.loss(&batch())).unwrap())
        };
        let expected = loss("mse") + 0.3 * (l0 / 4.0 - 1.0).powi(2);
        assert!((loss("mse,l0=0.3:4") - expected).abs() < 1e-5 * expected, "{expected}");
    }
}
