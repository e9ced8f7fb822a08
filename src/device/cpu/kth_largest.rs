//! The k-th largest of all pre-codes of a batch, digit by digit: the bits of positive floats ascend as they do.

use super::simd::{BLOCK, vectorize};
use crate::device::{Tensor, shapes};
use crate::parallel::*;

/// Pre-codes that are looked at together: most such groups hold nothing that is large enough.
const GROUP: usize = 32;
/// Values of the longest digit.
const BINS: usize = 1 << 11;

/// The smallest positive float.
const SMALLEST: f32 = f32::from_bits(1);

/// Where a digit stands, and the digits above it as one number.
struct Digit {
    shift: u32,
    bits: u32,
    prefix: u32,
}

impl Digit {
    /// Adds those of `values` that are at least `least`, which is positive, to a histogram of this digit.
    #[inline(always)]
    fn count(&self, histogram: &mut [usize], values: &[f32], least: f32) {
        for &value in values {
            let key = value.to_bits();
            if value >= least && key >> self.shift >> self.bits == self.prefix {
                histogram[(key >> self.shift) as usize % (1 << self.bits)] += 1;
            }
        }
    }
}

/// How often each value of a digit follows its prefix. Whole numbers: sums do not depend on how the work is split.
type Histogram = Vec<usize>;

/// out = the k-th largest of relu(pre).
pub(super) fn kth_largest(pre: &Tensor, k: usize, out: &mut Tensor) {
    shapes::kth_largest(pre, k, out);
    if pre.is_empty() {
        return;
    }
    let pre = pre.cpu();
    let greatest = greatest(pre);
    // k groups hold a value of at least this, so that no smaller one is the k-th largest.
    let least = search(k, |digit| {
        let blocks = greatest.par_chunks(BLOCK);
        histograms(blocks, |histogram, values| digit.count(histogram, values, SMALLEST))
    });
    let least = least.max(SMALLEST);
    out.cpu_mut()[0] = search(k, |digit| {
        let blocks = pre.par_chunks(BLOCK).zip(greatest.par_chunks(BLOCK / GROUP));
        histograms(blocks, |histogram, (pre, greatest)| {
            for (group, &greatest) in pre.chunks(GROUP).zip(greatest) {
                if greatest >= least {
                    digit.count(histogram, group, least);
                }
            }
        })
    });
}

/// relu of the largest value of each group, NaN left out.
fn greatest(pre: &[f32]) -> Vec<f32> {
    let mut greatest = vec![0.0; pre.len().div_ceil(GROUP)];
    let blocks = greatest.par_chunks_mut(BLOCK / GROUP).zip(pre.par_chunks(BLOCK));
    blocks.for_each(|(greatest, pre)| {
        vectorize!(for (greatest, group) in greatest.iter_mut().zip(pre.chunks(GROUP)) {
            *greatest = match group.as_array() {
                Some(group) => greatest_of(group),
                None => group.iter().fold(0.0, |most, &x| larger(x, most)),
            };
        });
    });
    greatest
}

/// As a tree, which is a few vector comparisons.
#[inline(always)]
fn greatest_of(group: &[f32; GROUP]) -> f32 {
    let mut lanes = group.map(|x| larger(x, 0.0));
    let mut half = GROUP / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] = larger(lanes[i], lanes[i + half]);
        }
        half /= 2;
    }
    lanes[0]
}

/// The larger one, `b` if `a` is NaN.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// The `rank`-th largest positive value, 0 if there are fewer, of values that `count` makes histograms of.
fn search(mut rank: usize, count: impl Fn(Digit) -> Histogram) -> f32 {
    let mut prefix = 0;
    for (shift, bits) in [(20, 11), (10, 10), (0, 10)] {
        let digit = find(&count(Digit { shift, bits, prefix }), &mut rank);
        prefix = prefix << bits | digit as u32;
    }
    f32::from_bits(prefix)
}

/// The sum of what `count` adds for each block.
fn histograms<T>(
    blocks: impl IndexedParallelIterator<Item = T>,
    count: impl Fn(&mut [usize], T) + Sync,
) -> Histogram {
    let count = |mut histogram: Histogram, block| {
        count(&mut histogram, block);
        histogram
    };
    let add = |mut sum: Histogram, other: Histogram| {
        sum.iter_mut().zip(other).for_each(|(sum, other)| *sum += other);
        sum
    };
    let empty = || vec![0; BINS];
    fold_and_add(blocks.with_min_len(16), empty, count, add)
}

/// The digit of the `rank`-th largest, whose rank among those with this digit is left in `rank`. Zeros are not in the
/// histogram: what is not found has the digit 0.
fn find(histogram: &Histogram, rank: &mut usize) -> usize {
    for (digit, &count) in histogram.iter().enumerate().skip(1).rev() {
        if *rank <= count {
            return digit;
        }
        *rank -= count;
    }
    0
}
