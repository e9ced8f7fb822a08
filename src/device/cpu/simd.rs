//! Loops that the compiler turns into the widest vectors of the machine at hand.
//!
//! Sums run in a fixed number of lanes that are added as a tree, and products are rounded before they are added (no
//! fused multiply-add), so the bits do not depend on the vector width: AVX-512, AVX2, NEON and plain scalars agree.
//! (Dense products, which the crate `gemm` makes, may differ.)
//!
//! Hot loops are `for` loops: `for_each` and `fold` are functions of their own, which the compiler may leave out of the
//! code made for the wider vectors.

use std::{array::from_fn, ops::Add};

/// Independent sums in a reduction: enough to hide the latency of an addition on the widest vectors.
const LANES: usize = 32;
/// The same for one of several dot products that run side by side.
const DOT_LANES: usize = 16;

/// Consumed by a closure so that it can be called once only: then the call is the closure itself, which is inlined
/// where the instruction set is known. One that can be called again is called through a shim, which is not.
pub(super) struct Once;

/// Evaluates an expression compiled for the best instruction set of this machine. What it calls must be inlined.
macro_rules! vectorize {
    ($body:expr) => {{
        let once = $crate::device::cpu::simd::Once;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let $crate::device::cpu::simd::Once = { once };
                $body
            },
        )
    }};
}
pub(super) use vectorize;

/// Elements of a line of the cache.
pub(super) const LINE: usize = 16;

/// Asks for the line of the cache at an address, which need not be one of the program's, into the second level: the first has
/// no room for a row beside the one that is worked on.
#[inline(always)]
pub(super) fn prefetch(address: *const f32) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        // SAFETY: every x86-64 has SSE, and a prefetch of an address that is not mapped does nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Elements that one task works on: three operands of this size stay in the second-level cache.
pub(super) const BLOCK: usize = 4096;

/// Rows of `cols` elements that make about one [`BLOCK`].
pub(super) fn block_rows(cols: usize) -> usize {
    (BLOCK / cols.max(1)).max(1)
}

/// The sum of the lanes as a tree. Not inlined: seen together with the loop before it, the compiler arranges the lanes
/// for the tree's sake and that loop is six times slower.
#[inline(never)]
pub(super) fn tree<T: Copy + Add<Output = T>, const N: usize>(lanes: &[T; N]) -> T {
    let eight: [T; 8] =
        from_fn(|i| lanes[i + 8..].iter().step_by(8).fold(lanes[i], |sum, &lane| sum + lane));
    let four: [T; 4] = from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

/// `rest` with zeros after it.
#[inline(always)]
fn padded<const N: usize>(rest: &[f32]) -> [f32; N] {
    let mut block = [0.0; N];
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
    tree(&lanes)
}

#[inline(always)]
fn add_lanes<T: Copy + Add<Output = T>, const N: usize>(
    lanes: &mut [T; N],
    a: &[f32; N],
    b: &[f32; N],
    f: &impl Fn(f32, f32) -> T,
) {
    for i in 0..N {
        lanes[i] = lanes[i] + f(a[i], b[i]);
    }
}

/// Σ row·a in float32, of several rows at once: the memory then has as many streams to fetch.
#[inline(always)]
pub(super) fn dots<const M: usize>(rows: [&[f32]; M], a: &[f32]) -> [f32; M] {
    let (whole, rest) = a.as_chunks::<DOT_LANES>();
    let mut lanes = [[0.0; DOT_LANES]; M];
    for (i, a) in whole.iter().enumerate() {
        for (lanes, row) in lanes.iter_mut().zip(rows) {
            add_lanes(lanes, &row.as_chunks().0[i], a, &|x, y| x * y);
        }
    }
    for (lanes, row) in lanes.iter_mut().zip(rows) {
        let row = padded::<DOT_LANES>(&row[a.len() - rest.len()..a.len()]);
        add_lanes(lanes, &row, &padded(rest), &|x, y| x * y);
    }
    lanes.map(|lanes| tree(&lanes))
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

/// Σ (a − b)².
#[inline(always)]
pub(super) fn squared_distance(a: &[f32], b: &[f32]) -> f32 {
    sum_pairs(a, b, |x, y| (x - y) * (x - y))
}

/// Whether any is true. Without an early end, which makes it a few vector comparisons.
#[inline(always)]
pub(super) fn any(hits: impl Iterator<Item = bool>) -> bool {
    let mut any = false;
    for hit in hits {
        any |= hit;
    }
    any
}

/// The smallest f(a, b), +∞ without elements or if all are NaN.
#[inline(always)]
pub(super) fn least(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [f32::INFINITY; LANES];
    for (a, b) in a.iter().zip(b) {
        for i in 0..LANES {
            let value = f(a[i], b[i]);
            lanes[i] = if value < lanes[i] { value } else { lanes[i] };
        }
    }
    let rest = a_rest.iter().zip(b_rest).map(|(&a, &b)| f(a, b));
    rest.fold(least_lane(&lanes), f32::min)
}

/// Not inlined for the reason that `tree` is not.
#[inline(never)]
fn least_lane(lanes: &[f32; LANES]) -> f32 {
    lanes.iter().copied().fold(f32::INFINITY, f32::min)
}

/// out (+)= Σᵢ vᵢ·rowᵢ over `count` terms, in that order for every element. Four rows are read at once, so that `out`
/// is written a quarter as often and the memory has four streams to fetch.
#[inline(always)]
pub(super) fn sum_rows<'a>(
    out: &mut [f32],
    accumulate: bool,
    count: usize,
    term: impl Fn(usize) -> (f32, &'a [f32]),
) {
    if count == 0 && !accumulate {
        out.fill(0.0);
    }
    for first in (0..count).step_by(4) {
        let fresh = first == 0 && !accumulate;
        let term = |i: usize| term(first + i);
        match count - first {
            1 => add_terms(out, fresh, [term(0)]),
            2 => add_terms(out, fresh, [term(0), term(1)]),
            3 => add_terms(out, fresh, [term(0), term(1), term(2)]),
            _ => add_terms(out, fresh, [term(0), term(1), term(2), term(3)]),
        }
    }
}

/// Adds a few terms to `out`, or puts them there if it is fresh.
#[inline(always)]
fn add_terms<const M: usize>(out: &mut [f32], fresh: bool, terms: [(f32, &[f32]); M]) {
    let n = out.len();
    let terms = terms.map(|(v, row)| (v, &row[..n]));
    if fresh {
        for (i, out) in out.iter_mut().enumerate() {
            *out = 0.0;
            for (v, row) in terms {
                *out += v * row[i];
            }
        }
    } else {
        for (i, out) in out.iter_mut().enumerate() {
            for (v, row) in terms {
                *out += v * row[i];
            }
        }
    }
}
