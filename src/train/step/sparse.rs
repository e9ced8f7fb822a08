//! The step over sparse codes: the factored one, and the one over built atoms.

use super::{
    NT, View, add_terms, encode,
    thresholds::{logarithms, prepare},
};
use crate::{
    device::{Codes, Device, Entries, Gemm, Grad, Tensor},
    sae::{Dictionary, Pass, PreCodeGrad, Room, Sae, Selection},
    train::{
        Clip, Criterion,
        counters::Counters,
        workspace::{PreCodes, Route, SparseProduct, SparseRoute, Workspace},
    },
};
use std::ops::Range;

/// From x to codes, by row and by atom.
pub(super) fn choose(sae: &Sae, device: &Device, ws: &mut Workspace) {
    select(sae, device, ws);
    let Route::Sparse(route) = &mut ws.route else { unreachable!("the route is sparse") };
    device.by_atom(&route.codes, &mut route.by_atom);
}

/// From the codes: reconstruction, loss, and the gradients that have to be stored.
pub(super) fn differentiate(
    sae: &Sae,
    device: &Device,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
    clip: Option<&mut Clip>,
) -> Range<usize> {
    reconstruct(sae, device, ws, counters);
    let rows = ws.x.rows();
    counters.count_idle(device, rows);
    device.mse(
        &ws.x,
        &mut ws.x_hat,
        Some(sae.dictionary.multiplier()),
        criterion.mse,
        &mut ws.h,
        &mut ws.grad_multiplier,
        &mut counters.log,
        counters.log_row,
    );
    backward(sae, device, ws, criterion, counters, clip)
}

/// From x to codes.
fn select(sae: &Sae, device: &Device, ws: &mut Workspace) {
    let Workspace { x, halves, pre, room, threshold, thresholds, route, .. } = ws;
    let Route::Sparse(route) = route else { unreachable!("the route is sparse") };
    let codes = &mut route.codes;
    let pre = match (pre, &mut *halves) {
        (PreCodes::Passing(room), None) => return sae.top_k_into(x, room, codes),
        (PreCodes::Passing(room), Some(halves)) => return halves.top_k(sae, x, room, codes),
        (PreCodes::Kept(pre), _) => pre,
    };
    let pass = Pass { device, x, dictionary: None, training: true };
    encode(sae, &pass, halves, room, pre);
    prepare(sae, device, pre, threshold, thresholds);
    match sae.settings().selection {
        Selection::Jump { kernel, bandwidth, .. } => {
            device.jump_sparse(pre, logarithms(thresholds), kernel.reach(bandwidth), codes);
        }
        _ => top_k(sae, device, pre, codes),
    }
}

/// `ws.x_hat` = Z · atoms, the multiplier still to come.
fn reconstruct(sae: &Sae, device: &Device, ws: &mut Workspace, counters: &mut Counters) {
    let Workspace { x_hat, route: Route::Sparse(route), .. } = ws else {
        unreachable!("the route is sparse")
    };
    let SparseRoute { codes, by_atom, product, .. } = &mut **route;
    let Counters { fired, log, log_row, .. } = counters;
    device.count_active(codes, by_atom, fired, log, *log_row);
    match (product, &sae.dictionary) {
        (SparseProduct::Factored { mixed }, Dictionary::Archetypal(archetypal)) => {
            device.spmm(codes, &archetypal.mixing.value, mixed, false);
            device.gemm(mixed, &archetypal.points.value, x_hat, Gemm::default());
            device.spmm(codes, &archetypal.relax.value, x_hat, true);
        }
        (SparseProduct::Atoms { atoms, .. }, Dictionary::Archetypal(archetypal)) => {
            archetypal.atoms(device, atoms, None);
            device.spmm(codes, atoms, x_hat, false);
        }
        (_, Dictionary::Free(free)) => device.spmm(codes, &free.weights.value, x_hat, false),
        (SparseProduct::Free, _) => unreachable!("the route was made for this dictionary"),
    }
}

/// Top-k as the encoder wants it.
pub(super) fn top_k(sae: &Sae, device: &Device, pre: &Tensor, codes: &mut Codes) {
    match sae.encoder.rectifies() {
        true => device.top_k(pre, codes),
        false => device.top_k_signed(pre, codes),
    }
}

/// From `ws.h` to ∂loss/∂pre-codes, and ∂loss/∂W and ∂loss/∂R where they are stored. The parameters whose gradients'
/// squares were found on the way.
fn backward(
    sae: &Sae,
    device: &Device,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
    clip: Option<&mut Clip>,
) -> Range<usize> {
    let Workspace { x, pre, h, thresholds: room, route: Route::Sparse(route), .. } = ws else {
        unreachable!("the route is sparse")
    };
    let SparseRoute { codes, by_atom, grad_codes, product } = &mut **route;
    // The dictionary's parameters come after the encoder's.
    let first = sae.encoder.parameters().len();
    let mut known = 0..0;
    match (product, &sae.dictionary) {
        (SparseProduct::Factored { mixed }, Dictionary::Archetypal(archetypal)) => {
            device.gemm(h, &archetypal.points.value, mixed, NT);
            let (w, r) = (&archetypal.mixing.value, &archetypal.relax.value);
            if let Some(clip) = clip {
                let sumsq = clip.squares();
                device.sddmm_sumsq(codes, by_atom, w, mixed, grad_codes, false, sumsq, first);
                device.sddmm_sumsq(codes, by_atom, r, h, grad_codes, true, sumsq, first + 1);
                known = first..first + 2;
            } else {
                device.sddmm(codes, w, mixed, grad_codes, false);
                device.sddmm(codes, r, h, grad_codes, true);
            }
        }
        (SparseProduct::Atoms { atoms, grad }, Dictionary::Archetypal(archetypal)) => {
            device.sddmm(codes, atoms, h, grad_codes, false);
            let rows = Grad::Rows { by_atom, values: &codes.values, source: h };
            device.spmm_t(rows, &mut grad.atoms);
            if let Some(mixing) = &mut grad.mixing {
                archetypal.mixing_gradient(device, &grad.atoms, mixing);
            }
        }
        (_, Dictionary::Free(free)) => {
            device.sddmm(codes, &free.weights.value, h, grad_codes, false);
        }
        (SparseProduct::Free, _) => unreachable!("the route was made for this dictionary"),
    }
    let PreCodes::Kept(pre) = pre else { return known };
    let view = View {
        sae,
        x,
        x_hat: None,
        grad_x_hat: None,
        pre_codes: pre,
        grad_pre_codes: None,
        codes: Entries { values: &codes.values, counts: Some(&codes.counts) },
        grad_codes,
        dense_codes: None,
        dictionary: None,
        grad_dictionary: None,
        thresholds: room.as_mut(),
    };
    add_terms(criterion, counters, view);
    if let (Selection::Jump { kernel, bandwidth, .. }, Some(room)) =
        (sae.settings().selection, room)
    {
        device.jump_backward_sparse(
            pre,
            &room.logarithms,
            kernel,
            bandwidth,
            codes,
            by_atom,
            grad_codes,
            &mut room.grad,
        );
    }
    known
}

/// The gradients of encoder and dictionary, but for the multiplier's.
pub(super) fn gradients<'a>(
    sae: &Sae,
    route: &'a mut SparseRoute,
    x: &'a Tensor,
    h: &'a Tensor,
    ones: &'a Tensor,
    room: &'a mut Room,
) -> Vec<Grad<'a>> {
    let SparseRoute { codes, by_atom, grad_codes, product } = route;
    let (by_atom, values) = (&*by_atom, &codes.values);
    let grad = PreCodeGrad::Sparse { by_atom, values: grad_codes, ones };
    let pass = Pass { device: x.device(), x, dictionary: None, training: true };
    let mut grads = sae.encoder.backward(&pass, grad, room, None);
    let rows = |source| Grad::Rows { by_atom, values, source };
    match product {
        SparseProduct::Factored { mixed } => grads.extend([rows(mixed), rows(h)]),
        SparseProduct::Atoms { grad, .. } => {
            grads.extend(grad.mixing.as_ref().map(Grad::Dense));
            grads.push(Grad::Dense(&grad.atoms));
        }
        SparseProduct::Free => grads.push(rows(h)),
    }
    grads
}
