//! The operations, each handed to its family of kernels.

use super::{
    Gpu, adam, batch_norm, by_atom, columns, counters, dictionary, elementwise, gemm, gradient,
    halves, jump, kmeans, kth_largest, l0, layer_norm, loss, pointwise, project, reanimate, reduce,
    relu, residual, rest, revive, row_penalty, sparse, sumsq, top_k,
};
use crate::device::{
    AdamStep, Backend, ByAtom, Codes, Entries, Gemm, Grad, Halves, Projection, RowPenalty, Tensor,
    TopKRoom, log, shapes,
};
use crate::{expression::Expression, sae::Kernel};

impl Backend for Gpu {
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
        gemm::gemm(self, a, b, c, spec);
    }

    fn narrow(&self, a: &Tensor, out: &mut Halves) {
        halves::narrow(self, a, out);
    }

    fn gemm_halves(&self, a: &Halves, b: &Halves, bias: Option<&Tensor>, c: &mut Tensor) {
        halves::gemm_halves(self, a, b, bias, c);
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

    fn linear_top_k(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    ) {
        shapes::linear_top_k(x, weight, bias, room, codes);
        let spec = Gemm { transpose_b: true, bias, ..Gemm::default() };
        gemm::gemm(self, x, weight, &mut room.pre, spec);
        top_k::top_k(self, &room.pre, codes);
    }

    fn linear_top_k_halves(
        &self,
        x: &Halves,
        weight: &Halves,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    ) {
        halves::linear_top_k_halves(self, x, weight, bias, room, codes);
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
        weight: f32,
        h: &mut Tensor,
        grad_multiplier: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    ) {
        loss::mse(self, x, raw, multiplier, weight, h, grad_multiplier, log, row);
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
        cell: log::Cell<'_>,
    ) {
        reduce::clip_scale(self, sumsq, max_norm, scale, cell);
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
        adam::adam(self, param, first, second, grad, scale, step, projection, false);
    }

    fn can_rest(&self, grad: &Grad<'_>) -> bool {
        gradient::Entries::of(*grad).is_some_and(|entries| entries.is_whole())
    }

    fn adam_active(
        &self,
        param: &mut Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
        grad: Grad<'_>,
        scale: &Tensor,
        step: AdamStep,
        projection: Projection,
    ) {
        adam::adam(self, param, first, second, grad, scale, step, projection, true);
    }

    fn catch_up(
        &self,
        param: &mut Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
        done: &mut Tensor<u32>,
        firing: Option<&ByAtom>,
        steps: &mut Tensor,
        now: u32,
        numbers: AdamStep,
        projection: Projection,
    ) {
        rest::catch_up(self, param, first, second, done, firing, steps, now, numbers, projection);
    }

    fn project(&self, param: &mut Tensor, projection: Projection) {
        project::project(self, param, projection);
    }

    fn add_relaxation(&self, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
        dictionary::add_relaxation(self, wc, r, multiplier);
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

    fn closer(&self, x: &Tensor, candidates: &Tensor, distance: &Tensor, out: &mut Tensor) {
        kmeans::closer(self, x, candidates, distance, out);
    }

    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
        kmeans::mean_rows(self, sums, counts, centres);
    }

    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
        reduce::row_max(self, a, skip, out);
    }

    fn pointwise(
        &self,
        f: &Expression,
        factor: f32,
        at: Entries<'_>,
        grad: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        pointwise::pointwise(self, f, factor, at, grad, cell);
    }

    fn row_penalty(
        &self,
        penalty: RowPenalty,
        factor: f32,
        concepts: usize,
        at: Entries<'_>,
        grad: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        row_penalty::row_penalty(self, penalty, factor, concepts, at, grad, cell);
    }

    fn reanimate(
        &self,
        pre: &Tensor,
        z: &Tensor,
        factor: f32,
        grad_pre: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        reanimate::reanimate(self, pre, z, factor, grad_pre, cell);
    }

    fn remainder(
        &self,
        pre: &Tensor,
        z: &Tensor,
        idle: Option<(&Tensor<u32>, u32)>,
        out: &mut Tensor,
    ) {
        residual::remainder(self, pre, z, idle, out);
    }

    fn residual_error(
        &self,
        x: &Tensor,
        x_hat: &Tensor,
        factor: f32,
        scale: Option<&Tensor>,
        e_hat: &mut Tensor,
        grad_x_hat: Option<&mut Tensor>,
        cell: log::Cell<'_>,
    ) {
        residual::residual_error(self, x, x_hat, factor, scale, e_hat, grad_x_hat, cell);
    }

    fn dead_share(&self, idle: &Tensor<u32>, limit: u32, at_most: usize, out: &mut Tensor) {
        residual::dead_share(self, idle, limit, at_most, out);
    }

    fn scatter_add(&self, codes: &Codes, values: &Tensor, factor: f32, dense: &mut Tensor) {
        sparse::scatter_add(self, codes, values, factor, dense);
    }

    fn l0_penalty(
        &self,
        pre: &Tensor,
        thresholds: &Tensor,
        kernel: Kernel,
        bandwidth: f32,
        factor: f32,
        target: f32,
        grad_thresholds: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        l0::l0_penalty(
            self,
            pre,
            thresholds,
            kernel,
            bandwidth,
            factor,
            target,
            grad_thresholds,
            cell,
        );
    }

    fn relu(&self, x: &Tensor, out: &mut Tensor) {
        relu::relu(self, x, out);
    }

    fn relu_backward(&self, out: &Tensor, grad: &mut Tensor) {
        relu::relu_backward(self, out, grad);
    }

    fn layer_norm(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        normed: &mut Tensor,
        inv_std: &mut Tensor,
        out: &mut Tensor,
    ) {
        layer_norm::layer_norm(self, x, weight, bias, normed, inv_std, out);
    }

    fn layer_norm_backward(
        &self,
        normed: &Tensor,
        inv_std: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    ) {
        layer_norm::layer_norm_backward(self, normed, inv_std, weight, grad);
    }

    fn column_moments(&self, x: &Tensor, mean: &mut Tensor, variance: &mut Tensor) {
        columns::column_moments(self, x, mean, variance);
    }

    fn batch_norm(
        &self,
        x: &Tensor,
        mean: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        normed: &mut Tensor,
        out: &mut Tensor,
    ) {
        batch_norm::batch_norm(self, x, mean, variance, weight, bias, normed, out);
    }

    fn batch_norm_backward(
        &self,
        normed: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    ) {
        batch_norm::batch_norm_backward(self, normed, variance, weight, grad);
    }

    fn running_moments(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        rows: usize,
        running_mean: &mut Tensor,
        running_variance: &mut Tensor,
    ) {
        batch_norm::running_moments(self, mean, variance, rows, running_mean, running_variance);
    }

    fn column_dots(&self, a: &Tensor, b: &Tensor, out: &mut Tensor) {
        columns::column_dots(self, a, b, out);
    }

    fn top_k_signed(&self, pre: &Tensor, codes: &mut Codes) {
        top_k::top_k_signed(self, pre, codes);
    }

    fn kth_largest(&self, pre: &Tensor, k: usize, out: &mut Tensor) {
        kth_largest::kth_largest(self, pre, k, out);
    }

    fn above(&self, pre: &Tensor, threshold: &Tensor, z: &mut Tensor) {
        elementwise::above(self, pre, threshold, z);
    }

    fn running_threshold(&self, current: &Tensor, momentum: f32, running: &mut Tensor) {
        elementwise::running_threshold(self, current, momentum, running);
    }

    fn keep_selected(&self, z: &Tensor, grad: &mut Tensor) {
        elementwise::keep_selected(self, z, grad);
    }

    fn scale_atoms(&self, v: &Tensor, multiplier: Option<&Tensor>, out: &mut Tensor) {
        elementwise::scale_atoms(self, v, multiplier, out);
    }

    fn dictionary_backward(
        &self,
        dictionary: &Tensor,
        multiplier: Option<&Tensor>,
        grad: &mut Tensor,
        grad_multiplier: &mut Tensor,
    ) {
        dictionary::dictionary_backward(self, dictionary, multiplier, grad, grad_multiplier);
    }

    fn fill(&self, out: &mut Tensor, value: f32) {
        elementwise::fill(self, out, value);
    }

    fn ln(&self, a: &Tensor, out: &mut Tensor) {
        elementwise::ln(self, a, out);
    }

    fn direct_thresholds(&self, thresholds: &Tensor, bandwidth: f32, grad: &mut Tensor) {
        elementwise::direct_thresholds(self, thresholds, bandwidth, grad);
    }

    fn count_idle(
        &self,
        fired: &Tensor<u32>,
        rows: usize,
        seen: &mut Tensor<u32>,
        idle: &mut Tensor<u32>,
    ) {
        counters::count_idle(self, fired, rows, seen, idle);
    }

    fn revive(&self, bias: &mut Tensor, idle: &Tensor<u32>, after: u32, amount: f32) {
        revive::revive(self, bias, idle, after, amount);
    }
}
