//! Plain Rust: the fallback where there is no GPU, and the oracle of the tests.
//!
//! One file a family of operations. Work is cut into pieces that depend on the shapes only and every reduction has a
//! fixed order, so results do not depend on the number of threads or on how they are scheduled.

mod adam;
mod counters;
mod gemm;
mod index;
mod jump;
mod kmeans;
mod loss;
mod project;
mod reduce;
mod select;
mod simd;
mod sparse;

use super::{AdamStep, Backend, ByAtom, Codes, Gemm, Grad, Projection, Tensor};
use crate::sae::Kernel;

/// The CPU backend: all cores, no state.
#[derive(Debug)]
pub struct Cpu;

impl Cpu {
    pub(crate) fn name(&self) -> String {
        format!("CPU, {} threads", rayon::current_num_threads())
    }
}

impl Backend for Cpu {
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
        gemm::gemm(a, b, c, spec)
    }

    fn spmm(&self, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool) {
        sparse::spmm(codes, m, out, accumulate)
    }

    fn sddmm(&self, codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool) {
        sparse::sddmm(codes, m, a, out, accumulate)
    }

    fn spmm_t(&self, grad: Grad<'_>, out: &mut Tensor) {
        sparse::spmm_t(grad, out)
    }

    fn top_k(&self, pre: &Tensor, codes: &mut Codes) {
        select::top_k(pre, codes)
    }

    fn jump(&self, pre: &Tensor, thresholds: &Tensor, z: &mut Tensor) {
        jump::jump(pre, thresholds, z)
    }

    fn jump_sparse(&self, pre: &Tensor, thresholds: &Tensor, reach: f32, codes: &mut Codes) {
        jump::jump_sparse(pre, thresholds, reach, codes)
    }

    fn jump_backward(
        &self,
        pre: &Tensor,
        thresholds: &Tensor,
        kernel: Kernel,
        bandwidth: f32,
        grad: &mut Tensor,
        grad_thresholds: &mut Tensor,
    ) {
        jump::jump_backward(pre, thresholds, kernel, bandwidth, grad, grad_thresholds)
    }

    fn jump_backward_sparse(
        &self,
        pre: &Tensor,
        thresholds: &Tensor,
        kernel: Kernel,
        bandwidth: f32,
        codes: &Codes,
        by_atom: &ByAtom,
        grad: &mut Tensor,
        grad_thresholds: &mut Tensor,
    ) {
        jump::jump_backward_sparse(
            pre,
            thresholds,
            kernel,
            bandwidth,
            codes,
            by_atom,
            grad,
            grad_thresholds,
        )
    }

    fn by_atom(&self, codes: &Codes, out: &mut ByAtom) {
        index::by_atom(codes, out)
    }

    fn scatter(&self, codes: &Codes, dense: &mut Tensor) {
        select::scatter(codes, dense)
    }

    fn mse(
        &self,
        x: &Tensor,
        raw: &mut Tensor,
        multiplier: Option<&Tensor>,
        h: &mut Tensor,
        grad_multiplier: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    ) {
        loss::mse(x, raw, multiplier, h, grad_multiplier, log, row)
    }

    fn column_sums(&self, a: &Tensor, out: &mut Tensor) {
        reduce::column_sums(a, out)
    }

    fn sumsq(&self, grad: Grad<'_>, out: &mut Tensor, slot: usize) {
        reduce::sumsq(grad, out, slot)
    }

    fn clip_scale(
        &self,
        sumsq: &Tensor,
        max_norm: Option<f32>,
        scale: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    ) {
        reduce::clip_scale(sumsq, max_norm, scale, log, row)
    }

    fn adam(
        &self,
        param: &mut Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
        grad: Grad<'_>,
        scale: &Tensor,
        step: AdamStep,
        projection: Projection,
    ) {
        adam::adam(param, first, second, grad, scale, step, projection)
    }

    fn project(&self, param: &mut Tensor, projection: Projection) {
        project::project(param, projection)
    }

    fn add_relaxation(&self, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
        project::add_relaxation(wc, r, multiplier)
    }

    fn count_active(
        &self,
        codes: &Codes,
        by_atom: &ByAtom,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        counters::count_active(codes, by_atom, fired, log, row)
    }

    fn count_active_dense(
        &self,
        z: &Tensor,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        counters::count_active_dense(z, fired, log, row)
    }

    fn row_sumsq(&self, a: &Tensor, out: &mut Tensor) {
        reduce::row_sumsq(a, out)
    }

    fn nearest(
        &self,
        products: &Tensor,
        x_sq: &Tensor,
        c_sq: &Tensor,
        assignment: &mut Tensor<u32>,
        distance: &mut Tensor,
    ) {
        kmeans::nearest(products, x_sq, c_sq, assignment, distance)
    }

    fn closer(&self, x: &Tensor, centre: &Tensor, distance: &mut Tensor) {
        kmeans::closer(x, centre, distance)
    }

    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
        kmeans::mean_rows(sums, counts, centres)
    }

    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
        reduce::row_max(a, skip, out)
    }
}
