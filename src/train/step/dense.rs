//! The step over dense codes: any encoder, any selection, any term of the loss.

use super::{
    NT, TN, View, add_terms, encode,
    sparse::top_k,
    thresholds::{logarithms, prepare},
};
use crate::{
    device::{Device, Entries, Gemm, Grad, Tensor},
    sae::{Pass, PreCodeGrad, Room, Sae, Selection},
    train::{
        Criterion,
        counters::Counters,
        workspace::{DenseRoute, Route, Workspace},
    },
};

/// Forward pass and loss, back to ∂loss/∂pre-codes and ∂loss/∂D but for the encoder's part in it.
pub(super) fn differentiate(
    sae: &Sae,
    device: &Device,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
) {
    reconstruct(sae, device, ws, counters);
    let rows = ws.x.rows();
    counters.count_idle(device, rows);
    device.mse(
        &ws.x,
        &mut ws.x_hat,
        None,
        criterion.mse,
        &mut ws.h,
        &mut ws.grad_multiplier,
        &mut counters.log,
        counters.log_row,
    );
    let accumulate = !criterion.terms.is_empty();
    if accumulate {
        record_terms(sae, device, ws, criterion, counters);
    }
    let Workspace { h, route: Route::Dense(route), .. } = &mut *ws else {
        unreachable!("the route is dense")
    };
    let DenseRoute { z, grad_codes, dictionary, grad, .. } = &mut **route;
    device.gemm(h, dictionary, grad_codes, Gemm { accumulate, ..NT });
    device.gemm(z, h, &mut grad.atoms, Gemm { accumulate, ..TN });
    deselect(sae, device, ws);
}

/// Dictionary, pre-codes, codes and `ws.x_hat` = Z D.
fn reconstruct(sae: &Sae, device: &Device, ws: &mut Workspace, counters: &mut Counters) {
    let Workspace { x, halves, pre, x_hat, threshold, room, thresholds: of_jump, route, .. } = ws;
    let Route::Dense(route) = route else { unreachable!("the route is dense") };
    let pre = pre.kept();
    let DenseRoute { z, codes, dictionary, .. } = &mut **route;
    sae.dictionary.fuse_into(device, dictionary);
    let pass = Pass { device, x, dictionary: Some(dictionary), training: true };
    encode(sae, &pass, halves, room, pre);
    prepare(sae, device, pre, threshold, of_jump);
    match (sae.settings().selection, codes) {
        (Selection::BatchTopK { k, .. }, _) => {
            device.kth_largest(pre, k * x.rows(), threshold);
            device.above(pre, threshold, z);
        }
        (_, Some(codes)) => {
            top_k(sae, device, pre, codes);
            device.scatter(codes, z);
        }
        (_, None) => device.jump(pre, logarithms(of_jump), z),
    }
    let Counters { fired, log, log_row, .. } = counters;
    device.count_active_dense(z, fired, log, *log_row);
    device.gemm(z, dictionary, x_hat, Gemm::default());
}

/// The terms of the loss, into gradients that start at zero.
fn record_terms(
    sae: &Sae,
    device: &Device,
    ws: &mut Workspace,
    criterion: &mut Criterion,
    counters: &mut Counters,
) {
    let Workspace { x, pre, x_hat, h, thresholds, route, .. } = ws;
    let Route::Dense(route) = route else { unreachable!("the route is dense") };
    let pre = &*pre.kept();
    let DenseRoute { z, grad_codes, grad_pre, dictionary, grad, .. } = &mut **route;
    device.fill(grad_codes, 0.0);
    device.fill(&mut grad.atoms, 0.0);
    if let Some(grad_pre) = grad_pre {
        device.fill(grad_pre, 0.0);
    }
    let view = View {
        sae,
        x,
        x_hat: Some(x_hat),
        grad_x_hat: Some(h),
        pre_codes: pre,
        grad_pre_codes: grad_pre.as_mut(),
        codes: Entries { values: z, counts: None },
        grad_codes,
        dense_codes: Some(z),
        dictionary: Some(dictionary),
        grad_dictionary: Some(&mut grad.atoms),
        thresholds: thresholds.as_mut(),
    };
    add_terms(criterion, counters, view);
}

/// From ∂loss/∂z to ∂loss/∂pre-codes, and to the thresholds.
fn deselect(sae: &Sae, device: &Device, ws: &mut Workspace) {
    let Workspace { pre, thresholds, route, .. } = ws;
    let Route::Dense(route) = route else { unreachable!("the route is dense") };
    let pre = &*pre.kept();
    let DenseRoute { z, grad_codes, grad_pre, .. } = &mut **route;
    match (sae.settings().selection, thresholds) {
        (Selection::Jump { kernel, bandwidth, .. }, Some(room)) => {
            let t = &room.logarithms;
            device.jump_backward(pre, t, kernel, bandwidth, grad_codes, &mut room.grad);
        }
        _ => device.keep_selected(z, grad_codes),
    }
    if let Some(grad_pre) = grad_pre {
        device.add(grad_codes, grad_pre);
    }
}

/// The gradients of encoder and dictionary; the multiplier's is written.
pub(super) fn gradients<'a>(
    sae: &Sae,
    route: &'a mut DenseRoute,
    x: &'a Tensor,
    room: &'a mut Room,
    grad_multiplier: &mut Tensor,
) -> Vec<Grad<'a>> {
    let device = x.device();
    let DenseRoute { grad_codes, dictionary, grad, .. } = route;
    let pass = Pass { device, x, dictionary: Some(dictionary), training: true };
    let dense = PreCodeGrad::Dense(grad_codes);
    let mut grads = sae.encoder.backward(&pass, dense, room, Some(&mut grad.atoms));
    grads.extend(sae.dictionary.backward(device, dictionary, grad, grad_multiplier));
    grads
}
