//! The end of building a dictionary, and the beginning of its backward pass.

use crate::util::*;
use archetypal::Device;

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

#[test]
fn the_backward_pass_of_a_dictionary() {
    let device = Device::cpu();
    let mut random = Random::new(33);
    for (rows, cols) in [(1, 1), (64, 64), (13, 4099), (701, 31)] {
        let (atoms, grad) = (random.floats(rows * cols), random.floats(rows * cols));
        for multiplier in [None, Some(-0.6_f32)] {
            let scale = f64::from(multiplier.unwrap_or(0.0)).exp();
            let m = multiplier.map(scalar);
            let mut dictionary = poisoned(rows, cols);
            device.scale_atoms(&tensor(rows, cols, &atoms), m.as_ref(), &mut dictionary);
            let want: Vec<f64> = atoms.iter().map(|&v| f64::from(v) * scale).collect();
            close("D", values(&dictionary), &want, 1e-6);

            let pairs = values(&dictionary).iter().zip(&grad);
            let along: f64 = pairs.map(|(&d, &g)| f64::from(d) * f64::from(g)).sum();
            let want: Vec<f64> = grad.iter().map(|&g| f64::from(g) * scale).collect();
            let (mut g, mut grad_m) = (tensor(rows, cols, &grad), poisoned(1, 1));
            device.dictionary_backward(&dictionary, m.as_ref(), &mut g, &mut grad_m);
            close("∂m", values(&grad_m), &[along], 1e-6);
            close("∂atoms", values(&g), &want, 1e-6);
            if multiplier.is_none() {
                assert_eq!((values(&g), values(&dictionary)), (&grad[..], &atoms[..]));
            }
        }
    }
    let (mut none, mut grad_m) = (tensor(0, 3, &[]), poisoned(1, 1));
    device.dictionary_backward(&tensor(0, 3, &[]), None, &mut none, &mut grad_m);
    assert_eq!(values(&grad_m), [0.0]);
}
