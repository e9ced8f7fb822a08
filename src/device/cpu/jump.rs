//! The jump selection and its backward pass.

use super::{
    index::Index,
    reduce::{chunk_rows, sum_chunks},
    scratch::Scratch,
    simd::{any, block_rows, vectorize},
};
use crate::parallel::*;
use crate::{
    device::{ByAtom, Codes, Tensor, shapes},
    sae::Kernel,
};

/// Pre-codes that are looked at together: most such groups are far from their thresholds.
pub(super) const GROUP: usize = 32;

/// Whether a ≥ θ for a = relu(pre), where it makes a difference: relu lets no gradient through at or below zero.
#[inline(always)]
fn active(pre: f32, theta: f32) -> bool {
    pre > 0.0 && pre >= theta
}

/// a where a ≥ θ, else 0. A NaN goes on, so that the loss shows it.
#[inline(always)]
pub(super) fn code(pre: f32, theta: f32) -> f32 {
    if active(pre, theta) | pre.is_nan() { pre } else { 0.0 }
}

/// |relu(pre) − θ|
#[inline(always)]
pub(super) fn distance(pre: f32, theta: f32) -> f32 {
    (pre.max(0.0) - theta).abs()
}

/// θ = e^t.
pub(super) fn thetas(thresholds: &Tensor, concepts: usize) -> Scratch<f32> {
    shapes::expect("thresholds", thresholds, [concepts, 1]);
    let mut thetas = Scratch::<f32>::new(concepts);
    thetas.iter_mut().zip(thresholds.cpu()).for_each(|(theta, t)| *theta = t.exp());
    thetas
}

/// z = a where a ≥ θ, else 0.
pub(super) fn jump(pre: &Tensor, thresholds: &Tensor, z: &mut Tensor) {
    shapes::expect("codes", z, pre.shape());
    let n = pre.cols();
    let thetas = &*thetas(thresholds, n);
    if n == 0 {
        return;
    }
    let rows = z.cpu_mut().par_chunks_mut(n).zip(pre.cpu().par_chunks(n));
    rows.with_min_len(block_rows(n)).for_each(|(z, pre)| {
        vectorize!({
            for ((z, &pre), &theta) in z.iter_mut().zip(pre).zip(thetas) {
                *z = code(pre, theta);
            }
        });
    });
}

/// Entries where a ≥ θ, and those within `reach` of θ, which have the value 0.
pub(super) fn jump_sparse(pre: &Tensor, thresholds: &Tensor, reach: f32, codes: &mut Codes) {
    let n = codes.concepts();
    shapes::expect("pre-codes", pre, [codes.rows(), n]);
    assert_eq!(codes.width(), n, "a row may use every concept");
    let thetas = &*thetas(thresholds, n);
    if n == 0 {
        codes.counts.cpu_mut().fill(0);
        return;
    }
    let indices = codes.indices.cpu_mut().par_chunks_mut(n);
    let values = codes.values.cpu_mut().par_chunks_mut(n);
    let places = indices.zip(values).zip(codes.counts.cpu_mut());
    let rows = pre.cpu().par_chunks(n).zip(places);
    rows.with_min_len(block_rows(n)).for_each(|(pre, ((indices, values), count))| {
        *count = vectorize!(compact(pre, thetas, reach, indices, values));
    });
}

/// One row of [`jump_sparse`]; returns the number of entries.
#[inline(always)]
fn compact(
    pre: &[f32],
    thetas: &[f32],
    reach: f32,
    indices: &mut [u32],
    values: &mut [f32],
) -> u32 {
    let listed = |pre: f32, theta: f32| active(pre, theta) | (distance(pre, theta) <= reach);
    let mut len = 0;
    for (group, (pre, thetas)) in pre.chunks(GROUP).zip(thetas.chunks(GROUP)).enumerate() {
        let pairs = pre.iter().zip(thetas);
        if !any(pairs.clone().map(|(&pre, &theta)| listed(pre, theta))) {
            continue;
        }
        for (concept, (&pre, &theta)) in (group * GROUP..).zip(pairs) {
            // Written in any case, and written over unless it is listed: cheaper than a branch that is hard to guess.
            indices[len] = concept as u32;
            values[len] = if active(pre, theta) { pre } else { 0.0 };
            len += usize::from(listed(pre, theta));
        }
    }
    len as u32
}

/// `grad` becomes ∂loss/∂pre, `grad_thresholds` ∂loss/∂t.
pub(super) fn jump_backward(
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    grad: &mut Tensor,
    grad_thresholds: &mut Tensor,
) {
    let [rows, n] = pre.shape();
    shapes::expect("gradient of the codes", grad, [rows, n]);
    shapes::expect("gradient of the thresholds", grad_thresholds, [n, 1]);
    let thetas = &*thetas(thresholds, n);
    if n == 0 {
        return;
    }
    let reach = kernel.reach(bandwidth);
    let chunk = chunk_rows(rows) * n;
    let mut partials = Scratch::filled(rows.div_ceil(chunk_rows(rows)) * n, 0.0_f64);
    let chunks = grad.cpu_mut().par_chunks_mut(chunk).zip(pre.cpu().par_chunks(chunk));
    chunks.zip(partials.par_chunks_mut(n)).for_each(|((grad, pre), sums)| {
        vectorize!({
            for (grad, pre) in grad.chunks_exact_mut(n).zip(pre.chunks_exact(n)) {
                backward_row(pre, thetas, kernel, bandwidth, reach, grad, sums);
            }
        });
    });
    sum_chunks(&partials, grad_thresholds.cpu_mut(), |atom, sum| {
        threshold_gradient(thetas[atom], bandwidth, sum)
    });
}

/// Adds κ·g to `sums` and masks `grad`.
#[inline(always)]
fn backward_row(
    pre: &[f32],
    thetas: &[f32],
    kernel: Kernel,
    bandwidth: f32,
    reach: f32,
    grad: &mut [f32],
    sums: &mut [f64],
) {
    let groups = pre.chunks(GROUP).zip(thetas.chunks(GROUP));
    let places = grad.chunks_mut(GROUP).zip(sums.chunks_mut(GROUP));
    for ((pre, thetas), (grad, sums)) in groups.zip(places) {
        let pairs = pre.iter().zip(thetas);
        if any(pairs.clone().map(|(&pre, &theta)| distance(pre, theta) <= reach)) {
            for (((&pre, &theta), &g), sum) in pairs.clone().zip(&*grad).zip(sums) {
                if distance(pre, theta) <= reach {
                    *sum += f64::from(kernel.value(pre.max(0.0) - theta, bandwidth) * g);
                }
            }
        }
        for ((&pre, &theta), g) in pairs.zip(grad) {
            *g = if active(pre, theta) { *g } else { 0.0 };
        }
    }
}

/// θ · −(θ/bw)·Σκg
#[inline(always)]
fn threshold_gradient(theta: f32, bandwidth: f32, sum: f64) -> f32 {
    (-f64::from(theta) * f64::from(theta) / f64::from(bandwidth) * sum) as f32
}

/// As [`jump_backward`], over the entries only.
pub(super) fn jump_backward_sparse(
    pre: &Tensor,
    thresholds: &Tensor,
    kernel: Kernel,
    bandwidth: f32,
    codes: &Codes,
    by_atom: &ByAtom,
    grad: &mut Tensor,
    grad_thresholds: &mut Tensor,
) {
    let n = codes.concepts();
    shapes::expect("pre-codes", pre, [codes.rows(), n]);
    shapes::expect("gradient of the thresholds", grad_thresholds, [n, 1]);
    shapes::entries(codes, grad);
    shapes::index(codes, by_atom);
    let thetas = &*thetas(thresholds, n);
    if n == 0 {
        return;
    }
    let (pre, index, g) = (pre.cpu(), Index::new(by_atom), grad.cpu());
    let sums = grad_thresholds.cpu_mut().par_iter_mut().enumerate();
    sums.with_min_len(64).for_each(|(atom, out)| {
        let theta = thetas[atom];
        let term = |&entry: &u32| {
            let x = pre[index.row(entry) * n + atom].max(0.0) - theta;
            f64::from(kernel.value(x, bandwidth) * g[entry as usize])
        };
        *out = threshold_gradient(theta, bandwidth, index.of(atom).iter().map(term).sum());
    });

    let (width, indices) = (codes.width(), codes.indices.cpu());
    let rows = grad.cpu_mut().par_chunks_mut(width).zip(codes.counts.cpu()).enumerate();
    rows.with_min_len(16).for_each(|(row, (grad, &count))| {
        let (pre, indices) = (&pre[row * n..][..n], &indices[row * width..]);
        for (g, &atom) in grad.iter_mut().zip(indices).take(count as usize) {
            if !active(pre[atom as usize], thetas[atom as usize]) {
                *g = 0.0;
            }
        }
    });
}
