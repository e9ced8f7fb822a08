//! Rows of W where there are more concepts than points: each the blend of a few points that is nearest to a target.

use crate::{
    device::{Device, Gemm, Tensor},
    error::Result,
    parallel::*,
};

/// Points that a blend may have.
const CANDIDATES: usize = 32;
/// Steps of the fit.
const STEPS: usize = 300;
/// Targets that are compared with the points at once, to bound the products [BLOCK, N].
const BLOCK: usize = 512;

/// For each of `targets` [K, d] the weights, ≥ 0 and of sum 1, of its 32 nearest among `points` [N, d] that minimise
/// ‖target − Σ_j w_j C_j‖². W, [K, N].
pub(super) async fn fit(
    device: &Device,
    targets: &[f32],
    points: &[f32],
    d: usize,
    on_progress: &mut dyn FnMut(usize, usize),
) -> Result<Vec<f32>> {
    let (k, n) = (targets.len() / d, points.len() / d);
    let mut mixing = vec![0.0; k * n];
    let all = Tensor::from_slice(device, n, d, points)?;
    let squares: Vec<f32> = points.chunks_exact(d).map(|point| dot(point, point) as f32).collect();
    let blocks = targets.chunks(BLOCK * d).zip(mixing.chunks_mut(BLOCK * n));
    for (i, (block, mixing)) in blocks.enumerate() {
        let some = Tensor::from_slice(device, block.len() / d, d, block)?;
        let mut products = Tensor::zeros(device, some.rows(), n)?;
        device.gemm(&some, &all, &mut products, Gemm { transpose_b: true, ..Gemm::default() });
        let products = products.read().await?;
        let rows = mixing.par_chunks_mut(n).zip(block.par_chunks(d).zip(products.par_chunks(n)));
        rows.for_each(|(row, (target, products))| {
            let near = nearest(products, &squares);
            let weights = blend(target, &near, points, d);
            near.iter().zip(weights).for_each(|(&point, w)| row[point] = w as f32);
        });
        on_progress(i * BLOCK + some.rows(), k);
    }
    Ok(mixing)
}

/// Rows of R, [K, d]: what the blends `mixing` [K, N] of `points` lack of their targets, cut to the length `delta`.
pub(super) fn lacking(
    targets: &[f32],
    mixing: &[f32],
    points: &[f32],
    d: usize,
    delta: f32,
) -> Vec<f32> {
    let mut lacking = targets.to_vec();
    let weights = mixing.par_chunks(points.len() / d);
    lacking.par_chunks_mut(d).zip(weights).for_each(|(row, weights)| {
        let used = weights.iter().zip(points.chunks_exact(d)).filter(|(weight, _)| **weight != 0.0);
        for (weight, point) in used {
            row.iter_mut().zip(point).for_each(|(value, c)| *value -= weight * c);
        }
        let length = dot(row, row).sqrt();
        if length > f64::from(delta) {
            let scale = (f64::from(delta) / length) as f32;
            row.iter_mut().for_each(|value| *value *= scale);
        }
    });
    lacking
}

/// The points nearest to a target, given its products with all of them, nearest first.
fn nearest(products: &[f32], squares: &[f32]) -> Vec<usize> {
    // ‖c‖² − 2⟨t, c⟩ orders points by their distance from t.
    let far = |&point: &usize| squares[point] - 2.0 * products[point];
    let order = |a: &usize, b: &usize| far(a).total_cmp(&far(b)).then(a.cmp(b));
    let mut order_of: Vec<_> = (0..products.len()).collect();
    if order_of.len() > CANDIDATES {
        order_of.select_nth_unstable_by(CANDIDATES - 1, order);
        order_of.truncate(CANDIDATES);
    }
    order_of.sort_by(order);
    order_of
}

/// Weights of the points `near` by accelerated projected gradients (FISTA, Beck and Teboulle 2009), from the nearest.
fn blend(target: &[f32], near: &[usize], points: &[f32], d: usize) -> Vec<f64> {
    let count = near.len();
    let differences: Vec<Vec<f32>> = near
        .iter()
        .map(|&point| points[point * d..][..d].iter().zip(target).map(|(c, t)| c - t).collect())
        .collect();
    // Weights of sum 1 make the error wᵀ G w, with G the products of the differences.
    let gram: Vec<f64> =
        (0..count * count).map(|i| dot(&differences[i / count], &differences[i % count])).collect();
    let trace: f64 = (0..count).map(|i| gram[i * count + i]).sum();
    let mut weights = vec![0.0; count];
    weights[0] = 1.0;
    if trace <= 0.0 {
        return weights;
    }
    let (mut ahead, mut momentum) = (weights.clone(), 1.0_f64);
    for _ in 0..STEPS {
        let stepped: Vec<f64> = (0..count)
            .map(|i| {
                let row = &gram[i * count..][..count];
                ahead[i] - row.iter().zip(&ahead).map(|(g, w)| g * w).sum::<f64>() / trace
            })
            .collect();
        let next = onto_simplex(stepped);
        let faster = (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0;
        let push = (momentum - 1.0) / faster;
        ahead = next.iter().zip(&weights).map(|(new, old)| new + push * (new - old)).collect();
        (weights, momentum) = (next, faster);
    }
    weights
}

/// The nearest vector with values ≥ 0 and of sum 1.
fn onto_simplex(mut values: Vec<f64>) -> Vec<f64> {
    let mut sorted = values.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (i, value) in sorted.iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (i + 1) as f64;
        if *value > candidate {
            shift = candidate;
        }
    }
    values.iter_mut().for_each(|value| *value = (*value - shift).max(0.0));
    values
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_in_the_hull_is_met_and_one_outside_gets_the_nearest_blend() {
        let points = [0.0, 0.0, 4.0, 0.0, 0.0, 4.0];
        let targets = [1.0, 2.0, 3.0, 3.0, -1.0, -1.0];
        let mixing =
            pollster::block_on(fit(&Device::cpu(), &targets, &points, 2, &mut |_, _| {})).unwrap();
        let expected = [0.25, 0.25, 0.5, 0.0, 0.5, 0.5, 1.0, 0.0, 0.0];
        for (found, expected) in mixing.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-3, "{mixing:?}");
        }
        let lack = |delta| lacking(&targets, &mixing, &points, 2, delta);
        // (1, 2) is met, (3, 3) is (1, 1) beyond its blend, (−1, −1) as far from the corner at 0.
        for (delta, reached) in [(5.0, 1.0), (0.5, 0.5 / 2.0_f32.sqrt()), (0.0, 0.0)] {
            let expected = [0.0, 0.0, reached, reached, -reached, -reached];
            let near = |(found, expected): (&f32, f32)| (found - expected).abs() < 2e-3;
            assert!(lack(delta).iter().zip(expected).all(near), "{delta}: {:?}", lack(delta));
        }
    }

    #[test]
    fn only_the_nearest_points_are_candidates_and_equal_points_are_no_trouble() {
        let points: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let mixing =
            pollster::block_on(fit(&Device::cpu(), &[50.25], &points, 1, &mut |_, _| {})).unwrap();
        let reached: f32 = mixing.iter().zip(&points).map(|(w, p)| w * p).sum();
        assert!((reached - 50.25).abs() < 1e-3);
        assert!(mixing[..30].iter().chain(&mixing[70..]).all(|&w| w == 0.0));
        let same =
            pollster::block_on(fit(&Device::cpu(), &[2.0], &[2.0; 40], 1, &mut |_, _| {})).unwrap();
        assert!((same.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }
}
