//! The operations, each with its shapes: all that the model, the training and the metrics ask of a device.
//!
//! B batch rows, d input dimensions, K concepts (atoms), N points, n any width. Every operation overwrites its
//! output unless it says *accumulate*; it is deterministic: no float atomics, and a reduction order that depends on
//! the shapes only. Operations are recorded on a GPU and run at [`Device::submit`](super::Device::submit) or at the
//! next read; on the CPU they run at once. An empty operand (no rows) is allowed and does nothing.
//!
//! Shapes are the caller's duty: a wrong one is a bug of the crate and panics, before anything is recorded.

use super::{ByAtom, Codes, Tensor};
use crate::sae::Kernel;

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
}

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
}

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
    /// How many columns there are.
    pub const WIDTH: usize = 4;
}

/// Codes below this count as not active in every counter, as in the reference.
pub const ACTIVE_FROM: f32 = 1e-6;

/// The operations of a device.
pub trait Backend {
    // ---- products ----

    /// C [m, n] (+)= op(A) [m, k] · op(B) [k, n] (+ bias). At least one operand is stored untransposed (NN, NT, TN).
    fn gemm(&self, a: &Tensor, b: &Tensor, c: &mut Tensor, spec: Gemm<'_>);

    /// out [B, n] (+)= Z M: row b is Σ over its entries of `values[b,i] · m[indices[b,i]]`. M is [K, n].
    fn spmm(&self, codes: &Codes, m: &Tensor, out: &mut Tensor, accumulate: bool);

    /// out [B, width] (+)= the products `m[indices[b,i]] · a[b]` at the entries only. M is [K, n], A [B, n].
    fn sddmm(&self, codes: &Codes, m: &Tensor, a: &Tensor, out: &mut Tensor, accumulate: bool);

    /// out [K, n] = `grad`, stored: for who wants to see it or to multiply it on.
    fn spmm_t(&self, grad: Grad<'_>, out: &mut Tensor);

    // ---- selection ----

    /// Of relu(pre) [B, K] the k largest of each row; zeros are never taken, the lowest index wins a tie.
    /// `codes.width() == k`.
    fn top_k(&self, pre: &Tensor, codes: &mut Codes);

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
    /// G = 2 r / (B d): `h` [B, d] = eᵐ G, `grad_multiplier` [1, 1] = Σ G∘x̂, `log[row, SSE]` = Σ r².
    fn mse(
        &self,
        x: &Tensor,
        raw: &mut Tensor,
        multiplier: Option<&Tensor>,
        h: &mut Tensor,
        grad_multiplier: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    );

    /// out [n, 1] = the sum of each column of a [B, n].
    fn column_sums(&self, a: &Tensor, out: &mut Tensor);

    /// `out[0, slot]` = the sum of squares of a gradient with `rows` rows. `out` is [1, slots].
    fn sumsq(&self, grad: Grad<'_>, out: &mut Tensor, slot: usize);

    /// norm = √Σ sumsq; `scale` [1, 1] = min(1, max_norm / (norm + 1e-6)), or 1 without a limit;
    /// `log[row, GRAD_NORM]` = norm.
    fn clip_scale(
        &self,
        sumsq: &Tensor,
        max_norm: Option<f32>,
        scale: &mut Tensor,
        log: &mut Tensor,
        row: usize,
    );

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

    /// `distance[i]` = min(`distance[i]`, ‖x_i − centre‖²), with x [n, d], centre [1, d], distance [n, 1].
    fn closer(&self, x: &Tensor, centre: &Tensor, distance: &mut Tensor);

    /// Row j of centres [N, d] = row j of sums / `counts[j]`; rows with a count of 0 stay. counts [N, 1].
    fn mean_rows(&self, sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor);

    /// `out[i]` = max(`out[i]`, max_j a[i, j]), leaving out j = i + `skip` when given. a [m, n], out [m, 1].
    fn row_max(&self, a: &Tensor, skip: Option<i64>, out: &mut Tensor);
}
