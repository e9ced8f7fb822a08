//! The factored step's gradients against finite differences of its loss, in float64.

use crate::util::*;
use archetypal::{
    Device,
    device::{Codes, Gemm, Grad, log},
};

const BATCH: usize = 5;
const D: usize = 7;
const CONCEPTS: usize = 11;
const POINTS: usize = 6;
const WIDTH: usize = 3;

/// What the loss depends on, one parameter after the other.
#[derive(Clone)]
struct Parameters {
    z: Vec<f64>,
    w: Vec<f64>,
    r: Vec<f64>,
    m: f64,
}

/// mean((eᵐ (Z W C + Z R) − X)²), from the definition.
fn loss(codes: &Codes, x: &[f32], c: &[f32], p: &Parameters) -> f64 {
    let mut x_hat = vec![0.0; BATCH * D];
    for (entry, row, concept, _) in entries(codes) {
        for col in 0..D {
            let point = |n: usize| p.w[concept * POINTS + n] * f64::from(c[n * D + col]);
            let atom = (0..POINTS).map(point).sum::<f64>() + p.r[concept * D + col];
            x_hat[row * D + col] += p.z[entry] * atom * p.m.exp();
        }
    }
    let errors = x_hat.iter().zip(x).map(|(x_hat, &x)| (x_hat - f64::from(x)).powi(2));
    errors.sum::<f64>() / (BATCH * D) as f64
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

#[test]
fn factored_step_has_the_gradients_of_its_loss() {
    let device = Device::cpu();
    let mut random = Random::new(20);
    let codes = random_codes(&mut random, BATCH, WIDTH, CONCEPTS);
    let mut by_atom = poisoned_index(BATCH, WIDTH, CONCEPTS);
    device.by_atom(&codes, &mut by_atom);
    let (x, c) = (random.floats(BATCH * D), random.floats(POINTS * D));
    let (w, r) = (random.floats(CONCEPTS * POINTS), random.floats(CONCEPTS * D));
    let m = 0.3_f32;

    // Forward.
    let (x_t, c_t) = (tensor(BATCH, D, &x), tensor(POINTS, D, &c));
    let (w_t, r_t) = (tensor(CONCEPTS, POINTS, &w), tensor(CONCEPTS, D, &r));
    let mut u = poisoned(BATCH, POINTS);
    device.spmm(&codes, &w_t, &mut u, false);
    let mut x_hat = poisoned(BATCH, D);
    device.gemm(&u, &c_t, &mut x_hat, Gemm::default());
    device.spmm(&codes, &r_t, &mut x_hat, true);
    let (mut h, mut grad_m, mut log) =
        (poisoned(BATCH, D), poisoned(1, 1), poisoned(2, log::WIDTH));
    device.mse(&x_t, &mut x_hat, Some(&scalar(m)), 1.0, &mut h, &mut grad_m, &mut log, 1);

    // Backward.
    let mut v = poisoned(BATCH, POINTS);
    device.gemm(&h, &c_t, &mut v, Gemm { transpose_b: true, ..Gemm::default() });
    let mut grad_z = poisoned(BATCH, WIDTH);
    device.sddmm(&codes, &w_t, &v, &mut grad_z, false);
    device.sddmm(&codes, &r_t, &h, &mut grad_z, true);
    let (mut grad_w, mut grad_r) = (poisoned(CONCEPTS, POINTS), poisoned(CONCEPTS, D));
    let rows = |source| Grad::Rows { by_atom: &by_atom, values: &codes.values, source };
    device.spmm_t(rows(&v), &mut grad_w);
    device.spmm_t(rows(&h), &mut grad_r);

    let at = Parameters {
        z: doubles(values(&codes.values)),
        w: doubles(&w),
        r: doubles(&r),
        m: f64::from(m),
    };
    let here = loss(&codes, &x, &c, &at);
    let sse = f64::from(values(&log)[log::WIDTH + log::SSE]);
    assert!((sse / (BATCH * D) as f64 - here).abs() < 1e-6 * here, "{sse}, {here}");

    let slope = |change: &dyn Fn(&mut Parameters, f64)| {
        let eps = 1e-4;
        let mut moved = [at.clone(), at.clone()];
        change(&mut moved[0], eps);
        change(&mut moved[1], -eps);
        (loss(&codes, &x, &c, &moved[0]) - loss(&codes, &x, &c, &moved[1])) / (2.0 * eps)
    };
    close("∂m", values(&grad_m), &[slope(&|p, eps| p.m += eps)], 1e-5);
    for (entry, ..) in entries(&codes) {
        close("∂z", &[values(&grad_z)[entry]], &[slope(&|p, eps| p.z[entry] += eps)], 1e-5);
    }
    for i in 0..w.len() {
        close("∂W", &[values(&grad_w)[i]], &[slope(&|p, eps| p.w[i] += eps)], 1e-5);
    }
    for i in 0..r.len() {
        close("∂R", &[values(&grad_r)[i]], &[slope(&|p, eps| p.r[i] += eps)], 1e-5);
    }
}

#[test]
fn mse_equals_a_plain_loop() {
    let device = Device::cpu();
    let mut random = Random::new(21);
    for (rows, cols) in [(1, 1), (3, 31), (17, 513), (130, 127)] {
        for multiplier in [None, Some(-0.7_f32)] {
            let (x, raw) = (random.floats(rows * cols), random.floats(rows * cols));
            let scale = f64::from(multiplier.unwrap_or(0.0)).exp();
            let x_hat: Vec<f64> = raw.iter().map(|&raw| f64::from(raw) * scale).collect();
            let residual: Vec<f64> =
                x_hat.iter().zip(&x).map(|(x_hat, &x)| x_hat - f64::from(x)).collect();
            let mean = 2.0 / x.len() as f64;
            let want_h: Vec<f64> = residual.iter().map(|r| scale * mean * r).collect();
            let along: f64 = residual.iter().zip(&x_hat).map(|(r, x_hat)| mean * r * x_hat).sum();

            let mut raw = tensor(rows, cols, &raw);
            let (mut h, mut grad_m) = (poisoned(rows, cols), poisoned(1, 1));
            let mut log = poisoned(1, log::WIDTH);
            let m = multiplier.map(scalar);
            device.mse(
                &tensor(rows, cols, &x),
                &mut raw,
                m.as_ref(),
                1.0,
                &mut h,
                &mut grad_m,
                &mut log,
                0,
            );
            close("x̂", values(&raw), &x_hat, 1e-6);
            close("h", values(&h), &want_h, 1e-6);
            close("∂m", values(&grad_m), &[along], 1e-6);
            close("SSE", &values(&log)[..1], &[residual.iter().map(|r| r * r).sum()], 1e-6);
        }
    }
}

#[test]
fn mse_lets_nan_through_to_the_log() {
    let x = vec![0.0; 3 * 4001];
    let mut raw = x.clone();
    raw[9000] = f32::NAN;
    let mut raw = tensor(3, 4001, &raw);
    let (mut h, mut grad_m) = (poisoned(3, 4001), scalar(0.0));
    let mut log = tensor(1, log::WIDTH, &[0.0; log::WIDTH]);
    Device::cpu().mse(&tensor(3, 4001, &x), &mut raw, None, 1.0, &mut h, &mut grad_m, &mut log, 0);
    assert!(values(&log)[log::SSE].is_nan());
    assert!(values(&grad_m)[0].is_nan());
}
