//! Rows that rest and catch up, against updating every row at every step.

use crate::common::check::{by_atom, close, read, sparse_rows, tensor};
use crate::common::{devices, gpu, noise};
use archetypal::{
    Device, Tensor,
    device::{AdamStep, Grad, Projection},
};

const BATCH: usize = 6;
const WIDTH: usize = 3;

fn step(t: i32, decay: f32) -> AdamStep {
    AdamStep {
        one_minus_beta1: 0.1,
        beta2: 0.99,
        one_minus_beta2: 0.01,
        eps: 1e-8,
        step_size: 1e-2 / (1.0 - 0.9_f32.powi(t + 1)),
        inv_sqrt_bias2: 1.0 / (1.0 - 0.99_f32.powi(t + 1)).sqrt(),
        decay,
    }
}

/// Parameter and moments.
struct State {
    param: Tensor,
    first: Tensor,
    second: Tensor,
}

impl State {
    /// In its set, as a model is before it is trained.
    fn new(device: &Device, atoms: usize, cols: usize, projection: Projection) -> Self {
        let zeros = || tensor(device, atoms, cols, &vec![0.0; atoms * cols]);
        let start: Vec<f32> = noise(atoms * cols, 7).iter().map(|x| x.abs() + 0.1).collect();
        let mut param = tensor(device, atoms, cols, &start);
        device.project(&mut param, projection);
        Self { param, first: zeros(), second: zeros() }
    }
}

/// Trains `steps` steps twice, all rows at every step and only those that fire, and compares all that there is.
fn check(device: &Device, atoms: usize, cols: usize, projection: Projection, steps: usize) {
    let decay = if projection == Projection::None { 0.999 } else { 1.0 };
    let mut every = State::new(device, atoms, cols, projection);
    let mut some = State::new(device, atoms, cols, projection);
    let mut done = tensor(device, atoms, 1, &vec![0_u32; atoms]);
    let scale = tensor(device, 1, 1, &[0.5]);
    // Those that nobody has taken are never read.
    let mut taken = tensor(device, steps, 3, &vec![f32::NAN; 3 * steps]);
    for t in 0..steps {
        let rows = sparse_rows(BATCH, WIDTH, atoms, 100 + t as u64);
        let firing = by_atom(device, WIDTH, atoms, &rows);
        let values = tensor(device, BATCH, WIDTH, &noise(BATCH * WIDTH, 3 * t as u64));
        let source = tensor(device, BATCH, cols, &noise(BATCH * cols, 5 * t as u64));
        let grad = Grad::Rows { by_atom: &firing, values: &values, source: &source };
        let numbers = step(t as i32, decay);
        let State { param, first, second } = &mut every;
        device.adam(param, first, second, grad, &scale, numbers, projection);

        assert!(device.can_rest(&grad), "a whole batch can rest");
        let State { param, first, second } = &mut some;
        let (firing, now, last) = (Some(&firing), t as u32, step(t as i32 - 1, decay));
        device.catch_up(param, first, second, &mut done, firing, &mut taken, now, last, projection);
        device.adam_active(param, first, second, grad, &scale, numbers, projection);
    }
    let State { param, first, second } = &mut some;
    let (now, last) = (steps as u32, step(steps as i32 - 1, decay));
    device.catch_up(param, first, second, &mut done, None, &mut taken, now, last, projection);

    assert_eq!(read(&done), vec![now; atoms], "steps done");
    let of = |tensor: &Tensor| read(tensor).iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    let what = format!("{atoms} x {cols}, {projection:?}, {steps} steps on {}", device.name());
    close(&format!("parameter, {what}"), &read(&some.param), &of(&every.param), 1e-5);
    close(&format!("first moment, {what}"), &read(&some.first), &of(&every.first), 1e-6);
    close(&format!("second moment, {what}"), &read(&some.second), &of(&every.second), 1e-6);
}

#[test]
fn rows_that_rest_end_where_all_others_do() {
    for device in devices("rows_that_rest_end_where_all_others_do") {
        for (atoms, cols) in [(1, 1), (5, 127), (13, 129), (40, 1009)] {
            for projection in [Projection::Simplex, Projection::Ball(0.5)] {
                check(&device, atoms, cols, projection, 12);
            }
        }
        for projection in [Projection::None, Projection::UnitL2, Projection::UnitL1] {
            check(&device, 7, 33, projection, 12);
        }
    }
}

/// Of the parameter and its moments only: the batch, the steps and what is kept for each row have to be whole.
#[test]
fn rows_that_rest_in_several_buffers() {
    for (atoms, cols, max_binding) in [(40, 33, 1024), (13, 129, 3104), (300, 2, 1280)] {
        let device = gpu("rows_that_rest_in_several_buffers", Some(max_binding));
        let Some(device) = device else { return };
        for projection in [Projection::None, Projection::Simplex, Projection::Ball(0.5)] {
            check(&device, atoms, cols, projection, 12);
        }
    }
}

#[test]
fn a_row_may_rest_for_long() {
    // So long that its first moment comes to rest.
    for device in devices("a_row_may_rest_for_long") {
        check(&device, 2000, 5, Projection::Simplex, 230);
    }
}

#[test]
fn rows_beyond_one_dimension_of_workgroups() {
    for device in devices("rows_beyond_one_dimension_of_workgroups") {
        check(&device, 70_001, 1, Projection::Ball(0.5), 3);
    }
}
