//! The k-th largest of all pre-codes of a batch, digit by digit: the bits of positive floats ascend as they do.

use super::{
    scratch::Scratch,
    simd::{BLOCK, vectorize},
};
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

/// out = the k-th largest of relu(pre).
pub(super) fn kth_largest(pre: &Tensor, k: usize, out: &mut Tensor) {
    shapes::kth_largest(pre, k, out);
    if pre.is_empty() {
        return;
    }
    let pre = pre.cpu();
    let greatest = &*greatest(pre);
    // k groups hold a value of at least this, so that no smaller one is the k-th largest.
    let least = search(k, |digit| {
        let piece = piece(greatest.len(), 1);
        histogram(greatest.par_chunks(piece), |histogram, values| {
            digit.count(histogram, values, SMALLEST);
        })
    });
    let least = least.max(SMALLEST);
    out.cpu_mut()[0] = search(k, |digit| {
        let piece = piece(pre.len(), GROUP);
        let pieces = pre.par_chunks(piece).zip(greatest.par_chunks(piece / GROUP));
        histogram(pieces, |histogram, (pre, greatest)| {
            for (group, &greatest) in pre.chunks(GROUP).zip(greatest) {
                if greatest >= least {
                    digit.count(histogram, group, least);
                }
            }
        })
    });
}

/// relu of the largest value of each group, NaN left out.
fn greatest(pre: &[f32]) -> Scratch<f32> {
    let mut greatest = Scratch::new(pre.len().div_ceil(GROUP));
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
fn search(mut rank: usize, count: impl Fn(Digit) -> Scratch<usize>) -> f32 {
    let mut prefix = 0;
    for (shift, bits) in [(20, 11), (10, 10), (0, 10)] {
        let digit = find(&count(Digit { shift, bits, prefix }), &mut rank);
        prefix = prefix << bits | digit as u32;
    }
    f32::from_bits(prefix)
}

/// How many of `len` values a task takes, whole groups of `group`: few tasks, each of which has a histogram.
fn piece(len: usize, group: usize) -> usize {
    len.div_ceil(4 * current_num_threads()).max(16 * BLOCK).next_multiple_of(group)
}

/// How often each value of a digit follows its prefix: the sum of what `count` adds for each piece. Whole numbers, so
/// that it does not depend on how the work is split.
fn histogram<T>(
    pieces: impl IndexedParallelIterator<Item = T>,
    count: impl Fn(&mut [usize], T) + Sync + Send,
) -> Scratch<usize> {
    let mut of_pieces = Scratch::filled(count_of(&pieces).max(1) * BINS, 0_usize);
    let places = of_pieces.par_chunks_mut(BINS);
    pieces.zip(places).for_each(|(piece, histogram)| count(histogram, piece));
    let (sum, others) = of_pieces.split_at_mut(BINS);
    for other in others.chunks(BINS) {
        sum.iter_mut().zip(other).for_each(|(sum, count)| *sum += count);
    }
    of_pieces
}

/// The digit of the `rank`-th largest, whose rank among those with this digit is left in `rank`. Zeros are not in the
/// histogram: what is not found has the digit 0.
fn find(histogram: &[usize], rank: &mut usize) -> usize {
    for (digit, &count) in histogram[..BINS].iter().enumerate().skip(1).rev() {
        if *rank <= count {
            return digit;
        }
        *rank -= count;
    }
    0
}
