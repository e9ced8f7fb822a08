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
    decay: 1.0,
};

/// The projection of the rows of `n` values.
fn projected(values: &mut [f64], n: usize, projection: Projection) {
    let l2 = |row: &[f64]| row.iter().map(|r| r * r).sum::<f64>().sqrt();
    let l1 = |row: &[f64]| row.iter().map(|r| r.abs()).sum::<f64>();
    let largest_l2 = values.chunks(n).map(l2).fold(0.0, f64::max);
    let largest_l1 = values.chunks(n).map(l1).fold(0.0, f64::max);
    for row in values.chunks_mut(n) {
        let divisor = match projection {
            Projection::None => 1.0,
            Projection::Simplex => {
                row.iter_mut().for_each(|w| *w = w.max(0.0));
                l1(row) + 1e-8
            }
            Projection::Ball(radius) if l2(row) > f64::from(radius) => l2(row) / f64::from(radius),
            Projection::Ball(_) => 1.0,
            Projection::UnitL2 => l2(row) + 1e-8,
            Projection::UnitL1 => l1(row) + 1e-8,
            Projection::MaxL2 if largest_l2 > 0.0 => largest_l2,
            Projection::MaxL1 if largest_l1 > 0.0 => largest_l1,
            Projection::MaxL2 | Projection::MaxL1 => 1.0,
            Projection::AtLeast(least) => {
                row.iter_mut().for_each(|x| *x = x.max(f64::from(least)));
                1.0
            }
        };
        row.iter_mut().for_each(|x| *x /= divisor);
    }
}

/// Those of one row after another.
const ROW_WISE: [Projection; 6] = [
    Projection::None,
    Projection::Simplex,
    Projection::Ball(0.7),
    Projection::UnitL2,
    Projection::UnitL1,
    Projection::AtLeast(0.25),
];

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
        for (projection, decay) in ROW_WISE.into_iter().zip([1.0_f32, 0.9].into_iter().cycle()) {
            let scale = 0.37_f32;
            let adam = AdamStep { decay, ..STEP };
            let (mut want_p, mut want_m, mut want_v) = (vec![], vec![], vec![]);
            for i in 0..param.len() {
                let g = f64::from(values(&dense)[i]) * f64::from(scale);
                let m = 0.9 * f64::from(first[i]) + 0.1 * g;
                let v = 0.999 * f64::from(second[i]) + 0.001 * g * g;
                let step = f64::from(STEP.step_size) * m;
                let before = f64::from(param[i]) * f64::from(decay);
                want_p.push(before - step / (v.sqrt() * 18.27 + 1e-8));
                want_m.push(m);
                want_v.push(v);
            }
            projected(&mut want_p, n, projection);
            for grad in [rows, Grad::Dense(&dense)] {
                let (mut p, mut m, mut v) = (
                    tensor(concepts, n, &param),
                    tensor(concepts, n, &first),
                    tensor(concepts, n, &second),
                );
                device.adam(&mut p, &mut m, &mut v, grad, &scalar(scale), adam, projection);
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
        let global = [Projection::MaxL2, Projection::MaxL1, Projection::Ball(1e3)];
        for projection in ROW_WISE.into_iter().chain(global) {
            let mut want: Vec<f64> = data.iter().map(|&x| f64::from(x)).collect();
            projected(&mut want, n, projection);
            let mut param = tensor(rows, n, &data);
            device.project(&mut param, projection);
            close(&format!("{projection:?} {rows}×{n}"), values(&param), &want, 1e-6);
        }
    }
}

#[test]
fn projections_of_zero_rows_are_zero() {
    let device = Device::cpu();
    for projection in [
        Projection::Simplex,
        Projection::Ball(0.0),
        Projection::Ball(1.0),
        Projection::UnitL2,
        Projection::UnitL1,
        Projection::MaxL2,
        Projection::MaxL1,
        Projection::AtLeast(0.0),
    ] {
        let mut param = tensor(2, 3, &[0.0; 6]);
        device.project(&mut param, projection);
        assert_eq!(values(&param), [0.0; 6], "{projection:?}");
    }
    let mut param = tensor(1, 3, &[3.0, -4.0, 1.0]);
    device.project(&mut param, Projection::Ball(0.0));
    assert_eq!(values(&param), [0.0; 3]);
}

#[test]
fn projections_show_what_is_not_a_number() {
    for projection in [Projection::AtLeast(0.5), Projection::UnitL1, Projection::MaxL2] {
        let mut param = tensor(2, 2, &[1.0, f32::NAN, -3.0, 4.0]);
        Device::cpu().project(&mut param, projection);
        assert!(values(&param)[1].is_nan(), "{projection:?}");
    }
}

#[test]
#[should_panic(expected = "a bug of the crate")]
fn no_update_ends_with_a_projection_of_all_rows() {
    let zeros = || tensor(1, 1, &[0.0]);
    let (mut p, mut m, mut v, grad) = (zeros(), zeros(), zeros(), zeros());
    let (grad, scale) = (Grad::Dense(&grad), scalar(1.0));
    Device::cpu().adam(&mut p, &mut m, &mut v, grad, &scale, STEP, Projection::MaxL1);
}

#[test]
fn clip_scale_limits_the_norm() {
    let device = Device::cpu();
    let sumsq = tensor(1, 3, &[9.0, 16.0, 0.0]);
    let want = [(Some(1.0), 1.0 / (5.0 + 1e-6)), (Some(7.0), 1.0), (None, 1.0)];
    for (max_norm, scale) in want {
        let (mut out, mut log) = (poisoned(1, 1), poisoned(2, log::WIDTH));
        let cell = log::Cell { log: &mut log, row: 1, column: log::GRAD_NORM };
        device.clip_scale(&sumsq, max_norm, &mut out, cell);
        close("scale", values(&out), &[scale], 1e-7);
        assert_eq!(values(&log)[log::WIDTH + log::GRAD_NORM], 5.0);
    }
    let (mut out, mut log) = (scalar(0.0), tensor(1, log::WIDTH, &[0.0; log::WIDTH]));
    let cell = log::Cell { log: &mut log, row: 0, column: log::GRAD_NORM };
    device.clip_scale(&tensor(1, 2, &[f32::NAN, 1.0]), Some(1.0), &mut out, cell);
    assert!(values(&log)[log::GRAD_NORM].is_nan());
}
