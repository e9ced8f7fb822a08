//! Sums of squares, clipping, Adam and the projections.

use crate::util::*;
use archetypal::{
    Device,
    device::{AdamStep, Grad, Projection, log},
};

/// (batch, width, concepts, n); n = 1 is a bias.
const SHAPES: [(usize, usize, usize, usize); 6] = [
    (1, 1, 1, 1),
    (9, 3, 20_001, 1),
    (7, 5, 13, 31),
    (17, 1, 64, 33),
    (31, 13, 13, 65),
    (4, 2, 7, 9001),
];

const STEP: AdamStep = AdamStep {
    one_minus_beta1: 0.1,
    beta2: 0.999,
    one_minus_beta2: 1e-3,
    eps: 1e-8,
    step_size: 1e-2 / 0.271,
    inv_sqrt_bias2: 18.27,
};

fn projected(row: &mut [f64], projection: Projection) {
    match projection {
        Projection::None => {}
        Projection::Simplex => {
            row.iter_mut().for_each(|w| *w = w.max(0.0));
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|w| *w /= sum + 1e-8);
        }
        Projection::Ball(radius) => {
            let norm = row.iter().map(|r| r * r).sum::<f64>().sqrt();
            let scale = if norm > 0.0 { (f64::from(radius) / norm).min(1.0) } else { 1.0 };
            row.iter_mut().for_each(|r| *r *= scale);
        }
    }
}

#[test]
fn adam_equals_a_plain_loop_from_either_gradient() {
    let device = Device::cpu();
    let mut random = Random::new(30);
    for (batch, width, concepts, n) in SHAPES {
        let codes = random_codes(&mut random, batch, width, concepts);
        let mut by_atom = poisoned_index(batch, width, concepts);
        device.by_atom(&codes, &mut by_atom);
        let source = tensor(batch, n, &random.floats(batch * n));
        let rows = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &source };
        let mut dense = poisoned(concepts, n);
        device.spmm_t(rows, &mut dense);

        let mut out = poisoned(1, 3);
        device.sumsq(rows, &mut out, 1);
        device.sumsq(Grad::Dense(&dense), &mut out, 2);
        let sumsq: f64 = values(&dense).iter().map(|&g| f64::from(g).powi(2)).sum();
        close("sumsq", &values(&out)[1..], &[sumsq, sumsq], 1e-6);
        assert!(values(&out)[0].is_nan(), "another slot was written");

        let (param, first) = (random.floats(concepts * n), random.floats(concepts * n));
        let second: Vec<f32> = random.floats(concepts * n).iter().map(|v| v.abs()).collect();
        for projection in [Projection::None, Projection::Simplex, Projection::Ball(0.7)] {
            let scale = 0.37_f32;
            let (mut want_p, mut want_m, mut want_v) = (vec![], vec![], vec![]);
            for i in 0..param.len() {
                let g = f64::from(values(&dense)[i]) * f64::from(scale);
                let m = 0.9 * f64::from(first[i]) + 0.1 * g;
                let v = 0.999 * f64::from(second[i]) + 0.001 * g * g;
                let step = f64::from(STEP.step_size) * m;
                want_p.push(f64::from(param[i]) - step / (v.sqrt() * 18.27 + 1e-8));
                want_m.push(m);
                want_v.push(v);
            }
            want_p.chunks_mut(n).for_each(|row| projected(row, projection));
            for grad in [rows, Grad::Dense(&dense)] {
                let (mut p, mut m, mut v) = (
                    tensor(concepts, n, &param),
                    tensor(concepts, n, &first),
                    tensor(concepts, n, &second),
                );
                device.adam(&mut p, &mut m, &mut v, grad, &scalar(scale), STEP, projection);
                close("parameter", values(&p), &want_p, 1e-4);
                close("first moment", values(&m), &want_m, 1e-6);
                close("second moment", values(&v), &want_v, 1e-6);
            }
        }
    }
}

#[test]
fn projections_hold_their_sets() {
    let device = Device::cpu();
    let mut random = Random::new(31);
    for (rows, n) in [(1, 1), (5, 2), (9, 33), (700, 31), (3, 10_001)] {
        let data = random.floats(rows * n);
        for projection in [Projection::Simplex, Projection::Ball(0.5), Projection::Ball(1e3)] {
            let mut want: Vec<f64> = data.iter().map(|&x| f64::from(x)).collect();
            want.chunks_mut(n).for_each(|row| projected(row, projection));
            let mut param = tensor(rows, n, &data);
            device.project(&mut param, projection);
            close(&format!("{projection:?} {rows}×{n}"), values(&param), &want, 1e-6);
        }
        let mut param = tensor(rows, n, &data);
        device.project(&mut param, Projection::None);
        assert_eq!(values(&param), data);
    }
}

#[test]
fn projections_of_zero_rows_are_zero() {
    let device = Device::cpu();
    for projection in [Projection::Simplex, Projection::Ball(0.0), Projection::Ball(1.0)] {
        let mut param = tensor(2, 3, &[0.0; 6]);
        device.project(&mut param, projection);
        assert_eq!(values(&param), [0.0; 6], "{projection:?}");
    }
    let mut param = tensor(1, 3, &[3.0, -4.0, 1.0]);
    device.project(&mut param, Projection::Ball(0.0));
    assert_eq!(values(&param), [0.0; 3]);
}

#[test]
fn clip_scale_limits_the_norm() {
    let device = Device::cpu();
    let sumsq = tensor(1, 3, &[9.0, 16.0, 0.0]);
    let want = [(Some(1.0), 1.0 / (5.0 + 1e-6)), (Some(7.0), 1.0), (None, 1.0)];
    for (max_norm, scale) in want {
        let (mut out, mut log) = (poisoned(1, 1), poisoned(2, log::WIDTH));
        device.clip_scale(&sumsq, max_norm, &mut out, &mut log, 1);
        close("scale", values(&out), &[scale], 1e-7);
        assert_eq!(values(&log)[log::WIDTH + log::GRAD_NORM], 5.0);
    }
    let (mut out, mut log) = (scalar(0.0), tensor(1, log::WIDTH, &[0.0; log::WIDTH]));
    device.clip_scale(&tensor(1, 2, &[f32::NAN, 1.0]), Some(1.0), &mut out, &mut log, 0);
    assert!(values(&log)[log::GRAD_NORM].is_nan());
}

#[test]
fn relaxation_and_multiplier_finish_the_dictionary() {
    let mut random = Random::new(32);
    for multiplier in [None, Some(0.4_f32)] {
        let (wc, r) = (random.floats(91 * 101), random.floats(91 * 101));
        let scale = f64::from(multiplier.unwrap_or(0.0)).exp();
        let want: Vec<f64> =
            wc.iter().zip(&r).map(|(&wc, &r)| (f64::from(wc) + f64::from(r)) * scale).collect();
        let (mut wc, r) = (tensor(91, 101, &wc), tensor(91, 101, &r));
        Device::cpu().add_relaxation(&mut wc, &r, multiplier.map(scalar).as_ref());
        close("D", values(&wc), &want, 1e-6);
    }
}
