//! Eigenvalues of a symmetric matrix: Householder's reduction to a tridiagonal one, then QL with implicit shifts (Golub
//! and Van Loan, Matrix Computations, 8.3).

/// More steps than this for one eigenvalue have never been seen to be needed.
const MOST_STEPS: usize = 60;

/// The eigenvalues of the symmetric matrix `a` [n, n], in no order.
pub(super) fn eigenvalues(a: Vec<f64>, n: usize) -> Vec<f64> {
    let (mut diagonal, mut beside) = tridiagonal(a, n);
    ql(&mut diagonal, &mut beside);
    diagonal
}

/// The diagonal, and what stands beside it (the last entry is 0), of a similar tridiagonal matrix.
fn tridiagonal(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut beside = vec![0.0; n];
    let (mut v, mut p) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n.saturating_sub(2) {
        // The reflection that turns column k below the diagonal into one entry.
        let norm = (k + 1..n).map(|i| a[i * n + k] * a[i * n + k]).sum::<f64>().sqrt();
        if norm == 0.0 {
            continue;
        }
        let first = a[(k + 1) * n + k];
        let alpha = if first > 0.0 { -norm } else { norm };
        (k + 1..n).for_each(|i| v[i] = a[i * n + k]);
        v[k + 1] -= alpha;
        let length = (k + 1..n).map(|i| v[i] * v[i]).sum::<f64>();
        beside[k] = alpha;
        // A ← A − v wᵀ − w vᵀ, with p = 2 A v / vᵀv and w = p − (pᵀv / vᵀv) v.
        for i in k + 1..n {
            let row = &a[i * n + k + 1..(i + 1) * n];
            p[i] = 2.0 * row.iter().zip(&v[k + 1..n]).map(|(a, v)| a * v).sum::<f64>() / length;
        }
        let share = (k + 1..n).map(|i| p[i] * v[i]).sum::<f64>() / length;
        (k + 1..n).for_each(|i| p[i] -= share * v[i]);
        for i in k + 1..n {
            let (vi, wi) = (v[i], p[i]);
            let row = &mut a[i * n + k + 1..(i + 1) * n];
            for ((a, v), w) in row.iter_mut().zip(&v[k + 1..n]).zip(&p[k + 1..n]) {
                *a -= vi * w + wi * v;
            }
        }
    }
    if n >= 2 {
        beside[n - 2] = a[(n - 1) * n + n - 2];
    }
    ((0..n).map(|i| a[i * n + i]).collect(), beside)
}

/// Turns the diagonal of a tridiagonal matrix into its eigenvalues.
fn ql(diagonal: &mut [f64], beside: &mut [f64]) {
    let n = diagonal.len();
    for l in 0..n {
        for _ in 0..MOST_STEPS {
            let small = |m: &usize| {
                let around = diagonal[*m].abs() + diagonal[*m + 1].abs();
                beside[*m].abs() <= f64::EPSILON * around
            };
            let m = (l..n - 1).find(small).unwrap_or(n - 1);
            if m == l {
                break;
            }
            sweep(diagonal, beside, l, m);
        }
    }
}

/// One step of QL on rows l to m.
fn sweep(diagonal: &mut [f64], beside: &mut [f64], l: usize, m: usize) {
    let g = (diagonal[l + 1] - diagonal[l]) / (2.0 * beside[l]);
    let r = g.hypot(1.0);
    let mut g = diagonal[m] - diagonal[l] + beside[l] / (g + r.copysign(g));
    let (mut sine, mut cosine, mut shift) = (1.0, 1.0, 0.0);
    for i in (l..m).rev() {
        let (f, b) = (sine * beside[i], cosine * beside[i]);
        let r = f.hypot(g);
        beside[i + 1] = r;
        if r == 0.0 {
            diagonal[i + 1] -= shift;
            beside[m] = 0.0;
            return;
        }
        (sine, cosine) = (f / r, g / r);
        let moved = diagonal[i + 1] - shift;
        let turned = (diagonal[i] - moved) * sine + 2.0 * cosine * b;
        shift = sine * turned;
        diagonal[i + 1] = moved + shift;
        g = cosine * turned - b;
    }
    diagonal[l] -= shift;
    beside[l] = g;
    beside[m] = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_spectra() {
        let mut found = eigenvalues(vec![2.0, 1.0, 1.0, 2.0], 2);
        found.sort_by(f64::total_cmp);
        assert!((found[0] - 1.0).abs() < 1e-12 && (found[1] - 3.0).abs() < 1e-12, "{found:?}");
        assert_eq!(eigenvalues(vec![7.0], 1), [7.0]);
        assert_eq!(eigenvalues(vec![0.0; 9], 3), [0.0; 3]);
        // The path of n nodes: 2 − 2 cos(π j / (n + 1)).
        let n = 37;
        let mut path = vec![0.0; n * n];
        for i in 0..n {
            path[i * n + i] = 2.0;
            if i + 1 < n {
                (path[i * n + i + 1], path[(i + 1) * n + i]) = (-1.0, -1.0);
            }
        }
        let mut found = eigenvalues(path, n);
        found.sort_by(f64::total_cmp);
        for (j, value) in found.iter().enumerate() {
            let angle = std::f64::consts::PI * (j + 1) as f64 / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-12, "{j}: {value}");
        }
    }

    #[test]
    fn sums_of_powers_are_those_of_the_matrix() {
        let n = 23;
        let entry = |i: usize, j: usize| ((i * j) as f64 * 0.7).sin() + (i + j) as f64 * 0.01;
        let a: Vec<f64> = (0..n * n).map(|x| entry(x / n, x % n)).collect();
        let found = eigenvalues(a.clone(), n);
        let trace: f64 = (0..n).map(|i| a[i * n + i]).sum();
        let squares: f64 = a.iter().map(|v| v * v).sum();
        assert!((found.iter().sum::<f64>() - trace).abs() < 1e-10);
        assert!((found.iter().map(|v| v * v).sum::<f64>() - squares).abs() < 1e-9);
    }
}
