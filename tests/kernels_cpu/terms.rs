//! Penalties: their values against plain loops in float64, their gradients against central differences of those.

use crate::util::*;
use archetypal::{
    Device, Tensor,
    device::{Entries, RowPenalty, log},
    expression::Expression,
    sae::Kernel,
};

/// Rows and columns: alone, a column, primes, one off a block, more than a block a row.
const SHAPES: [(usize, usize); 6] = [(1, 1), (4097, 1), (7, 31), (33, 127), (3, 257), (2, 701)];
const FACTOR: f32 = 0.37;

/// The row and column of the log that the tests write to.
fn cell(log: &mut Tensor) -> log::Cell<'_> {
    log::Cell { log, row: 1, column: log::TERMS + 2 }
}

/// The value that was written, and nothing else.
#[track_caller]
fn written(log: &Tensor) -> f32 {
    let place = log::WIDTH + log::TERMS + 2;
    let others = values(log).iter().enumerate().filter(|&(i, _)| i != place);
    assert!(others.into_iter().all(|(_, value)| value.is_nan()), "one place of the log is written");
    values(log)[place]
}

/// Numbers at a distance from 0, where many functions have a corner.
fn away_from_zero(random: &mut Random, len: usize) -> Vec<f32> {
    random.floats(len).iter().map(|v| v + 0.05 * v.signum()).collect()
}

fn slope(loss: impl Fn(&[f64]) -> f64, at: &[f64], i: usize) -> f64 {
    let moved = |by: f64| {
        let mut at = at.to_vec();
        at[i] += by;
        loss(&at)
    };
    (moved(1e-5) - moved(-1e-5)) / 2e-5
}

fn doubles(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Runs a penalty with and without counts, and compares it with the sum over rows of `loss`.
fn check_penalty(
    name: &str,
    [rows, cols]: [usize; 2],
    loss: impl Fn(&[f64]) -> f64,
    run: impl Fn(Entries<'_>, &mut Tensor, log::Cell<'_>),
) {
    let mut random = Random::new(40);
    let data = away_from_zero(&mut random, rows * cols);
    let before = random.floats(rows * cols);
    let counts: Vec<u32> = (0..rows).map(|row| ((row * 7 + 2) % (cols + 1)) as u32).collect();
    let counts_t = Tensor::from_slice(&Device::cpu(), rows, 1, &counts).unwrap();
    for counted in [false, true] {
        let count = |row: usize| if counted { counts[row] as usize } else { cols };
        // What is not an entry must not be read.
        let poison = |i: usize| if i % cols < count(i / cols) { data[i] } else { f32::NAN };
        let at: Vec<f32> = (0..data.len()).map(poison).collect();
        let (mut want, mut want_grad) = (0.0, doubles(&before));
        for row in 0..rows {
            let z = doubles(&at[row * cols..][..count(row)]);
            want += f64::from(FACTOR) * loss(&z);
            for i in 0..z.len() {
                want_grad[row * cols + i] += f64::from(FACTOR) * slope(&loss, &z, i);
            }
        }
        let (values_t, mut grad) = (tensor(rows, cols, &at), tensor(rows, cols, &before));
        let mut log = poisoned(2, log::WIDTH);
        let entries = Entries { values: &values_t, counts: counted.then_some(&counts_t) };
        run(entries, &mut grad, cell(&mut log));
        close(&format!("{name} {rows}×{cols}"), &[written(&log)], &[want], 2e-6);
        close(&format!("gradient of {name} {rows}×{cols}"), values(&grad), &want_grad, 2e-5);
    }
}

#[test]
fn pointwise_equals_its_expression() {
    type Case = (&'static str, fn(f64) -> f64);
    let cases: [Case; 4] = [
        ("abs(v)", f64::abs),
        ("v^2 / (1 + v^2)", |v| v * v / (1.0 + v * v)),
        ("log(1 + exp(2*v)) - tanh(v)", |v| (2.0 * v).exp().ln_1p() - v.tanh()),
        ("max(0.3, sqrt(v^2 + 1e-3)) + v^3", |v| 0.3_f64.max((v * v + 1e-3).sqrt()) + v.powi(3)),
    ];
    for (text, f) in cases {
        let expression: Expression = text.parse().unwrap();
        for (rows, cols) in SHAPES {
            let sum = |z: &[f64]| z.iter().map(|&v| f(v)).sum::<f64>();
            check_penalty(text, [rows, cols], sum, |at, grad, cell| {
                Device::cpu().pointwise(&expression, FACTOR, at, grad, cell);
            });
        }
    }
}

fn hoyer(z: &[f64], concepts: usize) -> f64 {
    let root = (concepts as f64).sqrt();
    let l1: f64 = z.iter().map(|z| z.abs()).sum();
    let l2 = z.iter().map(|z| z * z).sum::<f64>().sqrt();
    if concepts == 1 { 0.0 } else { (root - l1 / (l2 + 1e-6)) / (root - 1.0) }
}

fn kappa_4(z: &[f64]) -> f64 {
    let squares: f64 = z.iter().map(|z| z * z).sum();
    z.iter().map(|z| z.powi(4)).sum::<f64>() / (squares * squares + 1e-6)
}

#[test]
fn row_penalties_equal_their_formulas() {
    for (rows, cols) in SHAPES {
        for concepts in [cols, cols + 5] {
            let run = |penalty: RowPenalty| {
                move |at: Entries<'_>, grad: &mut Tensor, cell: log::Cell<'_>| {
                    Device::cpu().row_penalty(penalty, FACTOR, concepts, at, grad, cell);
                }
            };
            let shape = [rows, cols];
            check_penalty("hoyer", shape, |z| hoyer(z, concepts), run(RowPenalty::Hoyer));
            check_penalty("kappa_4", shape, kappa_4, run(RowPenalty::Kappa4));
        }
    }
}

#[test]
fn row_penalties_of_zero_rows_have_no_gradient() {
    let z = tensor(2, 3, &[0.0; 6]);
    for (penalty, want) in [(RowPenalty::Hoyer, hoyer(&[0.0; 3], 3)), (RowPenalty::Kappa4, 0.0)] {
        let (mut grad, mut log) = (tensor(2, 3, &[0.0; 6]), poisoned(2, log::WIDTH));
        let at = Entries { values: &z, counts: None };
        Device::cpu().row_penalty(penalty, 1.0, 3, at, &mut grad, cell(&mut log));
        assert_eq!(values(&grad), [0.0; 6], "{penalty:?}");
        close("penalty", &[written(&log)], &[2.0 * want], 1e-6);
    }
}

#[test]
fn reanimation_raises_what_no_row_uses() {
    let mut random = Random::new(42);
    for (rows, cols, every) in [(1, 1, 1), (1, 1, 2), (5, 13, 3), (67, 129, 2), (40, 257, 1)] {
        let pre = random.floats(rows * cols);
        // Concepts whose number is divisible by `every` are used, if only by the last row.
        let used = |i: usize| (i % cols + 1).is_multiple_of(every) && i / cols == rows - 1;
        let z: Vec<f32> =
            (0..pre.len()).map(|i| if used(i) { 0.1 + pre[i].abs() } else { 0.0 }).collect();
        let dead = |j: usize| !(j + 1).is_multiple_of(every);
        let count = (0..cols).filter(|&j| dead(j)).count() as f64;
        let loss = |pre: &[f64]| {
            let sum: f64 = (0..pre.len()).filter(|i| dead(i % cols)).map(|i| pre[i]).sum();
            -f64::from(FACTOR) * sum / (count + 1e-6)
        };
        let before = random.floats(rows * cols);
        let (mut grad, mut log) = (tensor(rows, cols, &before), poisoned(2, log::WIDTH));
        let (pre_t, z_t) = (tensor(rows, cols, &pre), tensor(rows, cols, &z));
        Device::cpu().reanimate(&pre_t, &z_t, FACTOR, &mut grad, cell(&mut log));
        close("value", &[written(&log)], &[loss(&doubles(&pre))], 1e-6);
        for i in (0..pre.len()).step_by(pre.len().div_ceil(150)) {
            let want = f64::from(before[i]) + slope(loss, &doubles(&pre), i);
            close("gradient", &values(&grad)[i..=i], &[want], 1e-6);
        }
    }
}

#[test]
fn the_number_of_active_codes_is_pulled_to_its_target() {
    let mut random = Random::new(43);
    for (rows, cols) in [(1, 1), (7, 31), (129, 65), (70, 300)] {
        let pre: Vec<f32> = random.floats(rows * cols).iter().map(|x| 0.3 * x + 0.05).collect();
        let thresholds: Vec<f32> = random.floats(cols).iter().map(|t| t - 3.0).collect();
        let before = random.floats(cols);
        let (active, target) = (3.5 * rows as f32, 2.0_f32);
        let value = |l0: f64| f64::from(FACTOR) * (l0 / f64::from(target) - 1.0).powi(2);
        let l0 = f64::from(active) / rows as f64;
        let by_l0 = slope(|l0| value(l0[0]), &[l0], 0);
        for (kernel, bandwidth) in Kernel::ALL.into_iter().zip([0.1_f32, 0.02].into_iter().cycle())
        {
            let want: Vec<f64> = (0..cols)
                .map(|j| {
                    let theta = f64::from(thresholds[j]).exp();
                    let kappa = |row: usize| {
                        let a = pre[row * cols + j].max(0.0);
                        f64::from(kernel.value((f64::from(a) - theta) as f32, bandwidth))
                    };
                    let by_theta = (0..rows).map(|row| -kappa(row)).sum::<f64>() / rows as f64;
                    f64::from(before[j]) + by_l0 * theta * by_theta
                })
                .collect();
            let mut data = vec![f32::NAN; 2 * log::WIDTH];
            data[log::WIDTH + log::ACTIVE] = active;
            let (mut log, mut grad) = (tensor(2, log::WIDTH, &data), column(&before));
            Device::cpu().l0_penalty(
                &tensor(rows, cols, &pre),
                &column(&thresholds),
                kernel,
                bandwidth,
                FACTOR,
                target,
                &mut grad,
                cell(&mut log),
            );
            close(kernel.name(), values(&grad), &want, 2e-5);
            close("value", &[values(&log)[log::WIDTH + log::TERMS + 2]], &[value(l0)], 1e-6);
        }
    }
}

#[test]
fn terms_of_an_empty_batch_are_zero() {
    let (empty, f) = (tensor(0, 5, &[]), "abs(v) + 1".parse().unwrap());
    let (mut grad, mut log) = (tensor(0, 5, &[]), poisoned(2, log::WIDTH));
    let device = Device::cpu();
    let at = Entries { values: &empty, counts: None };
    device.pointwise(&f, 1.0, at, &mut grad, cell(&mut log));
    assert_eq!(written(&log), 0.0);
    device.row_penalty(RowPenalty::Hoyer, 1.0, 5, at, &mut grad, cell(&mut log));
    assert_eq!(written(&log), 0.0);
    device.reanimate(&empty, &empty, 1.0, &mut grad, cell(&mut log));
    assert_eq!(written(&log), 0.0);
}
