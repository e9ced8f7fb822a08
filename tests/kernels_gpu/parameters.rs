//! The norm of a gradient, Adam and the projections.

use crate::common::check::{by_atom, close, codes, poisoned, read, sparse_rows, tensor};
use crate::common::{gpu, noise};
use crate::sparse::transposed;
use archetypal::device::{AdamStep, ByAtom, Codes, Grad, Projection};
use archetypal::{Device, Tensor};

/// K, n, B, places a row, and the largest binding.
const SHAPES: [(usize, usize, usize, usize, Option<u64>); 7] = [
    (1, 1, 1, 1, None),
    (31, 63, 20, 3, None),
    (7, 1031, 33, 4, None),
    (300, 129, 40, 9, None),
    (31, 63, 20, 3, Some(2048)),
    (200, 9, 70, 5, Some(4096)),
    (65, 129, 40, 2, Some(2240)),
];

/// A gradient made from entries, and the same one in float64.
struct Made {
    codes: Codes,
    by_atom: ByAtom,
    source: Tensor,
    values: Vec<f64>,
}

impl Made {
    fn new(device: &Device, concepts: usize, n: usize, batch: usize, width: usize) -> Self {
        let rows = sparse_rows(batch, width, concepts, 1);
        let source = noise(batch * n, 2);
        Self {
            codes: codes(device, width, concepts, &rows),
            by_atom: by_atom(device, width, concepts, &rows),
            source: tensor(device, batch, n, &source),
            values: transposed(&rows, concepts, &source, n),
        }
    }

    fn grad(&self) -> Grad<'_> {
        Grad::Rows { by_atom: &self.by_atom, values: &self.codes.values, source: &self.source }
    }
}

#[test]
fn sums_of_squares() {
    for (concepts, n, batch, width, max_binding) in SHAPES {
        let Some(device) = gpu("sums_of_squares", max_binding) else { return };
        let made = Made::new(&device, concepts, n, batch, width);
        let stored: Vec<f32> = made.values.iter().map(|value| *value as f32).collect();
        let stored = tensor(&device, concepts, n, &stored);
        let want: f64 = made.values.iter().map(|value| value * value).sum();
        let mut out = tensor(&device, 1, 4, &[7.0; 4]);
        device.sumsq(made.grad(), &mut out, 1);
        device.sumsq(Grad::Dense(&stored), &mut out, 2);
        close("sums", &read(&out), &[7.0, want, want, 7.0], 1e-5);
    }
}

#[test]
fn the_sum_of_a_long_gradient() {
    let Some(device) = gpu("the_sum_of_a_long_gradient", None) else { return };
    let mut out = poisoned(&device, 1, 1);
    // The longer one has more partial sums than a thread of the last workgroup reads at once.
    for rows in [10_007, 300_007] {
        let values = noise(rows * 31, 3);
        let want: f64 = values.iter().map(|value| f64::from(*value).powi(2)).sum();
        device.sumsq(Grad::Dense(&tensor(&device, rows, 31, &values)), &mut out, 0);
        close("sum", &read(&out), &[want], 1e-6);
    }
    device.sumsq(Grad::Dense(&tensor(&device, 0, 31, &[])), &mut out, 0);
    assert_eq!(read(&out), [0.0]);
}

/// The projection on the CPU.
fn project(values: &mut [f64], n: usize, projection: Projection) {
    let single: Vec<f32> = values.iter().map(|value| *value as f32).collect();
    let mut param = tensor(&Device::cpu(), single.len() / n, n, &single);
    Device::cpu().project(&mut param, projection);
    values.iter_mut().zip(read(&param)).for_each(|(value, new)| *value = new.into());
}

/// Those of one row after another.
const ROW_WISE: [Projection; 7] = [
    Projection::None,
    Projection::Simplex,
    Projection::Ball(0.5),
    Projection::Ball(0.0),
    Projection::UnitL2,
    Projection::UnitL1,
    Projection::AtLeast(0.2),
];

#[test]
fn projections() {
    for (concepts, n, _, _, max_binding) in SHAPES {
        let Some(device) = gpu("projections", max_binding) else { return };
        let mut values = noise(concepts * n, 4);
        values[..n].fill(0.0); // a zero row stays zero
        for projection in ROW_WISE.into_iter().chain([Projection::MaxL2, Projection::MaxL1]) {
            let mut param = tensor(&device, concepts, n, &values);
            device.project(&mut param, projection);
            let mut want: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
            project(&mut want, n, projection);
            close(&format!("{projection:?}"), &read(&param), &want, 1e-5);
        }
    }
}

#[test]
fn projections_by_the_largest_norm_of_any_row() {
    for (rows, n, max_binding) in [(65_600, 3, None), (3001, 5, Some(2048))] {
        let Some(device) = gpu("the_largest_norm", max_binding) else { return };
        for projection in [Projection::MaxL2, Projection::MaxL1] {
            for longest in [0, rows / 2, rows - 1] {
                let mut values = noise(rows * n, 9);
                values[longest * n..][..n].fill(-4.0);
                let mut param = tensor(&device, rows, n, &values);
                device.project(&mut param, projection);
                let mut want: Vec<f64> = values.iter().map(|value| f64::from(*value)).collect();
                project(&mut want, n, projection);
                close(&format!("{projection:?}"), &read(&param), &want, 1e-6);
            }
            let mut zeros = tensor(&device, rows, n, &vec![0.0; rows * n]);
            device.project(&mut zeros, projection);
            assert_eq!(read(&zeros), vec![0.0; rows * n]);
            let mut values = vec![1.0; rows * n];
            values[rows * n / 2] = f32::NAN;
            let mut ruined = tensor(&device, rows, n, &values);
            device.project(&mut ruined, projection);
            assert!(read(&ruined)[0].is_nan(), "a norm that is not a number is to be seen");
        }
    }
}

fn step(t: i32) -> AdamStep {
    let (lr, beta1, beta2) = (1e-2_f32, 0.9_f32, 0.999_f32);
    AdamStep {
        one_minus_beta1: 1.0 - beta1,
        beta2,
        one_minus_beta2: 1.0 - beta2,
        eps: 1e-8,
        step_size: lr / (1.0 - beta1.powi(t)),
        inv_sqrt_bias2: 1.0 / (1.0 - beta2.powi(t)).sqrt(),
        decay: 1.0 - 0.1 * (t - 1) as f32,
    }
}

/// [parameter, first moment, second moment] after one step, in float64.
fn adam(state: &mut [Vec<f64>; 3], grad: &[f64], scale: f64, step: &AdamStep) {
    let (beta2, rest1, rest2) =
        (f64::from(step.beta2), f64::from(step.one_minus_beta1), f64::from(step.one_minus_beta2));
    for (i, grad) in grad.iter().enumerate() {
        let g = grad * scale;
        state[1][i] += rest1 * (g - state[1][i]);
        state[2][i] = beta2 * state[2][i] + rest2 * g * g;
        let root = state[2][i].sqrt() * f64::from(step.inv_sqrt_bias2) + f64::from(step.eps);
        state[0][i] *= f64::from(step.decay);
        state[0][i] -= f64::from(step.step_size) * state[1][i] / root;
    }
}

#[test]
fn adam_then_projection() {
    for (concepts, n, batch, width, max_binding) in SHAPES {
        let Some(device) = gpu("adam_then_projection", max_binding) else { return };
        let made = Made::new(&device, concepts, n, batch, width);
        let stored: Vec<f32> = made.values.iter().map(|value| *value as f32).collect();
        let stored = tensor(&device, concepts, n, &stored);
        let scale = tensor(&device, 1, 1, &[0.25]);
        let start = noise(concepts * n, 5);
        for projection in ROW_WISE {
            for grad in [made.grad(), Grad::Dense(&stored)] {
                let mut want = [0, 1, 2].map(|_| vec![0.0; concepts * n]);
                want[0] = start.iter().map(|value| f64::from(*value)).collect();
                let mut param = tensor(&device, concepts, n, &start);
                let mut first = Tensor::zeros(&device, concepts, n).unwrap();
                let mut second = Tensor::zeros(&device, concepts, n).unwrap();
                for t in 1..=2 {
                    let step = step(t);
                    device.adam(
                        &mut param,
                        &mut first,
                        &mut second,
                        grad,
                        &scale,
                        step,
                        projection,
                    );
                    adam(&mut want, &made.values, 0.25, &step);
                    project(&mut want[0], n, projection);
                }
                let what = format!("{concepts} × {n}, {projection:?}, {max_binding:?}");
                close(&format!("first moment, {what}"), &read(&first), &want[1], 1e-5);
                close(&format!("second moment, {what}"), &read(&second), &want[2], 1e-5);
                close(&format!("parameter, {what}"), &read(&param), &want[0], 2e-5);
            }
        }
    }
}

/// More workgroups than one dimension has: a bias of many concepts.
#[test]
fn folded_workgroups() {
    let Some(device) = gpu("folded_workgroups", None) else { return };
    let concepts = 65_600;
    let (start, grad) = (noise(concepts, 6), noise(concepts, 7));
    let mut param = tensor(&device, concepts, 1, &start);
    let mut first = Tensor::zeros(&device, concepts, 1).unwrap();
    let mut second = Tensor::zeros(&device, concepts, 1).unwrap();
    let grad_tensor = tensor(&device, concepts, 1, &grad);
    let scale = tensor(&device, 1, 1, &[1.0]);
    let grad_given = Grad::Dense(&grad_tensor);
    let step = step(1);
    device.adam(&mut param, &mut first, &mut second, grad_given, &scale, step, Projection::None);
    let mut want = [0, 1, 2].map(|_| vec![0.0; concepts]);
    want[0] = start.iter().map(|value| f64::from(*value)).collect();
    adam(&mut want, &grad.iter().map(|g| f64::from(*g)).collect::<Vec<_>>(), 1.0, &step);
    close("parameter", &read(&param), &want[0], 1e-5);
}

/// The last batch may be empty: the moments still decay and move the parameter.
#[test]
fn an_empty_batch_has_a_zero_gradient() {
    let Some(device) = gpu("an_empty_batch_has_a_zero_gradient", None) else { return };
    let (concepts, n) = (4, 5);
    let mut made = Made::new(&device, concepts, n, 6, 2);
    made.codes.set_rows(0);
    made.source.set_rows(0);
    let start = noise(concepts * n, 8);
    let moments = vec![0.5; concepts * n];
    let mut param = tensor(&device, concepts, n, &start);
    let mut first = tensor(&device, concepts, n, &moments);
    let mut second = tensor(&device, concepts, n, &moments);
    let scale = tensor(&device, 1, 1, &[1.0]);
    let step = step(3);
    device.adam(&mut param, &mut first, &mut second, made.grad(), &scale, step, Projection::None);
    let double = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
    let mut want = [double(&start), double(&moments), double(&moments)];
    adam(&mut want, &vec![0.0; concepts * n], 1.0, &step);
    close("parameter", &read(&param), &want[0], 1e-5);
    close("first moment", &read(&first), &want[1], 1e-6);
    close("second moment", &read(&second), &want[2], 1e-6);
}
