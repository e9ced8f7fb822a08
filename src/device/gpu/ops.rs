//! The operations, each handed to its family of kernels.

use super::{
    Gpu, adam, by_atom, counters, gemm, gradient, jump, kmeans, loss, reduce, relaxation, sparse,
    sumsq, top_k,
};
use crate::device::{AdamStep, Backend, ByAtom, Codes, Gemm, Grad, Projection, Tensor};
use crate::sae::Kernel;

impl Backend for Gpu {
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
        gemm::gemm(self, a, b, c, spec);
    }

    fn spmm(&self, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool) {
        sparse::spmm(self, codes, m, out, accumulate);
    }

    fn sddmm(&self, codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool) {
        sparse::sddmm(self, codes, m, a, out, accumulate);
    }

    fn spmm_t(&self, grad: Grad<'_>, out: &mut Tensor) {
        gradient::spmm_t(self, grad, out);
    }

    fn top_k(&self, pre: &Tensor, codes: &mut Codes) {
        top_k::top_k(self, pre, codes);
    }

    fn jump(&self, pre: &Tensor, thresholds: &Tensor, z: &mut Tensor) {
        jump::jump(self, pre, thresholds, z);
    }

    fn jump_sparse(&self, pre: &Tensor, thresholds: &Tensor, reach: f32, codes: &mut Codes) {
        jump::jump_sparse(self, pre, thresholds, reach, codes);
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
        jump::jump_backward(self, pre, thresholds, kernel, bandwidth, grad, grad_thresholds);
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
            self,
            pre,
            thresholds,
            kernel,
            bandwidth,
            codes,
            by_atom,
            grad,
            grad_thresholds,
        );
    }

    fn by_atom(&self, codes: &Codes, out: &mut ByAtom) {
        by_atom::by_atom(self, codes, out);
    }

    fn scatter(&self, codes: &Codes, dense: &mut Tensor) {
        sparse::scatter(self, codes, dense);
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
        loss::mse(self, x, raw, multiplier, h, grad_multiplier, log, row);
    }

    fn column_sums(&self, a: &Tensor, out: &mut Tensor) {
        reduce::column_sums(self, a, out);
    }

    fn sumsq(&self, grad: Grad<'_>, out: &mut Tensor, slot: usize) {
        sumsq::sumsq(self, grad, out, slot);
    }

    fn clip_scale(
        &self,
        sumsq: &Tensor,
        max_norm: Option<f32>,
        scale: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    ) {
        reduce::clip_scale(self, sumsq, max_norm, scale, log, row);
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
        adam::adam(self, param, first, second, grad, scale, step, projection);
    }

    fn project(&self, param: &mut Tensor, projection: Projection) {
        adam::project(self, param, projection);
    }

    fn add_relaxation(&self, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
        relaxation::add_relaxation(self, wc, r, multiplier);
    }

    fn count_active(
        &self,
        codes: &Codes,
        by_atom: &ByAtom,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        counters::count_active(self, codes, by_atom, fired, log, row);
    }

    fn count_active_dense(
        &self,
        z: &Tensor,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        counters::count_active_dense(self, z, fired, log, row);
    }

    fn row_sumsq(&self, a: &Tensor, out: &mut Tensor) {
        reduce::row_sumsq(self, a, out);
    }

    fn nearest(
        &self,
        products: &Tensor,
        x_sq: &Tensor,
        c_sq: &Tensor,
        assignment: &mut Tensor<u32>,
        distance: &mut Tensor,
    ) {
        kmeans::nearest(self, products, x_sq, c_sq, assignment, distance);
    }

    fn closer(&self, x: &Tensor, centre: &Tensor, distance: &mut Tensor) {
        kmeans::closer(self, x, centre, distance);
    }

    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
        kmeans::mean_rows(self, sums, counts, centres);
    }

    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
        reduce::row_max(self, a, skip, out);
    }
}
