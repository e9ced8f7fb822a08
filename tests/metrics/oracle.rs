//! The same figures from plain loops in float64.

use crate::models::Parts;
use archetypal::sae::{Selection, Thresholds};

pub fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&v| f64::from(v)).collect()
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// 0 for a zero vector.
pub fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let lengths = norm(a) * norm(b);
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// D [K, d].
pub fn dictionary(parts: &Parts) -> Vec<Vec<f64>> {
    let (k, d) = parts.sizes();
    let of = |name| wide(parts.values(name));
    let scale = of("dictionary.multiplier")[0].exp();
    let Some((n, _)) = parts.archetypal() else {
        let atoms = of("dictionary._weights");
        return atoms.chunks(d).map(|atom| atom.iter().map(|v| v * scale).collect()).collect();
    };
    let (w, c, r) = (of("dictionary.W"), of("dictionary.C"), of("dictionary.Relax"));
    let blend = |i: usize, x: usize| (0..n).map(|j| w[i * n + j] * c[j * d + x]).sum::<f64>();
    (0..k).map(|i| (0..d).map(|x| (blend(i, x) + r[i * d + x]) * scale).collect()).collect()
}

/// Codes [B, K].
pub fn codes(parts: &Parts, rows: &[f32]) -> Vec<Vec<f64>> {
    let (k, d) = parts.sizes();
    let of = |name| wide(parts.values(name));
    let (e, b) = (of("encoder.final_block.0.weight"), of("encoder.final_block.0.bias"));
    let of = |row: &[f32]| {
        let row = wide(row);
        let pre = (0..k).map(|i| dot(&e[i * d..][..d], &row) + b[i]);
        select(parts, pre.map(|pre| pre.max(0.0)).collect())
    };
    rows.chunks(d).map(of).collect()
}

fn select(parts: &Parts, mut z: Vec<f64>) -> Vec<f64> {
    match parts.settings.selection {
        Selection::TopK { k } => {
            let mut order: Vec<_> = (0..z.len()).collect();
            order.sort_by(|&a, &b| z[b].total_cmp(&z[a]).then(a.cmp(&b)));
            order[k..].iter().for_each(|&i| z[i] = 0.0);
        }
        Selection::BatchTopK { .. } => {
            let threshold = f64::from(parts.values("running_threshold")[0]);
            z.iter_mut().filter(|z| **z < threshold).for_each(|z| *z = 0.0);
        }
        Selection::Jump { thresholds, .. } => {
            let thresholds: Vec<f64> = match thresholds {
                Thresholds::Direct => wide(parts.values("direct_thresholds")),
                Thresholds::Reference => {
                    wide(parts.values("thresholds")).into_iter().map(f64::exp).collect()
                }
            };
            for (z, threshold) in z.iter_mut().zip(thresholds) {
                *z = if *z >= threshold { *z } else { 0.0 };
            }
        }
    }
    z
}

/// x̂ [B, d].
pub fn reconstruction(codes: &[Vec<f64>], dictionary: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let d = dictionary[0].len();
    let of = |z: &Vec<f64>| {
        (0..d).map(|x| z.iter().zip(dictionary).map(|(z, atom)| z * atom[x]).sum()).collect()
    };
    codes.iter().map(of).collect()
}

pub struct Figures {
    pub r2: f64,
    pub r2_scalar_mean: f64,
    pub mse: f64,
    pub l0: f64,
    pub dead_share: f64,
    /// Share of the rows in which each concept fires, ascending.
    pub densities: Vec<f64>,
    pub coherence: f64,
    pub ood: f64,
    /// Largest weight, entropy of the weights and ratio of the relaxation, of an archetypal dictionary.
    pub mixing: Option<[f64; 3]>,
}

pub fn figures(parts: &Parts, rows: &[f32]) -> Figures {
    let (k, d) = parts.sizes();
    let dictionary = dictionary(parts);
    let z = codes(parts, rows);
    let x: Vec<Vec<f64>> = rows.chunks(d).map(wide).collect();
    let x_hat = reconstruction(&z, &dictionary);
    let count = x.len() as f64;
    let squares = |a: &[Vec<f64>], b: &dyn Fn(usize, usize) -> f64| -> f64 {
        let places = (0..a.len()).flat_map(|i| (0..d).map(move |j| (i, j)));
        places.map(|(i, j)| (a[i][j] - b(i, j)).powi(2)).sum()
    };
    let error = squares(&x, &|i, j| x_hat[i][j]);
    let means: Vec<f64> = (0..d).map(|j| x.iter().map(|x| x[j]).sum::<f64>() / count).collect();
    let mean = means.iter().sum::<f64>() / d as f64;
    let active = |i: usize| z.iter().filter(|z| z[i].abs() >= 1e-6).count() as f64;
    let mut densities: Vec<f64> = (0..k).map(|i| active(i) / count).collect();
    densities.sort_by(f64::total_cmp);
    let pairs = (0..k).flat_map(|i| (0..i).map(move |j| (i, j)));
    let nearest = |atom: &Vec<f64>| x.iter().map(|x| cosine(atom, x)).fold(-1.0, f64::max);
    let mean_of = |sum: f64| sum / k as f64;
    Figures {
        r2: 1.0 - error / squares(&x, &|_, j| means[j]),
        r2_scalar_mean: 1.0 - error / squares(&x, &|_, _| mean),
        mse: error / (count * d as f64),
        l0: densities.iter().sum(),
        dead_share: mean_of(densities.iter().filter(|share| **share == 0.0).count() as f64),
        densities,
        coherence: pairs
            .map(|(i, j)| cosine(&dictionary[i], &dictionary[j]).abs())
            .fold(0.0, f64::max),
        ood: 1.0 - mean_of(dictionary.iter().map(nearest).sum()),
        mixing: mixing(parts),
    }
}

fn mixing(parts: &Parts) -> Option<[f64; 3]> {
    let (k, d) = parts.sizes();
    let (n, delta) = parts.archetypal()?;
    let weights: Vec<Vec<f64>> = parts.values("dictionary.W").chunks(n).map(wide).collect();
    let largest = weights.iter().map(|w| w.iter().copied().fold(0.0, f64::max));
    let entropy = |w: &Vec<f64>| -w.iter().filter(|w| **w > 0.0).map(|w| w * w.ln()).sum::<f64>();
    let relax = parts.values("dictionary.Relax").chunks(d).map(|row| norm(&wide(row)));
    let mean_of = |sum: f64| sum / k as f64;
    Some([
        mean_of(largest.sum()),
        mean_of(weights.iter().map(entropy).sum()),
        mean_of(relax.sum()) / f64::from(delta),
    ])
}
