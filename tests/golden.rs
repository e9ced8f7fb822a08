//! Every reference case on every backend: what overcomplete computed in float64 against what we compute.
//!
//! Cases come from `$ARCHETYPAL_GOLDEN`, else `../shared/golden` where that exists, else the few in
//! `tests/golden_data`. `cargo test --release --test golden -- --nocapture` prints a line a case.

mod common;

use archetypal::{
    Device, Error, Tensor,
    sae::{Sae, StateDict},
    train::{ClipGrad, DataFacts, Event, Path as StepPath, Schedule, TrainSettings, Trainer},
};
use common::golden::{Case, Computed, bundled, cases, fewest, folder, forward};

const PATHS: [StepPath; 3] = [StepPath::Factored, StepPath::Atoms, StepPath::Dense];

/// Cases that ship, the most bytes of a binding, and the paths that can do with so little.
///
/// The index of the codes by atom is never split. It takes 4 (K + 1 + B · width) bytes: 804 for a width of k = 5, but
/// 5284 for that of jump, K = 40, and no other matrix of the case is larger.
const SPLIT: [(&str, u64, &[StepPath]); 4] = [
    // W and the points, and the rows that make the gradient of W.
    ("ra-topk-more-points", 4096, &PATHS),
    // W, whose rows rest: all that makes its gradient is whole.
    ("ra-topk", 3072, &[StepPath::Factored]),
    // All that can be.
    ("ra-topk", 816, &PATHS),
    ("ra-jump-kernel-gaussian", 1024, &[StepPath::Dense]),
];

impl Case {
    fn sae(&self, device: &Device) -> Sae {
        let mut state = StateDict::default();
        for (name, shape) in &self.shapes {
            if let Some(ours) = name.strip_prefix("init.") {
                state.insert(ours, shape, self.floats(name));
            }
        }
        let mut sae = Sae::new(device, self.settings(), &state).unwrap();
        sae.project();
        sae
    }

    /// The loss as the command takes it.
    fn loss(&self) -> String {
        let value = |name: &str| self.config.loss_params[name];
        match self.config.loss.as_str() {
            "mse" => "mse".into(),
            "mse_elastic" => format!("mse_elastic={}", value("alpha")),
            "mse_reanimation" => format!("mse,reanimation={}", value("penalty")),
            other => format!("{other}={}", value("penalty")),
        }
    }

    fn training(&self) -> TrainSettings {
        let c = &self.config;
        let schedule = match c.cosine {
            true => Schedule::Cosine { warmup: c.steps / 4, final_share: 0.1 },
            false => Schedule::Constant,
        };
        TrainSettings {
            epochs: c.steps,
            batch_size: c.batch,
            lr: c.lr,
            schedule,
            clip_grad: ClipGrad(c.clip_grad),
            loss: self.loss().parse().unwrap(),
            ..TrainSettings::default()
        }
    }

    /// The case along a path, or nothing if the model cannot take it.
    async fn run(&self, device: &Device, path: StepPath) -> Option<Computed> {
        let (d, batch) = (self.config.dim, self.config.batch);
        let x = self.floats("x");
        let sae = self.sae(device);
        let first = Tensor::from_slice(device, batch, d, &x[..batch * d]).unwrap();
        let mut computed = forward("", &sae, &first).await;
        let data = DataFacts { rows: batch, row_variance: 1.0 };
        let mut trainer = Trainer::new(sae, self.training(), data).unwrap();
        match trainer.fix_path(path) {
            Err(Error::Setting { .. }) => return None,
            fixed => fixed.unwrap(),
        }
        let gradients = trainer.gradients(&x[..batch * d]).await.unwrap();
        for (parameter, gradient) in trainer.sae().parameters().iter().zip(gradients) {
            computed.push((self.named("grad", parameter.name), gradient));
        }
        for batch in x.chunks_exact(batch * d) {
            trainer.step(batch).await.unwrap();
        }
        let (loss, norm): (Vec<f32>, Vec<f32>) = trainer
            .take_events()
            .iter()
            .filter_map(|event| match event {
                Event::Step { loss, grad_norm, .. } => Some((*loss, *grad_norm)),
                _ => None,
            })
            .unzip();
        computed.push(("step_loss".into(), loss));
        if self.config.clip_grad.is_some() {
            computed.push(("grad_norm".into(), norm));
        }
        let mut sae = trainer.into_sae();
        for parameter in sae.parameters().into_iter().chain(sae.buffers()) {
            let value = parameter.value.read().await.unwrap();
            computed.push((self.named("final", parameter.name), value));
        }
        sae.eval().unwrap();
        computed.extend(forward("eval.", &sae, &first).await);
        Some(computed)
    }

    /// The case's name for a parameter: a tied encoder owns the dictionary in the reference.
    fn named(&self, prefix: &str, name: &str) -> String {
        let own = format!("{prefix}.{name}");
        match name.strip_prefix("dictionary.") {
            Some(part) if !self.tensors.contains_key(&own) => {
                format!("{prefix}.encoder.tied_to.{part}")
            }
            _ => own,
        }
    }
}

/// Whether the case is within its bounds along a path, or nothing if the model cannot take it.
fn passes(case: &Case, device: &Device, path: StepPath) -> Option<bool> {
    let computed = pollster::block_on(case.run(device, path))?;
    let left = case.left_out(&computed);
    assert!(left.is_empty(), "{}: nothing was compared with {left:?}", case.name);
    let (share, tensor, error, bound) = case.worst(&computed);
    let verdict = if share <= 1.0 { "ok" } else { "OUT" };
    println!("  {:34} {path:<9?} {verdict:3} {tensor:40} {error:.1e} of {bound:.1e}", case.name);
    Some(share <= 1.0)
}

fn run_all(device: &Device) {
    let cases = cases();
    println!("{} cases of {} on {}", cases.len(), folder().display(), device.name());
    let (mut passed, mut failed) = (0, Vec::new());
    for case in &cases {
        let paths: Vec<bool> =
            PATHS.into_iter().filter_map(|path| passes(case, device, path)).collect();
        let ok = !paths.is_empty() && paths.into_iter().all(|passes| passes);
        if ok { passed += 1 } else { failed.push(&case.name) }
    }
    println!("{passed} passed, {} failed of {}", failed.len(), cases.len());
    assert!(failed.is_empty(), "out of bounds on {}: {failed:?}", device.name());
    assert!(passed >= fewest(), "{passed} cases, not {}", fewest());
}

#[test]
fn golden_cases_on_the_cpu() {
    run_all(&Device::cpu());
}

#[test]
fn golden_cases_on_the_gpu() {
    if let Some(device) = common::gpu("golden_cases_on_the_gpu", None) {
        run_all(&device);
    }
}

#[test]
fn golden_cases_in_several_buffers() {
    for (name, max_binding, paths) in SPLIT {
        let device = common::gpu("golden_cases_in_several_buffers", Some(max_binding));
        let Some(device) = device else { return };
        println!("{max_binding} bytes a binding on {}", device.name());
        for &path in paths {
            let passes = passes(&bundled(name), &device, path);
            assert_eq!(passes, Some(true), "{name} along {path:?} with {max_binding} bytes");
        }
    }
}
