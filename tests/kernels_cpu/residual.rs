//! What the codes leave over, and the concepts that are to tell it.

use crate::util::*;
use archetypal::{Device, Tensor, device::log};

const SHAPES: [(usize, usize); 5] = [(1, 1), (7, 31), (130, 127), (4097, 1), (2, 4099)];

fn ages(random: &mut Random, concepts: usize) -> Vec<u32> {
    (0..concepts).map(|_| random.below(9) as u32).collect()
}

fn integer_column(data: &[u32]) -> Tensor<u32> {
    Tensor::from_slice(&Device::cpu(), data.len(), 1, data).unwrap()
}

#[test]
fn the_remainder_is_what_was_not_chosen() {
    let mut random = Random::new(50);
    for (rows, cols) in SHAPES {
        let (pre, z) = (random.floats(rows * cols), random.floats(rows * cols));
        let idle = ages(&mut random, cols);
        let idle_t = integer_column(&idle);
        for limit in [None, Some(0), Some(4), Some(u32::MAX)] {
            let mut out = poisoned(rows, cols);
            let (pre_t, z_t) = (tensor(rows, cols, &pre), tensor(rows, cols, &z));
            Device::cpu().remainder(&pre_t, &z_t, limit.map(|limit| (&idle_t, limit)), &mut out);
            let want: Vec<f64> = (0..pre.len())
                .map(|i| match limit {
                    Some(limit) if idle[i % cols] < limit => 0.0,
                    _ => f64::from(pre[i]).max(0.0) - f64::from(z[i]),
                })
                .collect();
            close("remainder", values(&out), &want, 1e-6);
        }
    }
}

/// c · mean(((x − x̂) − ê)²)
fn error(c: f64, x: &[f64], x_hat: &[f64], e_hat: &[f64]) -> f64 {
    let q = (0..x.len()).map(|i| (x[i] - x_hat[i] - e_hat[i]).powi(2));
    c * q.sum::<f64>() / x.len() as f64
}

#[test]
fn residual_error_has_the_gradients_of_its_value() {
    let mut random = Random::new(51);
    for (rows, cols) in SHAPES {
        let len = rows * cols;
        let [x, x_hat, e_hat, before] = [(); 4].map(|()| random.floats(len));
        let [xd, x_hatd, e_hatd] =
            [&x, &x_hat, &e_hat].map(|v| v.iter().map(|&v| f64::from(v)).collect::<Vec<f64>>());
        for (scale, both) in [(None, false), (Some(0.3_f32), true), (None, true)] {
            let c = 0.7 * f64::from(scale.unwrap_or(1.0));
            let mut out = tensor(rows, cols, &e_hat);
            let mut grad = tensor(rows, cols, &before);
            let mut log = poisoned(1, log::WIDTH);
            Device::cpu().residual_error(
                &tensor(rows, cols, &x),
                &tensor(rows, cols, &x_hat),
                0.7,
                scale.map(scalar).as_ref(),
                &mut out,
                both.then_some(&mut grad),
                log::Cell { log: &mut log, row: 0, column: log::TERMS },
            );
            let want = error(c, &xd, &x_hatd, &e_hatd);
            close("value", &values(&log)[log::TERMS..=log::TERMS], &[want], 1e-6);
            for i in (0..len).step_by(len.div_ceil(50)) {
                let slope = |e_hat_moves: bool| {
                    let moved = |by: f64| {
                        let (mut x_hat, mut e_hat) = (x_hatd.clone(), e_hatd.clone());
                        (if e_hat_moves { &mut e_hat } else { &mut x_hat })[i] += by;
                        error(c, &xd, &x_hat, &e_hat)
                    };
                    (moved(1e-3) - moved(-1e-3)) / 2e-3
                };
                close("∂ê", &values(&out)[i..=i], &[slope(true)], 1e-6);
                let add = if both { slope(false) } else { 0.0 };
                close("∂x̂", &values(&grad)[i..=i], &[f64::from(before[i]) + add], 1e-6);
            }
        }
    }
}

#[test]
fn the_dead_share_is_at_most_one() {
    let idle = integer_column(&[0, 5, 9, u32::MAX, 5]);
    let cases = [(0, 10, 0.5), (5, 10, 0.4), (6, 3, 2.0 / 3.0), (5, 2, 1.0), (u32::MAX, 1, 1.0)];
    for (limit, at_most, want) in cases {
        let mut out = poisoned(1, 1);
        Device::cpu().dead_share(&idle, limit, at_most, &mut out);
        close("share", values(&out), &[want], 1e-7);
    }
}

#[test]
fn entries_are_added_to_their_places() {
    let mut random = Random::new(52);
    for (batch, width, concepts) in [(1, 1, 1), (9, 3, 2001), (31, 13, 13), (70, 9, 131)] {
        let codes = random_codes(&mut random, batch, width, concepts);
        let mut add = values(&poisoned(batch, width)).to_vec();
        let before = random.floats(batch * concepts);
        let mut want: Vec<f64> = before.iter().map(|&x| f64::from(x)).collect();
        for (entry, row, concept, _) in entries(&codes) {
            add[entry] = random.float();
            want[row * concepts + concept] += -0.7 * f64::from(add[entry]);
        }
        let mut dense = tensor(batch, concepts, &before);
        Device::cpu().scatter_add(&codes, &tensor(batch, width, &add), -0.7, &mut dense);
        close("dense", values(&dense), &want, 1e-6);
    }
}
