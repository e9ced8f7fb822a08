//! The two leading eigenvectors of a covariance.

use crate::parallel::*;

/// Vectors iterated together: more than two, so that an axis converges as fast as its variance exceeds the ninth.
const BLOCK: usize = 8;
/// Iterations at most. What has not converged by then has neighbours of nearly the same variance.
const ITERATIONS: usize = 300;
/// How little the sum of the two variances moves, as a share, when it has converged.
const TOLERANCE: f64 = 1e-13;

/// A variance and its direction.
pub(super) type Axis = (f64, Vec<f64>);

/// The two largest eigenvalues of the symmetric `c` [d, d], with eigenvectors of length 1 whose largest element is
/// positive; zero vectors where there is none. By subspace iteration from a fixed start.
pub(super) fn leading(c: &[f64], d: usize) -> [Axis; 2] {
    let mut basis: Vec<Vec<f64>> = (0..BLOCK.min(d)).map(|i| start(i, d)).collect();
    orthonormalize(&mut basis);
    let mut variances = Vec::new();
    let mut before = f64::NAN;
    for _ in 0..ITERATIONS {
        let images = times(c, &basis);
        (variances, basis) = ritz(&basis, &images);
        let now: f64 = variances.iter().take(2).sum();
        if (now - before).abs() <= TOLERANCE * now.abs() {
            break;
        }
        before = now;
        basis = times(c, &basis);
        orthonormalize(&mut basis);
    }
    std::array::from_fn(|i| match (variances.get(i), basis.get(i)) {
        (Some(&variance), Some(axis)) if variance > 0.0 => (variance, with_sign(axis)),
        _ => (0.0, vec![0.0; d]),
    })
}

/// Numbers without a pattern in (−0.5, 0.5), the same everywhere (splitmix64).
fn start(vector: usize, d: usize) -> Vec<f64> {
    let number = |i: usize| {
        let mut z = ((vector * d + i) as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    (0..d).map(number).collect()
}

/// C v for each v.
fn times(c: &[f64], vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let d = vectors[0].len();
    let rows: Vec<Vec<f64>> =
        c.par_chunks(d).map(|row| vectors.iter().map(|v| dot(row, v)).collect()).collect();
    (0..vectors.len()).map(|i| rows.iter().map(|row| row[i]).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Eight sums side by side, in an order that depends on the length only.
    let mut sums = [0.0; 8];
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a8.remainder().iter().zip(b8.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a8.zip(b8) {
        sums.iter_mut().zip(x).zip(y).for_each(|((sum, x), y)| *sum += x * y);
    }
    sums.iter().sum::<f64>() + rest
}

/// Gram and Schmidt, twice for rounding's sake. What depends on those before becomes zero.
fn orthonormalize(vectors: &mut [Vec<f64>]) {
    for i in 0..vectors.len() {
        let (done, rest) = vectors.split_at_mut(i);
        let v = &mut rest[0];
        let length = dot(v, v).sqrt();
        for _ in 0..2 {
            for other in &*done {
                let share = dot(v, other);
                v.iter_mut().zip(other).for_each(|(x, y)| *x -= share * y);
            }
        }
        let left = dot(v, v).sqrt();
        let scale = if left > 1e-12 * length { 1.0 / left } else { 0.0 };
        v.iter_mut().for_each(|x| *x *= scale);
    }
}

/// Eigenvalues, largest first, and eigenvectors of C on the space of the orthonormal `basis`, from its `images` C v
/// (Rayleigh and Ritz).
fn ritz(basis: &[Vec<f64>], images: &[Vec<f64>]) -> (Vec<f64>, Vec<Vec<f64>>) {
    let b = basis.len();
    let mut small = vec![vec![0.0; b]; b];
    for i in 0..b {
        for j in 0..b {
            small[i][j] = 0.5 * (dot(&basis[i], &images[j]) + dot(&basis[j], &images[i]));
        }
    }
    let rotation = jacobi(&mut small);
    let mut order: Vec<usize> = (0..b).collect();
    order.sort_by(|&i, &j| small[j][j].total_cmp(&small[i][i]).then(i.cmp(&j)));
    let turned = order.iter().map(|&column| {
        let mut out = vec![0.0; basis[0].len()];
        for (vector, row) in basis.iter().zip(&rotation) {
            out.iter_mut().zip(vector).for_each(|(sum, x)| *sum += row[column] * x);
        }
        out
    });
    (order.iter().map(|&i| small[i][i]).collect(), turned.collect())
}

/// Makes the small symmetric `a` diagonal by rotations of pairs, and returns them: the columns are its eigenvectors.
fn jacobi(a: &mut [Vec<f64>]) -> Vec<Vec<f64>> {
    let b = a.len();
    let mut v = vec![vec![0.0; b]; b];
    (0..b).for_each(|i| v[i][i] = 1.0);
    // Convergence is quadratic: eight by eight takes about six sweeps.
    for _ in 0..20 {
        for p in 0..b {
            for q in p + 1..b {
                if a[p][q] == 0.0 {
                    continue;
                }
                let theta = (a[q][q] - a[p][p]) / (2.0 * a[p][q]);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let cos = 1.0 / (t * t + 1.0).sqrt();
                let sin = t * cos;
                for row in a.iter_mut().chain(v.iter_mut()) {
                    let (x, y) = (row[p], row[q]);
                    (row[p], row[q]) = (cos * x - sin * y, sin * x + cos * y);
                }
                let (above, below) = a.split_at_mut(q);
                for (x, y) in above[p].iter_mut().zip(&mut below[0]) {
                    (*x, *y) = (cos * *x - sin * *y, sin * *x + cos * *y);
                }
            }
        }
    }
    v
}

/// Turned so that the element of the largest magnitude, the first of equals, is positive.
fn with_sign(axis: &[f64]) -> Vec<f64> {
    let largest = axis.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() { x } else { best });
    axis.iter().map(|x| x * largest.signum()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Σ λ u uᵀ over orthonormal u.
    fn matrix(values: &[f64], d: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
        let mut vectors: Vec<_> = (0..values.len()).map(|i| start(i + 50, d)).collect();
        orthonormalize(&mut vectors);
        let mut c = vec![0.0; d * d];
        for (value, u) in values.iter().zip(&vectors) {
            for i in 0..d {
                for j in 0..d {
                    c[i * d + j] += value * u[i] * u[j];
                }
            }
        }
        (c, vectors)
    }

    #[test]
    fn finds_the_leading_two() {
        for d in [2, 3, 8, 9, 40] {
            let values: Vec<f64> = (0..d).map(|i| 5.0 / (1.0 + i as f64).powi(2)).collect();
            let (c, vectors) = matrix(&values, d);
            for ((value, axis), (want, vector)) in
                leading(&c, d).iter().zip(values.iter().zip(&vectors))
            {
                assert!((value - want).abs() < 1e-10, "{d}: {value} {want}");
                assert!(dot(axis, vector).abs() > 1.0 - 1e-9, "{d}");
                assert!(axis.iter().fold(0.0_f64, |m, x| m.max(*x)) > 0.3 / (d as f64).sqrt());
            }
        }
    }

    #[test]
    fn one_dimension_nothing_and_rank_one() {
        assert_eq!(leading(&[4.0], 1), [(4.0, vec![1.0]), (0.0, vec![0.0])]);
        let nothing = leading(&[0.0; 9], 3);
        assert_eq!(nothing, [(0.0, vec![0.0; 3]), (0.0, vec![0.0; 3])]);
        let (c, vectors) = matrix(&[2.0], 12);
        let [first, second] = leading(&c, 12);
        assert!((first.0 - 2.0).abs() < 1e-12 && dot(&first.1, &vectors[0]).abs() > 1.0 - 1e-12);
        assert!(second.0 < 1e-12, "{}", second.0);
    }
}
