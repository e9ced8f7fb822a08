//! Loops that the compiler turns into the widest vectors of the machine at hand.
//!
//! Sums run in a fixed number of lanes that are added as a tree, and products are rounded before they are added (no
//! fused multiply-add), so the bits do not depend on the vector width: AVX-512, AVX2, NEON and plain scalars agree.

use std::{cell::RefCell, ops::Add};

/// Independent sums in a reduction: enough to hide the latency of an addition on the widest vectors.
const LANES: usize = 32;

/// Evaluates an expression compiled for the best instruction set of this machine. What it calls must be inlined.
macro_rules! vectorize {
    ($body:expr) => {
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || $body,
        )
    };
}
pub(super) use vectorize;

/// Elements that one task works on: three operands of this size stay in the second-level cache.
pub(super) const BLOCK: usize = 8192;

/// Rows of `cols` elements that make about one [`BLOCK`].
pub(super) fn block_rows(cols: usize) -> usize {
    (BLOCK / cols.max(1)).max(1)
}

/// A buffer of this thread, kept from call to call, its contents unspecified. Not to be nested.
pub(super) fn with_scratch<R>(len: usize, op: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local!(static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) });
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.resize(len, 0.0);
        }
        op(&mut scratch[..len])
    })
}

/// The sum of the lanes, halving them again and again.
#[inline(always)]
fn tree<T: Copy + Add<Output = T>>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = lanes[i] + lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// `rest` with zeros after it.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut block = [0.0; LANES];
    block[..rest.len()].copy_from_slice(rest);
    block
}

/// Σ f(a, b) in the type that f returns; f(0, 0) must be 0.
#[inline(always)]
pub(super) fn sum_pairs<T>(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> T) -> T
where
    T: Copy + Default + Add<Output = T>,
{
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [T::default(); LANES];
    for (a, b) in a.iter().zip(b) {
        add_lanes(&mut lanes, a, b, &f);
    }
    add_lanes(&mut lanes, &padded(a_rest), &padded(b_rest), &f);
    tree(lanes)
}

#[inline(always)]
fn add_lanes<T>(
    lanes: &mut [T; LANES],
    a: &[f32; LANES],
    b: &[f32; LANES],
    f: &impl Fn(f32, f32) -> T,
) where
    T: Copy + Add<Output = T>,
{
    for i in 0..LANES {
        lanes[i] = lanes[i] + f(a[i], b[i]);
    }
}

/// Σ a·b in float32.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum_pairs(a, b, |x, y| x * y)
}

/// Σ a in float64.
#[inline(always)]
pub(super) fn sum(a: &[f32]) -> f64 {
    sum_pairs(a, a, |x, _| f64::from(x))
}

/// Σ a² in float64.
#[inline(always)]
pub(super) fn sumsq(a: &[f32]) -> f64 {
    sum_pairs(a, a, |x, _| f64::from(x) * f64::from(x))
}

/// Σ (a − b)² in float64.
#[inline(always)]
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    sum_pairs(a, b, |x, y| f64::from(x - y) * f64::from(x - y))
}

/// The smallest f(element), +∞ without elements or if all are NaN.
#[inline(always)]
pub(super) fn least(len: usize, f: impl Fn(usize) -> f32) -> f32 {
    let mut lanes = [f32::INFINITY; LANES];
    let whole = len - len % LANES;
    for start in (0..whole).step_by(LANES) {
        for (i, lane) in lanes.iter_mut().enumerate() {
            let value = f(start + i);
            *lane = if value < *lane { value } else { *lane };
        }
    }
    let main = lanes.into_iter().fold(f32::INFINITY, f32::min);
    (whole..len).map(f).fold(main, f32::min)
}

/// out += Σᵢ vᵢ·rowᵢ over `count` terms, in that order for every element. Four rows are read at once, so that `out`
/// is written a quarter as often and the memory has four streams to fetch.
#[inline(always)]
pub(super) fn add_rows<'a>(
    out: &mut [f32],
    count: usize,
    term: impl Fn(usize) -> (f32, &'a [f32]),
) {
    let n = out.len();
    let mut i = 0;
    while i + 4 <= count {
        let [(v0, r0), (v1, r1), (v2, r2), (v3, r3)] = [0, 1, 2, 3].map(|j| term(i + j));
        let (r0, r1, r2, r3) = (&r0[..n], &r1[..n], &r2[..n], &r3[..n]);
        for c in 0..n {
            out[c] = (((out[c] + v0 * r0[c]) + v1 * r1[c]) + v2 * r2[c]) + v3 * r3[c];
        }
        i += 4;
    }
    while i < count {
        let (v, row) = term(i);
        for (out, &x) in out.iter_mut().zip(row) {
            *out += v * x;
        }
        i += 1;
    }
}
