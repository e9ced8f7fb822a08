//! One training step, recorded on the device: forward, loss, backward, clip, Adam, projection. Nothing is read back.

use super::{
    Adam, Clip, Criterion,
    counters::Counters,
    criterion::Reconstruction,
    workspace::{BuiltAtoms, DenseRoute, Route, SparseProduct, SparseRoute, Workspace},
};
use crate::{
    device::{Device, Gemm, Grad, Tensor},
    sae::{PreCodeGrad, Sae, Selection},
};

/// A Bᵀ.
const NT: Gemm<'_> = Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };
/// Aᵀ B.
const TN: Gemm<'_> = Gemm { transpose_a: true, transpose_b: false, accumulate: false, bias: None };

/// The whole step for the batch in `ws`.
pub(crate) fn record(
    sae: &mut Sae,
    ws: &mut Workspace,
    criterion: &dyn Criterion,
    clip: &mut Clip,
    adam: &mut Adam,
    counters: &mut Counters,
    lr: f64,
) {
    differentiate(sae, ws, criterion, counters);
    let device = sae.device().clone();
    let grads = gradients(sae, ws);
    clip.record(&device, &grads, counters);
    adam.step(&device, sae.parameters_mut(), &grads, &clip.scale, lr);
    device.submit();
}

/// Forward pass, loss and the gradients that have to be stored.
pub(crate) fn differentiate(
    sae: &Sae,
    ws: &mut Workspace,
    criterion: &dyn Criterion,
    counters: &mut Counters,
) {
    let device = sae.device();
    sae.encoder.forward(device, &ws.x, &mut ws.pre);
    forward(sae, device, ws, counters);
    let reconstruction = Reconstruction {
        x: &ws.x,
        x_hat: &mut ws.x_hat,
        multiplier: &sae.dictionary.multiplier.value,
        h: &mut ws.h,
        grad_multiplier: &mut ws.grad_multiplier,
        log: &mut counters.log,
        log_row: counters.log_row,
    };
    criterion.differentiate(device, reconstruction);
    backward(sae, device, ws);
}

/// Selection and reconstruction: `ws.x_hat` = Z (W C + R), the multiplier still to come.
fn forward(sae: &Sae, device: &Device, ws: &mut Workspace, counters: &mut Counters) {
    let dictionary = &sae.dictionary;
    let Counters { fired, log, log_row } = counters;
    match &mut ws.route {
        Route::Sparse(route) => {
            let SparseRoute { codes, by_atom, product, .. } = &mut **route;
            select(sae, device, &ws.pre, codes);
            device.by_atom(codes, by_atom);
            device.count_active(codes, by_atom, fired, log, *log_row);
            match product {
                SparseProduct::Factored { mixed } => {
                    device.spmm(codes, &dictionary.mixing.value, mixed, false);
                    device.gemm(mixed, &dictionary.points, &mut ws.x_hat, Gemm::default());
                    device.spmm(codes, &dictionary.relax.value, &mut ws.x_hat, true);
                }
                SparseProduct::Atoms(built) => {
                    dictionary.atoms(device, &mut built.atoms);
                    device.spmm(codes, &built.atoms, &mut ws.x_hat, false);
                }
            }
        }
        Route::Dense(route) => {
            let DenseRoute { z, built, .. } = &mut **route;
            device.jump(&ws.pre, thresholds(sae), z);
            device.count_active_dense(z, fired, log, *log_row);
            dictionary.atoms(device, &mut built.atoms);
            device.gemm(z, &built.atoms, &mut ws.x_hat, Gemm::default());
        }
    }
}

fn select(sae: &Sae, device: &Device, pre: &Tensor, codes: &mut crate::device::Codes) {
    match sae.settings().selection {
        Selection::TopK { .. } => device.top_k(pre, codes),
        Selection::Jump { kernel, bandwidth } => {
            device.jump_sparse(pre, thresholds(sae), kernel.reach(bandwidth), codes);
        }
    }
}

/// From `ws.h` to ∂loss/∂pre-codes, and ∂loss/∂W and ∂loss/∂R where they are stored.
fn backward(sae: &Sae, device: &Device, ws: &mut Workspace) {
    let dictionary = &sae.dictionary;
    let Workspace { pre, h, grad_thresholds, route, .. } = ws;
    match route {
        Route::Sparse(route) => {
            let SparseRoute { codes, by_atom, grad_codes, product } = &mut **route;
            match product {
                SparseProduct::Factored { mixed } => {
                    device.gemm(h, &dictionary.points, mixed, NT);
                    device.sddmm(codes, &dictionary.mixing.value, mixed, grad_codes, false);
                    device.sddmm(codes, &dictionary.relax.value, h, grad_codes, true);
                }
                SparseProduct::Atoms(built) => {
                    device.sddmm(codes, &built.atoms, h, grad_codes, false);
                    let grad = Grad::Rows { by_atom, values: &codes.values, source: h };
                    device.spmm_t(grad, &mut built.grad_relax);
                    device.gemm(&built.grad_relax, &dictionary.points, &mut built.grad_mixing, NT);
                }
            }
            if let Selection::Jump { kernel, bandwidth } = sae.settings().selection {
                let t = thresholds(sae);
                device.jump_backward_sparse(
                    pre,
                    t,
                    kernel,
                    bandwidth,
                    codes,
                    by_atom,
                    grad_codes,
                    grad_thresholds,
                );
            }
        }
        Route::Dense(route) => {
            let DenseRoute { z, grad_codes, built, .. } = &mut **route;
            let Selection::Jump { kernel, bandwidth } = sae.settings().selection else {
                unreachable!("only jump has dense codes")
            };
            device.gemm(h, &built.atoms, grad_codes, NT);
            let t = thresholds(sae);
            device.jump_backward(pre, t, kernel, bandwidth, grad_codes, grad_thresholds);
            device.gemm(z, h, &mut built.grad_relax, TN);
            device.gemm(&built.grad_relax, &dictionary.points, &mut built.grad_mixing, NT);
        }
    }
}

fn thresholds(sae: &Sae) -> &Tensor {
    &sae.thresholds.as_ref().expect("a jump model has thresholds").value
}

impl BuiltAtoms {
    fn gradients(&self) -> [Grad<'_>; 2] {
        [Grad::Dense(&self.grad_mixing), Grad::Dense(&self.grad_relax)]
    }
}

/// The gradients that [`differentiate`] left in `ws`, in the order of the model's parameters.
pub(crate) fn gradients<'a>(sae: &Sae, ws: &'a mut Workspace) -> Vec<Grad<'a>> {
    let device = sae.device();
    let Workspace { x, ones, h, grad_multiplier, grad_thresholds, route, .. } = ws;
    let mut grads = match route {
        Route::Sparse(route) => {
            let SparseRoute { codes, by_atom, grad_codes, product } = &mut **route;
            let by_atom = &*by_atom;
            let sparse = PreCodeGrad::Sparse { by_atom, values: grad_codes, ones };
            let mut grads = sae.encoder.backward(device, x, sparse, &mut []);
            let values = &codes.values;
            match product {
                SparseProduct::Factored { mixed } => {
                    grads.push(Grad::Rows { by_atom, values, source: mixed });
                    grads.push(Grad::Rows { by_atom, values, source: h });
                }
                SparseProduct::Atoms(built) => grads.extend(built.gradients()),
            }
            grads
        }
        Route::Dense(route) => {
            let DenseRoute { grad_codes, built, encoder, .. } = &mut **route;
            let mut grads =
                sae.encoder.backward(device, x, PreCodeGrad::Dense(grad_codes), encoder);
            grads.extend(built.gradients());
            grads
        }
    };
    grads.extend(sae.dictionary.use_multiplier.then_some(Grad::Dense(grad_multiplier)));
    grads.extend(sae.thresholds.is_some().then_some(Grad::Dense(grad_thresholds)));
    grads
}
