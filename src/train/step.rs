//! One training step, recorded on the device: forward, loss, backward, clip, Adam, projection. Nothing is read back.
//!
//! What differs between sparse and dense codes is in [`sparse`] and [`dense`].

mod dense;
mod sparse;
mod thresholds;

use super::{
    Adam, Clip, Criterion,
    counters::Counters,
    criterion::Forward,
    halves::HalfOperands,
    rates::Rates,
    revive::Revive,
    workspace::{Route, ThresholdRoom, Workspace},
};
use crate::{
    device::{Device, Gemm, Grad, Tensor, log},
    sae::{Pass, Room, Sae, Selection},
};
use std::ops::Range;

/// A Bᵀ.
const NT: Gemm<'_> = Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };
/// Aᵀ B.
const TN: Gemm<'_> = Gemm { transpose_a: true, transpose_b: false, accumulate: false, bias: None };

/// What a step works with.
pub(crate) struct Parts<'a> {
    pub sae: &'a mut Sae,
    pub ws: &'a mut Workspace,
    pub criterion: &'a mut Criterion,
    pub clip: &'a mut Clip,
    pub adam: &'a mut Adam,
    pub counters: &'a mut Counters,
    pub rates: &'a Rates,
    pub revive: Revive,
}

/// The whole step for the batch in `ws`.
pub(crate) fn record(mut parts: Parts<'_>) {
    record_with(&mut parts, |sae, device, ws| {
        let pass = Pass { device, x: &ws.x, dictionary: None, training: true };
        sae.encoder.finish(&pass, &ws.room);
    });
}

/// The same without [`Encoder::finish`](crate::sae::Encoder::finish), in which an encoder may count on the host: for a
/// GPU that only lists kernels. Adam's notes are the caller's.
pub(crate) fn rehearse(mut parts: Parts<'_>) {
    let has_threshold = parts.sae.has_threshold;
    record_with(&mut parts, |_, _, _| {});
    parts.sae.has_threshold = has_threshold;
}

fn record_with(parts: &mut Parts<'_>, finish: impl FnOnce(&mut Sae, &Device, &Workspace)) {
    let Parts { sae, ws, criterion, clip, adam, counters, rates, revive } = parts;
    let device = sae.device().clone();
    if let Route::Sparse(_) = ws.route {
        sparse::choose(sae, &device, ws);
    }
    if let Route::Sparse(route) = &ws.route {
        adam.wake(&device, sae.parameters_mut(), &route.by_atom);
    }
    let known = go_on(sae, ws, criterion, counters, Some(clip));
    finish(sae, &device, ws);
    learn_threshold(sae, &device, ws);
    let grads = gradients(sae, ws);
    clip.record(&device, &sae.parameters(), &grads, known, counters);
    adam.step(&device, sae.parameters_mut(), &grads, clip, rates);
    revive.record(&device, sae, counters, rates);
    device.submit();
}

/// Forward pass, loss and the gradients that have to be stored.
pub(crate) fn differentiate(
    sae: &Sae,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
) {
    if let Route::Sparse(_) = ws.route {
        sparse::choose(sae, sae.device(), ws);
    }
    go_on(sae, ws, criterion, counters, None);
}

/// The same, sparse codes having been chosen. The parameters whose gradients' squares are in `clip` already.
fn go_on(
    sae: &Sae,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
    clip: Option<&mut Clip>,
) -> Range<usize> {
    let device = sae.device();
    let known = match ws.route {
        Route::Sparse(_) => sparse::differentiate(sae, device, ws, criterion, counters, clip),
        Route::Dense(_) => {
            dense::differentiate(sae, device, ws, criterion, counters);
            0..0
        }
    };
    thresholds::finish(sae, device, &mut ws.thresholds);
    known
}

/// The gradients that [`differentiate`] left in `ws`, in the order of the model's parameters.
pub(crate) fn gradients<'a>(sae: &Sae, ws: &'a mut Workspace) -> Vec<Grad<'a>> {
    let Workspace { x, ones, h, grad_multiplier, thresholds, room, route, .. } = ws;
    let mut grads = match route {
        Route::Sparse(route) => sparse::gradients(sae, route, x, h, ones, room),
        Route::Dense(route) => dense::gradients(sae, route, x, room, grad_multiplier),
    };
    grads.extend(sae.dictionary.use_multiplier().then_some(Grad::Dense(grad_multiplier)));
    grads.extend(thresholds.as_ref().map(|room| Grad::Dense(&room.grad)));
    assert_eq!(grads.len(), sae.parameters().len(), "a gradient for each parameter");
    grads
}

/// The running threshold of batch top-k, and thresholds that follow.
fn learn_threshold(sae: &mut Sae, device: &Device, ws: &Workspace) {
    thresholds::keep(sae, device, ws);
    if let (Selection::BatchTopK { momentum, .. }, Some(running)) =
        (sae.settings().selection, &mut sae.running_threshold)
    {
        device.running_threshold(&ws.threshold, momentum, &mut running.value);
        sae.has_threshold = true;
    }
}

/// Pre-codes [B, K], from float16 where the run is so set.
fn encode(
    sae: &Sae,
    pass: &Pass<'_>,
    halves: &mut Option<HalfOperands>,
    room: &mut Room,
    pre: &mut Tensor,
) {
    match halves {
        Some(halves) => halves.pre_codes(sae, pass.x, pre),
        None => sae.encoder.forward(pass, room, pre),
    }
}

/// Every term of the loss, each with its own cell of the log.
fn add_terms(criterion: &mut Criterion, counters: &mut Counters, mut view: View<'_>) {
    for (i, term) in criterion.terms.iter_mut().enumerate() {
        let Counters { log, log_row, idle, .. } = &mut *counters;
        let cell = log::Cell { log, row: *log_row, column: log::TERMS + i };
        term.differentiate(view.forward(idle, cell));
    }
}

/// All that a [`Forward`] has but its cell, so that one can be made for each term.
struct View<'a> {
    sae: &'a Sae,
    x: &'a Tensor,
    x_hat: Option<&'a Tensor>,
    grad_x_hat: Option<&'a mut Tensor>,
    pre_codes: &'a Tensor,
    grad_pre_codes: Option<&'a mut Tensor>,
    codes: crate::device::Entries<'a>,
    grad_codes: &'a mut Tensor,
    dense_codes: Option<&'a Tensor>,
    dictionary: Option<&'a Tensor>,
    grad_dictionary: Option<&'a mut Tensor>,
    thresholds: Option<&'a mut ThresholdRoom>,
}

impl View<'_> {
    fn forward<'b>(&'b mut self, idle: &'b Tensor<u32>, cell: log::Cell<'b>) -> Forward<'b> {
        let (log_thresholds, grad_thresholds) = match &mut self.thresholds {
            Some(room) => (Some(&room.logarithms), room.of_terms.as_mut()),
            None => (None, None),
        };
        Forward {
            device: self.sae.device(),
            settings: self.sae.settings(),
            x: self.x,
            x_hat: self.x_hat,
            grad_x_hat: self.grad_x_hat.as_deref_mut(),
            pre_codes: self.pre_codes,
            grad_pre_codes: self.grad_pre_codes.as_deref_mut(),
            codes: self.codes,
            grad_codes: self.grad_codes,
            dense_codes: self.dense_codes,
            dictionary: self.dictionary,
            grad_dictionary: self.grad_dictionary.as_deref_mut(),
            log_thresholds,
            grad_thresholds,
            idle,
            cell,
        }
    }
}
