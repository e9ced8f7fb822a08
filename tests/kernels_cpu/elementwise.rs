//! Operations on each element for itself.

use crate::util::*;
use archetypal::Device;

const SHAPES: [(usize, usize); 5] = [(1, 1), (7, 13), (1, 4097), (4096, 1), (131, 129)];

#[test]
fn fill_writes_every_row_in_use() {
    for (rows, cols) in SHAPES {
        let mut out = poisoned(rows + 1, cols);
        out.set_rows(rows);
        Device::cpu().fill(&mut out, -0.75);
        assert_eq!(values(&out), vec![-0.75; rows * cols]);
        out.set_rows(rows + 1);
        assert!(values(&out)[rows * cols..].iter().all(|x| x.is_nan()), "a row not in use");
    }
}

#[test]
fn logarithms() {
    let mut random = Random::new(60);
    for (rows, cols) in SHAPES {
        let a: Vec<f32> = random.floats(rows * cols).iter().map(|x| (40.0 * x).exp()).collect();
        let want: Vec<f64> = a.iter().map(|&a| f64::from(a).ln()).collect();
        let mut out = poisoned(rows, cols);
        Device::cpu().ln(&tensor(rows, cols, &a), &mut out);
        close("ln", values(&out), &want, 1e-7);
    }
}

#[test]
fn above_keeps_what_reaches_the_threshold() {
    let mut random = Random::new(61);
    for (rows, cols) in SHAPES {
        let mut pre = random.floats(rows * cols);
        pre[0] = 0.25;
        for threshold in [0.25, 0.0, -1.0, 2.0] {
            let want: Vec<f32> = pre
                .iter()
                .map(|x| x.max(0.0))
                .map(|a| if a >= threshold { a } else { 0.0 })
                .collect();
            let mut z = poisoned(rows, cols);
            Device::cpu().above(&tensor(rows, cols, &pre), &scalar(threshold), &mut z);
            assert_eq!(values(&z), want, "threshold {threshold}");
        }
    }
    let mut z = poisoned(1, 2);
    Device::cpu().above(&tensor(1, 2, &[f32::NAN, f32::INFINITY]), &scalar(1.0), &mut z);
    assert!(values(&z)[0].is_nan(), "a NaN goes on, so that the loss shows it");
    assert_eq!(values(&z)[1], f32::INFINITY);
}

#[test]
fn gradients_pass_where_something_is_selected() {
    let mut random = Random::new(62);
    for (rows, cols) in SHAPES {
        let grad = random.floats(rows * cols);
        let z: Vec<f32> = (0..rows * cols).map(|i| [0.0, 1e-42, -0.0, -2.0][i % 4]).collect();
        let want: Vec<f32> =
            (0..rows * cols).map(|i| if i % 4 % 2 == 0 { 0.0 } else { grad[i] }).collect();
        let mut kept = tensor(rows, cols, &grad);
        Device::cpu().keep_selected(&tensor(rows, cols, &z), &mut kept);
        assert_eq!(values(&kept), want);
    }
}

#[test]
fn gradients_of_thresholds_that_are_trained_directly() {
    let mut random = Random::new(63);
    for concepts in [1, 97, 5000] {
        let theta: Vec<f32> = random.floats(concepts).iter().map(|x| x.abs() + 1e-3).collect();
        let grad = random.floats(concepts);
        let pairs = theta.iter().zip(&grad);
        let want: Vec<f64> =
            pairs.map(|(&theta, &g)| f64::from(g) * 0.02 / f64::from(theta)).collect();
        let mut out = column(&grad);
        Device::cpu().direct_thresholds(&column(&theta), 0.02, &mut out);
        close("∂θ", values(&out), &want, 1e-6);
    }
    let mut none = column(&[0.0]);
    Device::cpu().direct_thresholds(&column(&[0.0]), 0.02, &mut none);
    assert_eq!(values(&none), [0.0], "a threshold of 0");
}
