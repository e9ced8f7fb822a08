//! Eigenvalues and eigenvectors of a symmetric matrix: Householder's reduction to three diagonals, then implicit QL
//! (Golub and Van Loan, 8.3). All in float64; about 4/3 n³ operations without vectors, 7 n³ with them.

use crate::parallel::*;

/// Rotations kept before they are applied to the vectors.
const ROTATIONS: usize = 1 << 16;
/// Sweeps for one eigenvalue; three are usual.
const SWEEPS: usize = 64;

/// A rotation of columns `at` and `at + 1`.
#[derive(Clone, Copy)]
struct Rotation {
    at: usize,
    cos: f64,
    sin: f64,
}

/// A matrix reduced to three diagonals, T = Qᵀ A Q.
struct Reduced {
    diagonal: Vec<f64>,
    /// Element i stands between i and i + 1; the last is 0.
    beside: Vec<f64>,
    /// Row i holds, from i + 1 on, v of the reflection 1 − v vᵀ that cleared row i; Q is their product in order.
    reflections: Vec<f64>,
}

/// The eigenvalues of `matrix` [n, n], largest first.
pub(super) fn eigenvalues(matrix: Vec<f64>, n: usize) -> Vec<f64> {
    let Reduced { mut diagonal, mut beside, .. } = reduce(matrix, n);
    implicit_ql(&mut diagonal, &mut beside, &mut |_| {});
    diagonal.sort_by(|a, b| b.total_cmp(a));
    diagonal
}

/// The eigenvectors of `matrix` [n, n] as rows of length 1, in the order of their eigenvalues, largest first.
pub(super) fn eigenvectors(matrix: Vec<f64>, n: usize) -> Vec<f64> {
    let Reduced { mut diagonal, mut beside, reflections } = reduce(matrix, n);
    let mut columns = product(&reflections, n);
    let mut rotations = Vec::new();
    implicit_ql(&mut diagonal, &mut beside, &mut |rotation| {
        rotations.push(rotation);
        if rotations.len() == ROTATIONS {
            rotate(&mut columns, n, &rotations);
            rotations.clear();
        }
    });
    rotate(&mut columns, n, &rotations);
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|&a, &b| diagonal[b].total_cmp(&diagonal[a]).then(a.cmp(&b)));
    let mut rows = vec![0.0; n * n];
    rows.par_chunks_mut(n.max(1)).zip(order).for_each(|(row, column)| {
        row.iter_mut().enumerate().for_each(|(i, x)| *x = columns[i * n + column]);
    });
    rows
}

fn reduce(mut a: Vec<f64>, n: usize) -> Reduced {
    let (mut diagonal, mut beside) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n {
        diagonal[k] = a[k * n + k];
        if k + 1 == n {
            break;
        }
        let (above, below) = a.split_at_mut((k + 1) * n);
        let v = &mut above[k * n + k + 1..];
        let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
        if v[1..].iter().all(|&x| x == 0.0) {
            beside[k] = std::mem::take(&mut v[0]);
            continue;
        }
        // The reflection takes v to (∓norm, 0, …), away from v[0], so that nothing cancels.
        beside[k] = if v[0] > 0.0 { -norm } else { norm };
        v[0] -= beside[k];
        let scale = (2.0 / v.iter().map(|x| x * x).sum::<f64>()).sqrt();
        v.iter_mut().for_each(|x| *x *= scale);
        reflect(below, n, k + 1, v);
    }
    Reduced { diagonal, beside, reflections: a }
}

/// A becomes (1 − v vᵀ) A (1 − v vᵀ) in its rows and columns from `from` on, `rows` being those rows.
fn reflect(rows: &mut [f64], n: usize, from: usize, v: &[f64]) {
    let mut w: Vec<f64> = rows.par_chunks(n).map(|row| dot(&row[from..], v)).collect();
    let half = dot(&w, v) / 2.0;
    w.iter_mut().zip(v).for_each(|(w, v)| *w -= half * v);
    rows.par_chunks_mut(n).zip(v.into_par_iter().zip(&w)).for_each(|(row, (&vi, &wi))| {
        let row = row[from..].iter_mut();
        row.zip(v.iter().zip(&w)).for_each(|(x, (v, w))| *x -= vi * w + wi * v);
    });
}

/// Q [n, n] of a reduction.
fn product(reflections: &[f64], n: usize) -> Vec<f64> {
    let mut q = vec![0.0; n * n];
    q.par_chunks_mut(n.max(1)).enumerate().for_each(|(i, row)| {
        row[i] = 1.0;
        for k in 0..n.saturating_sub(1) {
            let v = &reflections[k * n + k + 1..(k + 1) * n];
            let along = dot(&row[k + 1..], v);
            row[k + 1..].iter_mut().zip(v).for_each(|(x, v)| *x -= along * v);
        }
    });
    q
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 4];
    let (a4, b4) = (a.chunks_exact(4), b.chunks_exact(4));
    let rest: f64 = a4.remainder().iter().zip(b4.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a4.zip(b4) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Clears what stands beside the diagonal; every rotation that it takes goes to `each`.
fn implicit_ql(d: &mut [f64], e: &mut [f64], each: &mut dyn FnMut(Rotation)) {
    let n = d.len();
    let size = d.iter().chain(e.iter()).fold(0.0_f64, |size, x| size.max(x.abs()));
    let negligible = f64::EPSILON * size;
    for first in 0..n {
        for _ in 0..SWEEPS {
            let last = (first..n - 1).find(|&i| e[i].abs() <= negligible).unwrap_or(n - 1);
            if last == first {
                break;
            }
            sweep(d, e, first, last, each);
        }
    }
}

/// One QL step with Wilkinson's shift on rows `first..=last`.
fn sweep(d: &mut [f64], e: &mut [f64], first: usize, last: usize, each: &mut dyn FnMut(Rotation)) {
    let slope = (d[first + 1] - d[first]) / (2.0 * e[first]);
    let root = slope.hypot(1.0).copysign(slope);
    let mut g = d[last] - d[first] + e[first] / (slope + root);
    let (mut sin, mut cos, mut shift) = (1.0, 1.0, 0.0);
    for at in (first..last).rev() {
        let (f, b) = (sin * e[at], cos * e[at]);
        let r = f.hypot(g);
        e[at + 1] = r;
        if r == 0.0 {
            // The matrix falls apart here.
            d[at + 1] -= shift;
            e[last] = 0.0;
            return;
        }
        (sin, cos) = (f / r, g / r);
        g = d[at + 1] - shift;
        let turned = (d[at] - g) * sin + 2.0 * cos * b;
        shift = sin * turned;
        d[at + 1] = g + shift;
        g = cos * turned - b;
        each(Rotation { at, cos, sin });
    }
    d[first] -= shift;
    e[first] = g;
    e[last] = 0.0;
}

/// Applies rotations of columns, in order, to each row of `matrix`.
fn rotate(matrix: &mut [f64], n: usize, rotations: &[Rotation]) {
    matrix.par_chunks_mut(n.max(1)).for_each(|row| {
        for &Rotation { at, cos, sin } in rotations {
            let (a, b) = (row[at], row[at + 1]);
            row[at] = cos * a - sin * b;
            row[at + 1] = sin * a + cos * b;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Symmetric, of rank `rank`.
    fn matrix(n: usize, rank: usize) -> Vec<f64> {
        let x = |i: usize, k: usize| {
            let bits = ((i * 64 + k + 1) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let bits = (bits ^ (bits >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
            (bits >> 40) as f64 / f64::from(1 << 23) - 1.0
        };
        let sign = |k: usize| if k.is_multiple_of(3) { -1.0 } else { 1.0 };
        let entry = |i, j| (0..rank).map(|k| sign(k) * x(i, k) * x(j, k)).sum::<f64>();
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn vectors_are_orthonormal_and_give_the_matrix_back() {
        for (n, rank) in [(1, 1), (2, 2), (3, 1), (17, 17), (40, 11)] {
            let a = matrix(n, rank);
            let values = eigenvalues(a.clone(), n);
            let vectors = eigenvectors(a.clone(), n);
            assert!(values.is_sorted_by(|a, b| a >= b));
            let size = values.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
            for i in 0..n {
                for j in 0..n {
                    let (one, other) = (&vectors[i * n..][..n], &vectors[j * n..][..n]);
                    let expected = f64::from(u8::from(i == j));
                    assert!((dot(one, other) - expected).abs() < 1e-12, "{n} {i} {j}");
                    let entry = (0..n)
                        .map(|k| values[k] * vectors[k * n + i] * vectors[k * n + j])
                        .sum::<f64>();
                    assert!((entry - a[i * n + j]).abs() < 1e-12 * size.max(1.0), "{n} {i} {j}");
                }
            }
            let nonzero = values.iter().filter(|x| x.abs() > 1e-12 * size).count();
            assert_eq!(nonzero, rank);
        }
    }

    #[test]
    fn simple_matrices() {
        assert!(eigenvalues(vec![], 0).is_empty());
        assert_eq!(eigenvalues(vec![0.0; 9], 3), [0.0; 3]);
        assert_eq!(eigenvalues(vec![1.0, 0.0, 0.0, 5.0], 2), [5.0, 1.0]);
        let pair = eigenvalues(vec![2.0, 1.0, 1.0, 2.0], 2);
        assert!((pair[0] - 3.0).abs() < 1e-15 && (pair[1] - 1.0).abs() < 1e-15);
    }
}
