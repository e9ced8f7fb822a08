//! Plain Rust: the fallback where there is no GPU, and the oracle of the tests.
//!
//! One file a family of operations. Work is cut into pieces that depend on the shapes only and every reduction has a
//! fixed order, so results do not depend on the number of threads or on how they are scheduled. Every operation begins
//! with a timer for `device/profile.rs`.

mod adam;
mod batch_norm;
mod columns;
mod counters;
mod dictionary;
mod elementwise;
mod gemm;
mod halves;
mod index;
mod jump;
mod kmeans;
mod kth_largest;
mod l0;
mod layer_norm;
mod linear_top_k;
mod loss;
mod order;
pub(super) mod pages;
mod pointwise;
mod project;
mod reanimate;
mod reduce;
mod relu;
mod residual;
mod rest;
mod revive;
mod row_penalty;
mod scratch;
mod sddmm_sumsq;
pub(super) mod select;
#[cfg_attr(
    not(any(test, target_arch = "x86_64")),
    allow(dead_code, unused_variables, reason = "no kernel yet")
)]
pub(super) mod shortlist;
mod simd;
mod sparse;

use super::{
    AdamStep, Backend, ByAtom, Codes, Entries, Gemm, Grad, Halves, Projection, RowPenalty, Tensor,
    TopKRoom, log, profile::Profiler,
};
use crate::{expression::Expression, sae::Kernel};

/// The CPU backend: all cores, and no state but the times that a profile takes.
#[derive(Debug)]
pub struct Cpu {
    pub(crate) profiler: Profiler,
    /// What makes shortlists, if anything does.
    pub(super) shortlist: Option<shortlist::Kernel>,
}

impl Cpu {
    pub(super) fn new(shortlist: Option<shortlist::Kernel>) -> Self {
        Self { profiler: Profiler::default(), shortlist }
    }

    pub(crate) fn name(&self) -> String {
        let threads = match crate::parallel::current_num_threads() {
            1 => "1 thread".to_string(),
            threads => format!("{threads} threads"),
        };
        let left_out = self.shortlist.is_none() && Self::shortlists().is_some();
        format!("CPU, {threads}{}", if left_out { ", no shortlists" } else { "" })
    }

    /// The instructions by which this machine finds the few concepts whose products [`Backend::linear_top_k`] makes in
    /// float32; none where it makes those of all concepts.
    pub fn shortlists() -> Option<&'static str> {
        shortlist::Kernel::of_machine().map(shortlist::Kernel::name)
    }
}

impl Backend for Cpu {
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>) {
        let _time = self.profiler.time("gemm");
        gemm::gemm(a, b, c, spec)
    }

    fn narrow(&self, a: &Tensor, out: &mut Halves) {
        let _time = self.profiler.time("narrow");
        halves::narrow(a, out)
    }

    fn gemm_halves(&self, a: &Halves, b: &Halves, bias: Option<&Tensor>, c: &mut Tensor) {
        let _time = self.profiler.time("gemm_halves");
        halves::gemm_halves(a, b, bias, c)
    }

    fn spmm(&self, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool) {
        let _time = self.profiler.time("spmm");
        sparse::spmm(codes, m, out, accumulate)
    }

    fn sddmm(&self, codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool) {
        let _time = self.profiler.time("sddmm");
        sparse::sddmm(codes, m, a, out, accumulate)
    }

    fn sddmm_sumsq(
        &self,
        codes: &Codes,
        by_atom: &ByAtom,
        m: &Tensor,
        a: &Tensor,
        out: &mut Tensor,
        accumulate: bool,
        sumsq: &mut Tensor,
        slot: usize,
    ) {
        let _time = self.profiler.time("sddmm_sumsq");
        sddmm_sumsq::sddmm_sumsq(codes, by_atom, m, a, out, accumulate, sumsq, slot)
    }

    fn spmm_t(&self, grad: Grad<'_>, out: &mut Tensor) {
        let _time = self.profiler.time("spmm_t");
        sparse::spmm_t(grad, out)
    }

    fn top_k(&self, pre: &Tensor, codes: &mut Codes) {
        let _time = self.profiler.time("top_k");
        select::top_k(pre, codes)
    }

    fn linear_top_k(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    ) {
        let _time = self.profiler.time("linear_top_k");
        linear_top_k::linear_top_k(x, weight, bias, room, codes)
    }

    fn linear_top_k_halves(
        &self,
        x: &Halves,
        weight: &Halves,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    ) {
        let _time = self.profiler.time("linear_top_k_halves");
        halves::linear_top_k_halves(x, weight, bias, room, codes)
    }

    fn jump(&self, pre: &Tensor, thresholds: &Tensor, z: &mut Tensor) {
        let _time = self.profiler.time("jump");
        jump::jump(pre, thresholds, z)
    }

    fn jump_sparse(&self, pre: &Tensor, thresholds: &Tensor, reach: f32, codes: &mut Codes) {
        let _time = self.profiler.time("jump_sparse");
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
        let _time = self.profiler.time("jump_backward");
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
        let _time = self.profiler.time("jump_backward_sparse");
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
        let _time = self.profiler.time("by_atom");
        index::by_atom(codes, out)
    }

    fn scatter(&self, codes: &Codes, dense: &mut Tensor) {
        let _time = self.profiler.time("scatter");
        select::scatter(codes, dense)
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
        let _time = self.profiler.time("mse");
        loss::mse(x, raw, multiplier, weight, h, grad_multiplier, log, row)
    }

    fn column_sums(&self, a: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("column_sums");
        reduce::column_sums(a, out)
    }

    fn sumsq(&self, grad: Grad<'_>, out: &mut Tensor, slot: usize) {
        let _time = self.profiler.time("sumsq");
        reduce::sumsq(grad, out, slot)
    }

    fn clip_scale(
        &self,
        sumsq: &Tensor,
        max_norm: Option<f32>,
        scale: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        let _time = self.profiler.time("clip_scale");
        reduce::clip_scale(sumsq, max_norm, scale, cell)
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
        let _time = self.profiler.time("adam");
        adam::adam(param, first, second, grad, scale, step, projection, false)
    }

    fn can_rest(&self, grad: &Grad<'_>) -> bool {
        matches!(grad, Grad::Rows { .. })
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
        let _time = self.profiler.time("adam_active");
        adam::adam(param, first, second, grad, scale, step, projection, true)
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
        let _time = self.profiler.time("catch_up");
        rest::catch_up(param, first, second, done, firing, steps, now, numbers, projection)
    }

    fn project(&self, param: &mut Tensor, projection: Projection) {
        let _time = self.profiler.time("project");
        project::project(param, projection)
    }

    fn add_relaxation(&self, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>) {
        let _time = self.profiler.time("add_relaxation");
        dictionary::add_relaxation(wc, r, multiplier)
    }

    fn count_active(
        &self,
        codes: &Codes,
        by_atom: &ByAtom,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        let _time = self.profiler.time("count_active");
        counters::count_active(codes, by_atom, fired, log, row)
    }

    fn count_active_dense(
        &self,
        z: &Tensor,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    ) {
        let _time = self.profiler.time("count_active_dense");
        counters::count_active_dense(z, fired, log, row)
    }

    fn row_sumsq(&self, a: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("row_sumsq");
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
        let _time = self.profiler.time("nearest");
        kmeans::nearest(products, x_sq, c_sq, assignment, distance)
    }

    fn closer(&self, x: &Tensor, candidates: &Tensor, distance: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("closer");
        kmeans::closer(x, candidates, distance, out)
    }

    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
        let _time = self.profiler.time("mean_rows");
        kmeans::mean_rows(sums, counts, centres)
    }

    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor) {
        let _time = self.profiler.time("row_max");
        reduce::row_max(a, skip, out)
    }

    fn pointwise(
        &self,
        f: &Expression,
        factor: f32,
        at: Entries<'_>,
        grad: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        let _time = self.profiler.time("pointwise");
        pointwise::pointwise(f, factor, at, grad, cell)
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
        let _time = self.profiler.time("row_penalty");
        row_penalty::row_penalty(penalty, factor, concepts, at, grad, cell)
    }

    fn reanimate(
        &self,
        pre: &Tensor,
        z: &Tensor,
        factor: f32,
        grad_pre: &mut Tensor,
        cell: log::Cell<'_>,
    ) {
        let _time = self.profiler.time("reanimate");
        reanimate::reanimate(pre, z, factor, grad_pre, cell)
    }

    fn remainder(
        &self,
        pre: &Tensor,
        z: &Tensor,
        idle: Option<(&Tensor<u32>, u32)>,
        out: &mut Tensor,
    ) {
        let _time = self.profiler.time("remainder");
        residual::remainder(pre, z, idle, out)
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
        let _time = self.profiler.time("residual_error");
        residual::residual_error(x, x_hat, factor, scale, e_hat, grad_x_hat, cell)
    }

    fn dead_share(&self, idle: &Tensor<u32>, limit: u32, at_most: usize, out: &mut Tensor) {
        let _time = self.profiler.time("dead_share");
        residual::dead_share(idle, limit, at_most, out)
    }

    fn scatter_add(&self, codes: &Codes, values: &Tensor, factor: f32, dense: &mut Tensor) {
        let _time = self.profiler.time("scatter_add");
        select::scatter_add(codes, values, factor, dense)
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
        let _time = self.profiler.time("l0_penalty");
        l0::l0_penalty(pre, thresholds, kernel, bandwidth, factor, target, grad_thresholds, cell)
    }

    fn relu(&self, x: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("relu");
        relu::relu(x, out)
    }

    fn relu_backward(&self, out: &Tensor, grad: &mut Tensor) {
        let _time = self.profiler.time("relu_backward");
        relu::relu_backward(out, grad)
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
        let _time = self.profiler.time("layer_norm");
        layer_norm::layer_norm(x, weight, bias, normed, inv_std, out)
    }

    fn layer_norm_backward(
        &self,
        normed: &Tensor,
        inv_std: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    ) {
        let _time = self.profiler.time("layer_norm_backward");
        layer_norm::layer_norm_backward(normed, inv_std, weight, grad)
    }

    fn column_moments(&self, x: &Tensor, mean: &mut Tensor, variance: &mut Tensor) {
        let _time = self.profiler.time("column_moments");
        columns::column_moments(x, mean, variance)
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
        let _time = self.profiler.time("batch_norm");
        batch_norm::batch_norm(x, mean, variance, weight, bias, normed, out)
    }

    fn batch_norm_backward(
        &self,
        normed: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    ) {
        let _time = self.profiler.time("batch_norm_backward");
        batch_norm::batch_norm_backward(normed, variance, weight, grad)
    }

    fn running_moments(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        rows: usize,
        running_mean: &mut Tensor,
        running_variance: &mut Tensor,
    ) {
        let _time = self.profiler.time("running_moments");
        batch_norm::running_moments(mean, variance, rows, running_mean, running_variance)
    }

    fn column_dots(&self, a: &Tensor, b: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("column_dots");
        columns::column_dots(a, b, out)
    }

    fn top_k_signed(&self, pre: &Tensor, codes: &mut Codes) {
        let _time = self.profiler.time("top_k_signed");
        select::top_k_signed(pre, codes)
    }

    fn kth_largest(&self, pre: &Tensor, k: usize, out: &mut Tensor) {
        let _time = self.profiler.time("kth_largest");
        kth_largest::kth_largest(pre, k, out)
    }

    fn above(&self, pre: &Tensor, threshold: &Tensor, z: &mut Tensor) {
        let _time = self.profiler.time("above");
        elementwise::above(pre, threshold, z)
    }

    fn running_threshold(&self, current: &Tensor, momentum: f32, running: &mut Tensor) {
        let _time = self.profiler.time("running_threshold");
        elementwise::running_threshold(current, momentum, running)
    }

    fn keep_selected(&self, z: &Tensor, grad: &mut Tensor) {
        let _time = self.profiler.time("keep_selected");
        elementwise::keep_selected(z, grad)
    }

    fn scale_atoms(&self, v: &Tensor, multiplier: Option<&Tensor>, out: &mut Tensor) {
        let _time = self.profiler.time("scale_atoms");
        elementwise::scale_atoms(v, multiplier, out)
    }

    fn dictionary_backward(
        &self,
        dictionary: &Tensor,
        multiplier: Option<&Tensor>,
        grad: &mut Tensor,
        grad_multiplier: &mut Tensor,
    ) {
        let _time = self.profiler.time("dictionary_backward");
        dictionary::dictionary_backward(dictionary, multiplier, grad, grad_multiplier)
    }

    fn fill(&self, out: &mut Tensor, value: f32) {
        let _time = self.profiler.time("fill");
        elementwise::fill(out, value)
    }

    fn ln(&self, a: &Tensor, out: &mut Tensor) {
        let _time = self.profiler.time("ln");
        elementwise::ln(a, out)
    }

    fn direct_thresholds(&self, thresholds: &Tensor, bandwidth: f32, grad: &mut Tensor) {
        let _time = self.profiler.time("direct_thresholds");
        elementwise::direct_thresholds(thresholds, bandwidth, grad)
    }

    fn count_idle(
        &self,
        fired: &Tensor<u32>,
        rows: usize,
        seen: &mut Tensor<u32>,
        idle: &mut Tensor<u32>,
    ) {
        let _time = self.profiler.time("count_idle");
        counters::count_idle(fired, rows, seen, idle)
    }

    fn revive(&self, bias: &mut Tensor, idle: &Tensor<u32>, after: u32, amount: f32) {
        let _time = self.profiler.time("revive");
        revive::revive(bias, idle, after, amount)
    }
}
