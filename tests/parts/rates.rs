//! Adam's steps: factors on the rates of groups, and weight decay, against float64.

use crate::{
    common::devices,
    runs::{Case, advance, batch},
};
use archetypal::{
    sae::{Group, ModelKind, Normalization},
    train::{ClipGrad, RateFactors, Trainer},
};

async fn values(trainer: &Trainer) -> Vec<(Group, &'static str, Vec<f32>)> {
    let mut all = Vec::new();
    for parameter in trainer.sae().parameters() {
        all.push((parameter.group, parameter.name, parameter.value.read().await.unwrap()));
    }
    all
}

#[test]
fn a_factor_of_zero_holds_a_group_still() {
    let kinds = [ModelKind::RaTopK, ModelKind::RaJump, ModelKind::Jump];
    for device in devices("a_factor_of_zero_holds_a_group_still") {
        for kind in kinds {
            for held in Group::ALL {
                let mut case = Case::new(kind).with_rates("");
                case.model.multiplier = true;
                case.training.lr_factors = RateFactors::default().with(held, 0.0);
                pollster::block_on(async {
                    let mut trainer = case.trainer(&device);
                    let before = values(&trainer).await;
                    advance(&mut trainer, 0..4).await;
                    for ((group, name, before), (_, _, after)) in
                        before.iter().zip(values(&trainer).await)
                    {
                        assert_eq!(*before == after, *group == held, "{name}, with {held:?} held");
                    }
                });
            }
        }
    }
}

/// AdamW in float64, for two steps whose gradients the trainer tells.
#[test]
fn steps_are_those_of_adamw() {
    let mut case = Case::new(ModelKind::Jump);
    // Nothing is projected.
    case.model.normalization = Some(Normalization::Identity);
    case.model.multiplier = true;
    let training = &mut case.training;
    training.clip_grad = ClipGrad(None);
    training.lr_factors = "dictionary=0.25,thresholds=3".parse().unwrap();
    (training.lr, training.weight_decay) = (0.02, 0.3);
    (training.beta1, training.beta2, training.eps) = (0.8, 0.95, 1e-6);
    let (beta1, beta2): (f64, f64) = (0.8, 0.95);
    for device in devices("steps_are_those_of_adamw") {
        pollster::block_on(async {
            let mut trainer = case.trainer(&device);
            let mut moments: Vec<Vec<[f64; 2]>> = Vec::new();
            for step in 0..2 {
                let before = values(&trainer).await;
                let gradients = trainer.gradients(&batch(step)).await.unwrap();
                moments.resize_with(gradients.len(), Vec::new);
                trainer.step(&batch(step)).await.unwrap();
                let t = step as i32 + 1;
                for (i, (group, name, after)) in values(&trainer).await.into_iter().enumerate() {
                    let lr = 0.02 * case.training.lr_factors.of(group);
                    moments[i].resize(after.len(), [0.0; 2]);
                    for (j, after) in after.into_iter().enumerate() {
                        let g = f64::from(gradients[i][j]);
                        let [first, second] = &mut moments[i][j];
                        *first = beta1 * *first + (1.0 - beta1) * g;
                        *second = beta2 * *second + (1.0 - beta2) * g * g;
                        let root = (*second / (1.0 - beta2.powi(t))).sqrt() + 1e-6;
                        let along = *first / (1.0 - beta1.powi(t)) / root;
                        let expected = f64::from(before[i].2[j]) * (1.0 - lr * 0.3) - lr * along;
                        let off = (f64::from(after) - expected).abs();
                        assert!(off < 1e-5, "{name}[{j}] is {after}, not {expected}, step {step}");
                    }
                }
            }
        });
    }
}
