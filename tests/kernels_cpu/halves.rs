//! Float16: rounding, and products that read it and sum in float32.

use crate::{
    selection::{LINEAR_TOP_K_SHAPES, check_linear_top_k},
    util::*,
};
use archetypal::{Device, device::Halves};
use half::f16;
use pollster::block_on;

/// A copy in a place that held something else, the padding too.
fn narrowed(rows: usize, cols: usize, values: &[f32]) -> Halves {
    let device = Device::cpu();
    let mut halves = Halves::zeros(&device, rows, cols).unwrap();
    halves.pairs.write(&vec![0x7e01_7e01; halves.pairs.len()]);
    device.narrow(&tensor(rows, cols, values), &mut halves);
    halves
}

fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&value| f16::from_f32(value).to_f32()).collect()
}

#[test]
fn numbers_are_rounded_to_the_nearest_and_stay_finite() {
    let values = [1.0, 2049.0, 2051.0, 65_504.0, 1e9, -1e9, 1e-9, -0.0, 6e-8, f32::INFINITY];
    let want = [1.0, 2048.0, 2052.0, 65_504.0, 65_504.0, -65_504.0, 0.0, -0.0, 5.960_464_5e-8];
    let got = block_on(narrowed(1, 10, &values).read()).unwrap();
    assert_eq!(got[..9], want);
    assert!(got[9].is_infinite());
    assert!(block_on(narrowed(1, 1, &[f32::NAN]).read()).unwrap()[0].is_nan());
    let mut random = Random::new(5);
    for (rows, cols) in [(1, 1), (3, 5), (17, 4), (200, 131)] {
        let values = random.floats(rows * cols);
        let got = block_on(narrowed(rows, cols, &values).read()).unwrap();
        assert_eq!(got, rounded(&values), "{rows} × {cols}");
    }
}

#[test]
fn products_equal_a_triple_loop() {
    let device = Device::cpu();
    let mut random = Random::new(6);
    // The last has more than one block of rows of B.
    for (m, n, k) in
        [(1, 1, 1), (1, 7, 3), (5, 1, 129), (13, 17, 31), (64, 65, 64), (3, 5, 0), (9, 2100, 10)]
    {
        let (a, b, bias) = (random.floats(m * k), random.floats(n * k), random.floats(n));
        let (halves_a, halves_b) = (narrowed(m, k, &a), narrowed(n, k, &b));
        let (a, b) = (rounded(&a), rounded(&b));
        for with_bias in [false, true] {
            let term = |i: usize| if with_bias { f64::from(bias[i % n]) } else { 0.0 };
            let product = |i: usize| -> f64 {
                let (row, col) = (&a[i / n * k..][..k], &b[i % n * k..][..k]);
                row.iter().zip(col).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
            };
            let want: Vec<f64> = (0..m * n).map(|i| product(i) + term(i)).collect();
            let bias = column(&bias);
            let mut out = poisoned(m, n);
            device.gemm_halves(&halves_a, &halves_b, with_bias.then_some(&bias), &mut out);
            close(&format!("{m} × {n} × {k}, bias {with_bias}"), values(&out), &want, 1e-5);
        }
    }
}

#[test]
fn top_k_is_that_of_the_product() {
    let device = Device::cpu();
    let mut random = Random::new(7);
    for shape @ (rows, concepts, d, _) in LINEAR_TOP_K_SHAPES {
        let x = narrowed(rows, d, &random.floats(rows * d));
        let weight = narrowed(concepts, d, &random.floats(concepts * d));
        let bias = column(&random.floats(concepts));
        for bias in [None, Some(&bias)] {
            check_linear_top_k(
                shape,
                |pre| device.gemm_halves(&x, &weight, bias, pre),
                |room, codes| device.linear_top_k_halves(&x, &weight, bias, room, codes),
            );
        }
    }
}
