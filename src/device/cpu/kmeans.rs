//! Distances and centres for k-means.

use super::simd::{block_rows, least, squared_distance, vectorize};
use crate::device::{Tensor, shapes};
use crate::parallel::*;

/// The nearest centre of each row, the lowest on a tie, and its squared distance.
pub(super) fn nearest(
    products: &Tensor,
    x_sq: &Tensor,
    c_sq: &Tensor,
    assignment: &mut Tensor<u32>,
    distance: &mut Tensor,
) {
    let [rows, n] = products.shape();
    shapes::expect("squared norms of the rows", x_sq, [rows, 1]);
    shapes::expect("squared norms of the centres", c_sq, [n, 1]);
    shapes::expect("assignment", assignment, [rows, 1]);
    shapes::expect("distance", distance, [rows, 1]);
    if n == 0 {
        return;
    }
    let c_sq = c_sq.cpu();
    let rows = products.cpu().par_chunks(n).zip(x_sq.cpu());
    let out = assignment.cpu_mut().par_iter_mut().zip(distance.cpu_mut());
    rows.zip(out).with_min_len(block_rows(n)).for_each(
        |((products, &x_sq), (centre, distance))| {
            let score = |product: f32, c_sq: f32| c_sq - 2.0 * product;
            let best = vectorize!(least(products, c_sq, score));
            let mut scores =
                products.iter().zip(c_sq).map(|(&product, &c_sq)| score(product, c_sq));
            *centre = scores.position(|score| score == best).unwrap_or(0) as u32;
            *distance = (x_sq + best).max(0.0);
        },
    );
}

/// out[i, l] = min(distance[i], ‖x_i − candidate_l‖²).
pub(super) fn closer(x: &Tensor, candidates: &Tensor, distance: &Tensor, out: &mut Tensor) {
    let [rows, n] = x.shape();
    let count = candidates.rows();
    shapes::expect("candidates", candidates, [count, n]);
    shapes::expect("distance", distance, [rows, 1]);
    shapes::expect("distances with each candidate", out, [rows, count]);
    if count == 0 {
        return;
    }
    let (x, candidates) = (x.cpu(), candidates.cpu());
    let rows = out.cpu_mut().par_chunks_mut(count).zip(distance.cpu()).enumerate();
    rows.with_min_len(block_rows(n * count)).for_each(|(row, (out, &distance))| {
        let x = &x[row * n..][..n];
        vectorize!(for (l, out) in out.iter_mut().enumerate() {
            *out = distance.min(squared_distance(x, &candidates[l * n..][..n]));
        });
    });
}

/// Row j of `centres` = row j of `sums` / `counts[j]`; rows with a count of 0 stay.
pub(super) fn mean_rows(sums: &Tensor, counts: &Tensor<u32>, centres: &mut Tensor) {
    shapes::expect("sums", sums, centres.shape());
    shapes::expect("counts", counts, [centres.rows(), 1]);
    let n = centres.cols();
    if n == 0 {
        return;
    }
    let rows = centres.cpu_mut().par_chunks_mut(n).zip(sums.cpu().par_chunks(n)).zip(counts.cpu());
    rows.with_min_len(block_rows(n)).for_each(|((centre, sum), &count)| {
        if count > 0 {
            centre.iter_mut().zip(sum).for_each(|(centre, &sum)| *centre = sum / count as f32);
        }
    });
}
