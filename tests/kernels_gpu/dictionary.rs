//! The end of building a dictionary, and the beginning of its backward pass.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{gpu, noise};
use archetypal::Device;

/// Rows, columns, and the largest binding; the last shape takes more than 65 535 workgroups of 256 elements.
const SHAPES: [(usize, usize, Option<u64>); 6] = [
    (1, 1, None),
    (2, 4097, None),
    (131, 7, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
    (65_537, 256, None),
];

#[test]
fn relaxation_and_multiplier() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("relaxation", max_binding) else { return };
        let (wc, r) = (noise(rows * cols, 1), noise(rows * cols, 2));
        let r_t = tensor(&device, rows, cols, &r);
        for m in [None, Some(0.3_f32)] {
            let multiplier = m.map(|m| tensor(&device, 1, 1, &[m]));
            let mut out = tensor(&device, rows, cols, &wc);
            device.add_relaxation(&mut out, &r_t, multiplier.as_ref());
            let scale = f64::from(m.unwrap_or(0.0)).exp();
            let want: Vec<f64> =
                wc.iter().zip(&r).map(|(&wc, &r)| (f64::from(wc) + f64::from(r)) * scale).collect();
            close("D", &read(&out), &want, 1e-6);
        }
    }
}

/// D, ∂atoms and ∂m of one device.
fn pass(device: &Device, rows: usize, cols: usize, m: Option<f32>) -> [Vec<f32>; 3] {
    let atoms = tensor(device, rows, cols, &noise(rows * cols, 3));
    let mut grad = tensor(device, rows, cols, &noise(rows * cols, 4));
    let multiplier = m.map(|m| tensor(device, 1, 1, &[m]));
    let mut dictionary = poisoned(device, rows, cols);
    let mut grad_m = poisoned(device, 1, 1);
    let m = multiplier.as_ref();
    device.scale_atoms(&atoms, m, &mut dictionary);
    device.dictionary_backward(&dictionary, m, &mut grad, &mut grad_m);
    [read(&dictionary), read(&grad), read(&grad_m)]
}

#[test]
fn the_backward_pass_of_a_dictionary() {
    for (rows, cols, max_binding) in SHAPES {
        let Some(device) = gpu("dictionary_backward", max_binding) else { return };
        for m in [None, Some(-0.6)] {
            let want = pass(&Device::cpu(), rows, cols, m)
                .map(|values| values.into_iter().map(f64::from).collect::<Vec<_>>());
            let got = pass(&device, rows, cols, m);
            close("D", &got[0], &want[0], 1e-6);
            close("∂atoms", &got[1], &want[1], 1e-6);
            // The terms are about ⅓ in the root of their mean square.
            let size = ((rows * cols) as f64).sqrt();
            close("∂m", &got[2], &want[2], 1e-6 * size.max(1.0));
        }
    }
}

#[test]
fn rows_in_use_of_a_longer_operand() {
    let Some(device) = gpu("rows_in_use_of_a_longer_operand", Some(1024)) else { return };
    let (rows, used, cols) = (50, 10, 64);
    let atoms = noise(used * cols, 5);
    let mut out = poisoned(&device, rows, cols);
    out.set_rows(used);
    device.scale_atoms(&tensor(&device, used, cols, &atoms), None, &mut out);
    assert_eq!(read(&out), atoms);
    out.set_rows(rows);
    assert!(read(&out)[used * cols..].iter().all(|x| x.is_nan()), "a row not in use");
}
