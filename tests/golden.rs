//! Every reference case on every backend: what overcomplete computed in float64 against what we compute.
//!
//! Cases come from `$ARCHETYPAL_GOLDEN`, else `../shared/golden` where that exists, else the few in
//! `tests/golden_data`. `cargo test --release --test golden -- --nocapture` prints a line a case.

mod common;

use archetypal::{
    Device, Tensor,
    sae::{Sae, StateDict},
    train::{ClipGrad, DataFacts, Event, Path as StepPath, Schedule, TrainSettings, Trainer},
};
use common::golden::{Case, Computed, cases, folder, forward};

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
        trainer.fix_path(path).ok()?;
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

fn run_all(device: &Device) {
    let cases = cases();
    println!("{} cases of {} on {}", cases.len(), folder().display(), device.name());
    let (mut passed, mut failed) = (0, Vec::new());
    for case in &cases {
        let mut paths = 0;
        let mut ok = true;
        for path in [StepPath::Factored, StepPath::Atoms, StepPath::Dense] {
            let Some(computed) = pollster::block_on(case.run(device, path)) else { continue };
            let (share, tensor, error, bound) = case.worst(&computed);
            let verdict = if share <= 1.0 { "ok" } else { "OUT" };
            println!(
                "  {:34} {path:<9?} {verdict:3} {tensor:40} {error:.1e} of {bound:.1e}",
                case.name
            );
            ok &= share <= 1.0;
            paths += 1;
        }
        if ok && paths > 0 { passed += 1 } else { failed.push(&case.name) }
    }
    println!("{passed} passed, {} failed of {}", failed.len(), cases.len());
    assert!(passed > 0, "no case was run");
    assert!(failed.is_empty(), "out of bounds on {}: {failed:?}", device.name());
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
