//! The operations, each with its shapes: all that the model, the training and the metrics ask of a device.
//!
//! B batch rows, d input dimensions, K concepts (atoms), N points, n any width. Every operation overwrites its
//! output unless it says *accumulate*; it is deterministic: no float atomics, and a reduction order that depends on
//! the shapes only. Operations are recorded on a GPU and run at [`Device::submit`](super::Device::submit) or at the
//! next read; on the CPU they run at once. An empty operand (no rows) is allowed and does nothing.
//!
//! Shapes are the caller's duty: a wrong one is a bug of the crate and panics, before anything is recorded.

use super::{ByAtom, Codes, Halves, Tensor, TopKRoom};
use crate::{expression::Expression, sae::Kernel};

/// What [`Backend::gemm`] computes: C (+)= op(A)·op(B) (+ bias).
#[derive(Clone, Copy, Debug, Default)]
pub struct Gemm<'a> {
    /// A is stored [k, m] rather than [m, k].
    pub transpose_a: bool,
    /// B is stored [n, k] rather than [k, n].
    pub transpose_b: bool,
    /// Add to C instead of overwriting it.
    pub accumulate: bool,
    /// A row [n, 1] (or [1, n]) added to every row of C.
    pub bias: Option<&'a Tensor>,
}

/// Where the gradient of a parameter with K rows comes from.
#[derive(Clone, Copy, Debug)]
pub enum Grad<'a> {
    /// The gradient itself, of the parameter's shape.
    Dense(&'a Tensor),
    /// Row j is Σ over the entries e of atom j of `values[e] · source[row(e)]`, summed in the order of the
    /// entries: never stored, made where it is used.
    Rows {
        /// Which entries belong to which atom.
        by_atom: &'a ByAtom,
        /// A value for each entry, [B, width].
        values: &'a Tensor,
        /// What is summed, [B, n].
        source: &'a Tensor,
    },
}

/// What holds a parameter in its set after every update; applied to each row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    /// Unconstrained.
    None,
    /// relu, then divide by (the sum + 1e-8): rows of the mixing weights W.
    Simplex,
    /// Scale by min(1, δ / ‖row‖₂), a zero row staying zero: rows of the relaxation R.
    Ball(f32),
    /// Divide by (‖row‖₂ + 1e-8).
    UnitL2,
    /// Divide by (‖row‖₁ + 1e-8).
    UnitL1,
    /// Divide all rows by the largest ‖row‖₂, unless it is zero.
    MaxL2,
    /// Divide all rows by the largest ‖row‖₁, unless it is zero.
    MaxL1,
    /// Raise every element to at least this value: thresholds that are trained directly.
    AtLeast(f32),
}

impl Projection {
    /// Whether it needs all rows at once, so that it cannot be the end of an update row by row.
    pub fn is_global(self) -> bool {
        matches!(self, Self::MaxL2 | Self::MaxL1)
    }
}

/// Values that a penalty looks at: a whole matrix, or the entries of sparse codes.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    /// [B, width].
    pub values: &'a Tensor,
    /// Entries in each row, [B, 1]; all places where there is none.
    pub counts: Option<&'a Tensor<u32>>,
}

/// A penalty on each row of the codes, z with K places of which those that are not listed are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowPenalty {
    /// (√K − ‖z‖₁/(‖z‖₂ + 1e-6))/(√K − 1); 0 for K = 1.
    Hoyer,
    /// Σz⁴/((Σz²)² + 1e-6).
    Kappa4,
}

/// ε of both norms, under the root.
pub const NORM_EPS: f32 = 1e-5;
/// Share of a batch's moments in the running ones.
pub const NORM_MOMENTUM: f32 = 0.1;

/// The numbers of one Adam step, PyTorch's: p −= lr/(1−β₁ᵗ) · m / (√v/√(1−β₂ᵗ) + ε).
///
/// 1 − β is given beside β: taken in float32, 1 − 0.999 would be off by 1.3e-5.
#[derive(Clone, Copy, Debug)]
pub struct AdamStep {
    /// 1 − β₁: m += (1 − β₁)(g − m).
    pub one_minus_beta1: f32,
    /// β₂: v = β₂ v + (1 − β₂) g².
    pub beta2: f32,
    /// 1 − β₂.
    pub one_minus_beta2: f32,
    /// ε, added to the denominator.
    pub eps: f32,
    /// lr / (1 − β₁ᵗ).
    pub step_size: f32,
    /// 1 / √(1 − β₂ᵗ).
    pub inv_sqrt_bias2: f32,
    /// 1 − lr · weight decay: what the parameter is multiplied by first (AdamW); 1 for none.
    pub decay: f32,
}

/// Share of the step size below which a first moment without gradients counts as zero.
pub const REST: f32 = 1e-9;

/// The columns of the step log that kernels write to, a row a step.
pub mod log {
    /// Σ r² over the batch.
    pub const SSE: usize = 0;
    /// Gradient norm before clipping.
    pub const GRAD_NORM: usize = 1;
    /// Codes with |z| ≥ 1e-6.
    pub const ACTIVE: usize = 2;
    /// Most entries in one row of the codes.
    pub const MOST: usize = 3;
    /// Norm of the thresholds' gradient before clipping, where they are clipped apart.
    pub const THRESHOLD_NORM: usize = 4;
    /// The first of [`MAX_TERMS`] columns for the values of the loss's terms.
    pub const TERMS: usize = 5;
    /// Terms that a loss can have beside the squared error.
    pub const MAX_TERMS: usize = 8;
    /// How many columns there are.
    pub const WIDTH: usize = TERMS + MAX_TERMS;

    /// A place in the log for one number.
    #[derive(Debug)]
    pub struct Cell<'a> {
        /// The log, [steps, WIDTH].
        pub log: &'a mut crate::Tensor,
        /// Its row.
        pub row: usize,
        /// Its column.
        pub column: usize,
    }

    impl Cell<'_> {
        /// Panics unless it lies in the log.
        #[track_caller]
        pub(crate) fn check(&self) {
            let shape = self.log.shape();
            let inside = self.row < shape[0] && self.column < WIDTH && shape[1] == WIDTH;
            assert!(inside, "cell {}, {} of the log {shape:?}", self.row, self.column);
        }

        /// The number itself, on the CPU.
        pub(crate) fn cpu_mut(&mut self) -> &mut f32 {
            self.check();
            &mut self.log.cpu_mut()[self.row * WIDTH + self.column]
        }
    }
}

/// Codes below this count as not active in every counter, as in the reference.
pub const ACTIVE_FROM: f32 = 1e-6;

/// The operations of a device.
pub trait Backend {
    // ---- products ----

    /// C [m, n] (+)= op(A) [m, k] · op(B) [k, n] (+ bias). At least one operand is stored untransposed (NN, NT, TN).
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>);

    /// out = a, each value rounded to the nearest float16, to the even one on a tie, and no number to more than ±65504.
    fn narrow(&self, a: &Tensor, out: &mut Halves);

    /// C [m, n] = A [m, k] · B [n, k]ᵀ (+ bias, as in [`Gemm`]) of halves, summed in float32.
    fn gemm_halves(&self, a: &Halves, b: &Halves, bias: Option<&Tensor>, c: &mut Tensor);

    /// out [B, n] (+)= Z M: row b is Σ over its entries of `values[b,i] · m[indices[b,i]]`. M is [K, n].
    fn spmm(&self, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool);

    /// out [B, width] (+)= the products `m[indices[b,i]] · a[b]` at the entries only. M is [K, n], A [B, n].
    fn sddmm(&self, codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool);

    /// [`Backend::sddmm`], and the [`Backend::sumsq`] of the gradient of M with the values of the codes and the rows of A,
    /// which read the same rows.
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
        self.sddmm(codes, m, a, out, accumulate);
        self.sumsq(Grad::Rows { by_atom, values: &codes.values, source: a }, sumsq, slot);
    }

    /// out [K, n] = `grad`, stored: for who wants to see it or to multiply it on.
    fn spmm_t(&self, grad: Grad<'_>, out: &mut Tensor);

    // ---- selection ----

    /// Of relu(pre) [B, K] the k largest of each row; zeros are never taken, the lowest index wins a tie.
    /// `codes.width() == k`.
    fn top_k(&self, pre: &Tensor, codes: &mut Codes);

    /// As [`Backend::top_k`] of X Eᵀ + b, which is not kept: X [B, d], E [K, d], b [K, 1]. The room is made for the
    /// codes' width and concepts.
    fn linear_top_k(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    );

    /// As [`Backend::linear_top_k`], of halves: the product of [`Backend::gemm_halves`].
    fn linear_top_k_halves(
        &self,
        x: &Halves,
        weight: &Halves,
        bias: Option<&Tensor>,
        room: &mut TopKRoom,
        codes: &mut Codes,
    );

    /// Dense jump: z [B, K] = a where a = relu(pre) ≥ e^t, else 0. `thresholds` holds t, [K, 1].
    fn jump(&self, pre: &Tensor, thresholds: &Tensor, z: &mut Tensor);

    /// Sparse jump: entries where a ≥ e^t (value a), and those with |a − e^t| ≤ `reach` (value 0).
    /// `codes.width()` must be K, so that no row overflows.
    fn jump_sparse(&self, pre: &Tensor, thresholds: &Tensor, reach: f32, codes: &mut Codes);

    /// From g = ∂loss/∂z [B, K] in `grad`: `grad` becomes ∂loss/∂pre (g where a ≥ θ, else 0) and
    /// `grad_thresholds` [K, 1] becomes θ · Σ_b −(θ/bw)·κ(a − θ)·g, with θ = e^t.
    fn jump_backward(
        &self,
        pre: &Tensor,
        thresholds: &Tensor,
        kernel: Kernel,
        bandwidth: f32,
        grad: &mut Tensor,
        grad_thresholds: &mut Tensor,
    );

    /// As [`Backend::jump_backward`], over the entries of `codes` only; `grad` is [B, width].
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
    );

    /// Orders the entries of `codes` by atom.
    fn by_atom(&self, codes: &Codes, out: &mut ByAtom);

    /// dense [B, K] = the codes, zero elsewhere.
    fn scatter(&self, codes: &Codes, dense: &mut Tensor);

    // ---- loss and gradients ----

    /// `raw` [B, d] holds (U C + Z R); it becomes x̂ = eᵐ · raw (m = 0 without a multiplier). With r = x̂ − x and
    /// G = weight · 2 r / (B d): `h` [B, d] = eᵐ G, `grad_multiplier` [1, 1] = Σ G∘x̂, `log[row, SSE]` = Σ r².
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
    );

    /// out [n, 1] = the sum of each column of a [B, n].
    fn column_sums(&self, a: &Tensor, out: &mut Tensor);

    /// `out[0, slot]` = the sum of squares of a gradient with `rows` rows. `out` is [1, slots].
    fn sumsq(&self, grad: Grad<'_>, out: &mut Tensor, slot: usize);

    /// norm = √Σ sumsq; `scale` [1, 1] = min(1, max_norm / (norm + 1e-6)), or 1 without a limit; `cell` = norm.
    fn clip_scale(
        &self,
        sumsq: &Tensor,
        max_norm: Option<f32>,
        scale: &mut Tensor,
        cell: log::Cell<'_>,
    );

    // ---- terms of a loss: each adds to the gradients that it is given, and writes its value to `cell`, 0
    // without rows ----

    /// cell = factor · Σ f(v) over the entries; grad [B, width] += factor · f′(v) at the entries, the other places as
    /// they were.
    fn pointwise(
        &self,
        f: &Expression,
        factor: f32,
        at: Entries<'_>,
        grad: &mut Tensor,
        cell: log::Cell<'_>,
    );

    /// cell = factor · Σ over rows of the penalty, of codes with `concepts` places; grad [B, width] += its gradient at
    /// the entries. The derivative of |z| at 0 is taken as 0, that of ‖z‖₂ likewise.
    fn row_penalty(
        &self,
        penalty: RowPenalty,
        factor: f32,
        concepts: usize,
        at: Entries<'_>,
        grad: &mut Tensor,
        cell: log::Cell<'_>,
    );

    /// With dead_j = 1 where Σ_b z_bj = 0: cell = −factor · Σ pre∘dead / (Σ dead + 1e-6), and grad_pre [B, K] += its
    /// gradient. pre, z [B, K].
    fn reanimate(
        &self,
        pre: &Tensor,
        z: &Tensor,
        factor: f32,
        grad_pre: &mut Tensor,
        cell: log::Cell<'_>,
    );

    /// out [B, K] = relu(pre) − z; with `idle` [K, 1] and a limit, 0 for concepts whose `idle` is below the limit.
    fn remainder(
        &self,
        pre: &Tensor,
        z: &Tensor,
        idle: Option<(&Tensor<u32>, u32)>,
        out: &mut Tensor,
    );

    /// How well `e_hat` [B, d] tells the residual: with q = (x − x_hat) − e_hat and c = factor · `scale[0]` (1 without a
    /// scale), cell = c · mean(q²); e_hat becomes ∂/∂e_hat = −2 c q / (B d), and grad_x_hat [B, d], where given,
    /// += the same.
    fn residual_error(
        &self,
        x: &Tensor,
        x_hat: &Tensor,
        factor: f32,
        scale: Option<&Tensor>,
        e_hat: &mut Tensor,
        grad_x_hat: Option<&mut Tensor>,
        cell: log::Cell<'_>,
    );

    /// out [1, 1] = min(dead / at_most, 1), with dead the number of concepts whose `idle` [K, 1] is at least `limit`.
    fn dead_share(&self, idle: &Tensor<u32>, limit: u32, at_most: usize, out: &mut Tensor);

    /// `dense[b, indices[b, i]]` += factor · `values[b, i]` at the entries of `codes`; values [B, width], dense [B, K].
    fn scatter_add(&self, codes: &Codes, values: &Tensor, factor: f32, dense: &mut Tensor);

    /// A penalty on the mean number of active codes: with L0 = `log[row, ACTIVE]` / B (counted already),
    /// cell = factor · (L0/target − 1)², and grad_thresholds [K, 1] += its gradient on t, for which the derivative of
    /// a row's step at θ = e^t is −κ(a − θ): factor · 2 (L0/target − 1)/target · θ · Σ_b −κ(a − θ) / B.
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
    );

    // ---- layers of an encoder ----

    /// out = max(x, 0).
    fn relu(&self, x: &Tensor, out: &mut Tensor);

    /// grad = 0 where out ≤ 0.
    fn relu_backward(&self, out: &Tensor, grad: &mut Tensor);

    /// Over each row of x [B, n]: inv_std [B, 1] = 1/√(variance + [`NORM_EPS`]) with the biased variance,
    /// normed = (x − mean) · inv_std, out = normed ∘ weight + bias. weight, bias [n, 1].
    fn layer_norm(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        normed: &mut Tensor,
        inv_std: &mut Tensor,
        out: &mut Tensor,
    );

    /// grad [B, n] = ∂loss/∂out becomes ∂loss/∂x: with g = grad ∘ weight, inv_std · (g − mean(g) − normed · mean(g ∘
    /// normed)), the means over each row.
    fn layer_norm_backward(
        &self,
        normed: &Tensor,
        inv_std: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    );

    /// mean [n, 1] and the biased variance [n, 1] of each column of x [B, n].
    fn column_moments(&self, x: &Tensor, mean: &mut Tensor, variance: &mut Tensor);

    /// normed = (x − mean) / √(variance + [`NORM_EPS`]), out = normed ∘ weight + bias; all but x, normed and out
    /// [B, n] are [n, 1].
    fn batch_norm(
        &self,
        x: &Tensor,
        mean: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        normed: &mut Tensor,
        out: &mut Tensor,
    );

    /// grad [B, n] = ∂loss/∂out becomes ∂loss/∂x, the moments being those of x: with g = grad ∘ weight,
    /// (g − mean(g) − normed · mean(g ∘ normed)) / √(variance + [`NORM_EPS`]), the means over each column.
    fn batch_norm_backward(
        &self,
        normed: &Tensor,
        variance: &Tensor,
        weight: &Tensor,
        grad: &mut Tensor,
    );

    /// running += [`NORM_MOMENTUM`] · (moment − running), the variance of a batch of `rows` rows made unbiased
    /// (· rows/(rows − 1)) beforehand; all [n, 1]. `rows` ≥ 2.
    fn running_moments(
        &self,
        mean: &Tensor,
        variance: &Tensor,
        rows: usize,
        running_mean: &mut Tensor,
        running_variance: &mut Tensor,
    );

    /// out [n, 1] = Σ over rows of a ∘ b, with a, b [B, n].
    fn column_dots(&self, a: &Tensor, b: &Tensor, out: &mut Tensor);

    // ---- other selections and dictionaries ----

    /// As [`Backend::top_k`], of pre itself: negative values and zeros may be taken.
    fn top_k_signed(&self, pre: &Tensor, codes: &mut Codes);

    /// out [1, 1] = the k-th largest element of relu(pre) [B, K]; 0 if fewer are positive. 1 ≤ k ≤ B·K. Exact.
    fn kth_largest(&self, pre: &Tensor, k: usize, out: &mut Tensor);

    /// z [B, K] = a where a = relu(pre) ≥ `threshold[0]`, else 0.
    fn above(&self, pre: &Tensor, threshold: &Tensor, z: &mut Tensor);

    /// running [1, 1] = momentum · running + (1 − momentum) · current; current where running is negative, which
    /// says that there was none yet.
    fn running_threshold(&self, current: &Tensor, momentum: f32, running: &mut Tensor);

    /// grad = 0 where z = 0; both of one shape.
    fn keep_selected(&self, z: &Tensor, grad: &mut Tensor);

    /// out [K, d] = v · eᵐ (m = 0 without a multiplier).
    fn scale_atoms(&self, v: &Tensor, multiplier: Option<&Tensor>, out: &mut Tensor);

    /// From grad = ∂loss/∂D [K, d], with D = eᵐ · atoms: grad_multiplier [1, 1] = Σ grad ∘ D, and grad becomes
    /// ∂loss/∂atoms = eᵐ · grad.
    fn dictionary_backward(
        &self,
        dictionary: &Tensor,
        multiplier: Option<&Tensor>,
        grad: &mut Tensor,
        grad_multiplier: &mut Tensor,
    );

    /// Every element of out = value.
    fn fill(&self, out: &mut Tensor, value: f32);

    /// out = a, of one shape.
    fn copy(&self, a: &Tensor, out: &mut Tensor) {
        self.scale_atoms(a, None, out);
    }

    /// a += b, of one shape.
    fn add(&self, a: &mut Tensor, b: &Tensor) {
        self.add_relaxation(a, b, None);
    }

    /// out = ln(a), of one shape.
    fn ln(&self, a: &Tensor, out: &mut Tensor);

    /// For thresholds θ [K, 1] that are trained directly, with t = ln θ: grad = ∂loss/∂t of [`Backend::jump_backward`]
    /// becomes −θ · Σ_b κ(a − θ) · g = grad · bandwidth / θ.
    fn direct_thresholds(&self, thresholds: &Tensor, bandwidth: f32, grad: &mut Tensor);

    // ---- parameters ----

    /// One Adam step with the gradient times `scale[0]`, then the projection of each row.
    fn adam(
        &self,
        param: &mut Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
        grad: Grad<'_>,
        scale: &Tensor,
        step: AdamStep,
        projection: Projection,
    );

    /// Whether [`Backend::adam_active`] can take this gradient.
    fn can_rest(&self, grad: &Grad<'_>) -> bool;

    /// As [`Backend::adam`] for a gradient made of entries, but rows without any stay as they are, their moments too:
    /// they rest until [`Backend::catch_up`].
    fn adam_active(
        &self,
        param: &mut Tensor,
        first: &mut Tensor,
        second: &mut Tensor,
        grad: Grad<'_>,
        scale: &Tensor,
        step: AdamStep,
        projection: Projection,
    );

    /// Takes the steps that rows have missed, each as [`Backend::adam`] does with a gradient of zero: of the rows that
    /// have entries in `firing`, or of all. A first moment that would move its value by less than [`REST`] of the step
    /// size is at rest, 0.
    ///
    /// `steps` [n, 3] (step size, 1/√(1 − β₂ᵗ), decay; n ≥ now) holds the `now` steps so far but the last, which is
    /// `numbers` and is put down there; β and ε are the same for all. `done` [K, 1] holds how many of them each row has
    /// taken, and becomes `now`, or `now` + 1 for rows that fire, as these take the next one with a gradient of their
    /// own.
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
    );

    /// The projection alone.
    fn project(&self, param: &mut Tensor, projection: Projection);

    /// wc [K, d] = (wc + r) · eᵐ (m = 0 without a multiplier): the end of building D = (W C + R) eᵐ.
    fn add_relaxation(&self, wc: &mut Tensor, r: &Tensor, multiplier: Option<&Tensor>);

    // ---- counters ----

    /// `fired[j]` += rows with |z| ≥ 1e-6 at concept j; `log[row, ACTIVE]` = their sum over all concepts,
    /// `log[row, MOST]` = the most entries in one row. `fired` is [K, 1].
    fn count_active(
        &self,
        codes: &Codes,
        by_atom: &ByAtom,
        fired: &mut Tensor<u32>,
        log: &mut Tensor,
        row: usize,
    );

    /// As [`Backend::count_active`] for dense codes [B, K]; MOST then counts active codes.
    fn count_active_dense(&self, z: &Tensor, fired: &mut Tensor<u32>, log: &mut Tensor, row: usize);

    /// `idle[j]` = 0 where `fired[j]` is not `seen[j]`, else `idle[j]` + rows (at most u32::MAX); then seen = fired. All
    /// [K, 1]: for how many rows each concept has not fired.
    fn count_idle(
        &self,
        fired: &Tensor<u32>,
        rows: usize,
        seen: &mut Tensor<u32>,
        idle: &mut Tensor<u32>,
    );

    /// bias += amount where a concept has not fired for `after` rows or more; bias and idle [K, 1].
    fn revive(&self, bias: &mut Tensor, idle: &Tensor<u32>, after: u32, amount: f32);

    // ---- k-means and metrics ----

    /// out [n, 1] = ‖row‖² of a [n, d].
    fn row_sumsq(&self, a: &Tensor, out: &mut Tensor);

    /// The nearest centre of each row, from products [n, N] = X Cᵀ and squared norms x_sq [n, 1], c_sq [N, 1]:
    /// assignment [n, 1] = argmin_c (c_sq − 2·product), the lowest on a tie, and distance [n, 1] = the squared
    /// distance, at least 0.
    fn nearest(
        &self,
        products: &Tensor,
        x_sq: &Tensor,
        c_sq: &Tensor,
        assignment: &mut Tensor<u32>,
        distance: &mut Tensor,
    );

    /// `out[i, l]` = min(`distance[i]`, ‖x_i − candidate_l‖²), with x [n, d], candidates [L, d], distance [n, 1], out
    /// [n, L].
    fn closer(&self, x: &Tensor, candidates: &Tensor, distance: &Tensor, out: &mut Tensor);

    /// Row j of centres [N, d] = row j of sums / `counts[j]`; rows with a count of 0 stay. counts [N, 1].
    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor);

    /// `out[i]` = max(`out[i]`, max_j a[i, j]), leaving out j = i + `skip` when given. a [m, n], out [m, 1].
    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor);
}
