//! A term and an encoder from outside the crate: right ones pass `check_gradients`, wrong ones are caught.

use crate::models::{TOP_K, batch, settings, state, trainer_with};
use archetypal::{
    Device, Result, Tensor,
    device::{Gemm, Grad, log},
    expression::Expression,
    sae::{
        Encoder, EncoderKind, Group, Parameter, Pass, PreCodeGrad, Purpose, Room, Sae, SaeSettings,
    },
    train::{Criterion, Forward, GradientCheck, Term, Trainer, check_gradients},
};

const NAME: &str = "encoder.weight";

/// Pre-codes 2 X Eᵀ, in two products.
#[derive(Debug)]
struct Twice {
    weight: Parameter,
    /// Products whose gradient is counted.
    counted: usize,
}

const NT: Gemm<'_> = Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };
const TN: Gemm<'_> = Gemm { transpose_a: true, transpose_b: false, accumulate: false, bias: None };

impl Encoder for Twice {
    fn parameters(&self) -> Vec<&Parameter> {
        vec![&self.weight]
    }

    fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        vec![&mut self.weight]
    }

    fn room(&self, device: &Device, _batch: usize, purpose: Purpose) -> Result<Room> {
        let mut room = Room::default();
        if purpose == Purpose::TrainDense {
            let [rows, cols] = self.weight.value.shape();
            room.gradients.push(Tensor::zeros(device, rows, cols)?);
        }
        Ok(room)
    }

    fn forward(&self, pass: &Pass<'_>, _room: &mut Room, pre: &mut Tensor) {
        pass.device.gemm(pass.x, &self.weight.value, pre, NT);
        pass.device.gemm(pass.x, &self.weight.value, pre, Gemm { accumulate: true, ..NT });
    }

    fn backward<'a>(
        &self,
        pass: &Pass<'a>,
        grad: PreCodeGrad<'a>,
        room: &'a mut Room,
        _grad_dictionary: Option<&mut Tensor>,
    ) -> Vec<Grad<'a>> {
        let PreCodeGrad::Dense(grad) = grad else { unreachable!("it takes no sparse gradient") };
        let weight = &mut room.gradients[0];
        for product in 0..self.counted {
            pass.device.gemm(grad, pass.x, weight, Gemm { accumulate: product > 0, ..TN });
        }
        vec![Grad::Dense(weight)]
    }
}

fn with_encoder(device: &Device, counted: usize) -> Trainer {
    let settings = SaeSettings { encoder: EncoderKind::Custom, ..settings(TOP_K) };
    let weight = crate::common::noise(settings.nb_concepts * settings.input_shape, 3);
    let weight = Tensor::from_slice(device, settings.nb_concepts, settings.input_shape, &weight);
    let weight = Parameter::matrix(NAME, weight.unwrap(), Group::Encoder);
    let encoder = Box::new(Twice { weight, counted });
    let state = state(&settings);
    let sae = Sae::with_encoder(device, settings, encoder, &state).unwrap();
    trainer_with(sae, Criterion::default())
}

/// Σ v² of the codes, with the gradient of `gradient_of`.
#[derive(Debug)]
struct Squares {
    gradient_of: Expression,
}

impl Term for Squares {
    fn name(&self) -> String {
        "squares".into()
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let Forward { device, codes, grad_codes, cell, .. } = forward;
        let log::Cell { log, row, column } = cell;
        let cell = log::Cell { log: &mut *log, row, column };
        device.pointwise(&self.gradient_of, 0.01, codes, grad_codes, cell);
        // The value comes from a second pass, whose gradient goes nowhere.
        let [rows, width] = codes.values.shape();
        let mut nowhere = Tensor::zeros(device, rows, width).unwrap();
        let squares: Expression = "v*v".parse().unwrap();
        let cell = log::Cell { log, row, column };
        device.pointwise(&squares, 0.01, codes, &mut nowhere, cell);
    }
}

fn with_term(device: &Device, gradient_of: &str) -> Trainer {
    let settings = settings(TOP_K);
    let sae = Sae::new(device, settings.clone(), &state(&settings)).unwrap();
    let term = Squares { gradient_of: gradient_of.parse().unwrap() };
    trainer_with(sae, Criterion::new(1.0, vec![Box::new(term)]))
}

fn outcome(mut trainer: Trainer) -> Result<Vec<GradientCheck>> {
    pollster::block_on(check_gradients(&mut trainer, &batch(), 1e-2))
}

#[test]
fn a_right_encoder_passes_and_a_wrong_one_is_caught() {
    for device in crate::common::devices("a_right_encoder_passes_and_a_wrong_one_is_caught") {
        let checks = outcome(with_encoder(&device, 2)).unwrap();
        assert!(checks.iter().any(|check| check.parameter == NAME));
        let error = outcome(with_encoder(&device, 1)).unwrap_err().to_string();
        assert!(error.contains(NAME) && error.contains("wrong"), "{error}");
    }
}

#[test]
fn a_right_term_passes_and_a_wrong_one_is_caught() {
    for device in crate::common::devices("a_right_term_passes_and_a_wrong_one_is_caught") {
        outcome(with_term(&device, "v*v")).unwrap();
        for wrong in ["1.2*v^2", "v^3", "-(v^2)", "0*v"] {
            let error = outcome(with_term(&device, wrong)).unwrap_err().to_string();
            assert!(error.contains("encoder.") && error.contains("wrong"), "{wrong}: {error}");
        }
    }
}
