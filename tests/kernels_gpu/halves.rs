//! Float16: rounding to the bits of the CPU, and the product in each of its texts.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{bits, gpu_with, noise, skipped};
use crate::gemm::SHAPES;
use archetypal::device::{Codes, GpuOptions, Halves, TopKRoom};
use archetypal::{Device, Tensor};
use half::f16;
use pollster::block_on;

/// Every text, and operands that are split.
fn devices(test: &str) -> impl Iterator<Item = Device> {
    let all = [false, true].map(|software| {
        [false, true]
            .map(|unpack| [None, Some(4096)].map(|max_binding| (software, unpack, max_binding)))
    });
    all.into_iter().flatten().flatten().filter_map(move |(software, unpack_halves, max_binding)| {
        let software_kernels = Some(software);
        let options =
            GpuOptions { max_binding, software_kernels, unpack_halves, ..Default::default() };
        gpu_with(test, options)
    })
}

/// A copy in a place that held something else, the padding too.
fn narrowed(device: &Device, a: &Tensor) -> Halves {
    let [rows, cols] = a.shape();
    let mut halves = Halves::zeros(device, rows, cols).unwrap();
    halves.pairs.write(&vec![0x7e01_7e01; halves.pairs.len()]);
    device.narrow(a, &mut halves);
    halves
}

fn rounded(values: &[f32]) -> Vec<f32> {
    values.iter().map(|&value| f16::from_f32(value).to_f32()).collect()
}

/// Numbers of all sizes, ties among them, and what is none.
fn awkward(len: usize) -> Vec<f32> {
    let special = [
        0.0,
        -0.0,
        65_504.0,
        65_519.9,
        -65_520.0,
        1e30,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
        6.1e-5,
        6.103_516e-5,
        2.98e-8,
        2.980_232_2e-8,
        -8.940_697e-8,
        f32::MIN_POSITIVE,
        1.000_488_3,
        1.001_464_8,
        -2_049.0,
        2_051.0,
    ];
    let sizes = bits(len, 9).into_iter().map(|bits| 2.0_f32.powi((bits % 50) as i32 - 30));
    let mut values: Vec<f32> = noise(len, 8).into_iter().zip(sizes).map(|(x, s)| x * s).collect();
    for (value, special) in values.iter_mut().zip(special) {
        *value = special;
    }
    values
}

#[test]
fn the_bits_of_the_cpu() {
    for max_binding in [None, Some(1024)] {
        let options = GpuOptions { max_binding, ..Default::default() };
        let Some(device) = gpu_with("the_bits_of_the_cpu", options) else { return };
        for (rows, cols) in [(1, 1), (1, 19), (7, 13), (61, 67), (129, 64), (3, 254), (0, 5)] {
            let a = awkward(rows * cols);
            let [gpu, cpu] = [&device, &Device::cpu()].map(|device| {
                let halves = narrowed(device, &tensor(device, rows, cols, &a));
                (read(&halves.pairs), block_on(halves.read()).unwrap())
            });
            let nan = |pairs: &[u32]| -> Vec<u16> {
                let halves: &[f16] = bytemuck::cast_slice(pairs);
                halves
                    .iter()
                    .map(|half| if half.is_nan() { 0x7e00 } else { half.to_bits() })
                    .collect()
            };
            assert_eq!(nan(&gpu.0), nan(&cpu.0), "{rows} × {cols}");
            for (a, half) in a.iter().zip(gpu.1) {
                let want = match f16::from_f32(*a) {
                    half if half.is_infinite() && a.is_finite() => f16::MAX.to_f32().copysign(*a),
                    half => half.to_f32(),
                };
                assert!(half == want || half.is_nan() && a.is_nan(), "{a} became {half}");
            }
        }
    }
}

fn check_products(device: &Device) {
    for (m, n, k) in SHAPES {
        let (a, b, bias) = (noise(m * k, 1), noise(n * k, 2), noise(n, 3));
        let halves_a = narrowed(device, &tensor(device, m, k, &a));
        let halves_b = narrowed(device, &tensor(device, n, k, &b));
        let (a, b) = (rounded(&a), rounded(&b));
        for bias_shape in [None, Some((n, 1)), Some((1, n))] {
            let bias_tensor = bias_shape.map(|(rows, cols)| tensor(device, rows, cols, &bias));
            let mut c = poisoned(device, m, n);
            device.gemm_halves(&halves_a, &halves_b, bias_tensor.as_ref(), &mut c);
            let want: Vec<f64> = (0..m * n)
                .map(|i| {
                    let (row, col) = (&a[i / n * k..][..k], &b[i % n * k..][..k]);
                    let products = row.iter().zip(col).map(|(&x, &y)| f64::from(x) * f64::from(y));
                    products.sum::<f64>() + bias_shape.map_or(0.0, |_| f64::from(bias[i % n]))
                })
                .collect();
            close(&format!("{m} × {n} × {k}, {bias_shape:?}"), &read(&c), &want, 1e-5);
        }
    }
}

#[test]
fn products_of_halves() {
    for device in devices("products_of_halves") {
        check_products(&device);
    }
}

/// Where the adapter has matrix units; where it has none, whoever asks for them is told so.
/// `ARCHETYPAL_REQUIRE_COOPERATIVE=1` demands them.
#[test]
fn products_on_matrix_units() {
    let test = "products_on_matrix_units";
    if gpu_with(test, GpuOptions::default()).is_none() {
        return;
    }
    for max_binding in [None, Some(4096)] {
        let adapter = std::env::var("ARCHETYPAL_ADAPTER").ok();
        let allow_software = true;
        let options = GpuOptions {
            adapter,
            allow_software,
            max_binding,
            cooperative: true,
            ..GpuOptions::default()
        };
        match block_on(Device::gpu(&options)) {
            Ok(device) => check_products(&device),
            Err(error) => {
                let required = std::env::var("ARCHETYPAL_REQUIRE_COOPERATIVE");
                assert!(required.is_err(), "{test}: matrix units are required, but {error}");
                assert!(error.to_string().contains("matrix units"), "{error}");
                return skipped(test, &error);
            }
        }
    }
}

/// Enough of C for tiles of 128 × 128, none of them whole at the edges; a product over fewer rows than there is room for.
#[test]
fn large_tiles_of_halves() {
    for unpack_halves in [false, true] {
        let options =
            GpuOptions { software_kernels: Some(false), unpack_halves, ..Default::default() };
        let Some(device) = gpu_with("large_tiles_of_halves", options) else { return };
        let (m, n, k) = (1409, 1543, 11);
        let (a, b) = (noise((m + 5) * k, 1), noise(n * k, 2));
        let mut halves_a = narrowed(&device, &tensor(&device, m + 5, k, &a));
        halves_a.set_rows(m);
        let halves_b = narrowed(&device, &tensor(&device, n, k, &b));
        let mut c = poisoned(&device, m, n);
        device.gemm_halves(&halves_a, &halves_b, None, &mut c);
        let (a, b) = (rounded(&a), rounded(&b));
        for (i, got) in read::<f32>(&c).into_iter().enumerate() {
            let (row, col) = (&a[i / n * k..][..k], &b[i % n * k..][..k]);
            let want: f64 = row.iter().zip(col).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
            assert!((f64::from(got) - want).abs() < 1e-5, "{i}: {got}, not {want}");
        }
    }
}

#[test]
fn top_k_of_halves_is_that_of_their_product() {
    for device in devices("top_k_of_halves_is_that_of_their_product") {
        let (rows, concepts, d, k) = (13, 90, 21, 4);
        let x = narrowed(&device, &tensor(&device, rows, d, &noise(rows * d, 1)));
        let weight = narrowed(&device, &tensor(&device, concepts, d, &noise(concepts * d, 2)));
        let bias = tensor(&device, concepts, 1, &noise(concepts, 3));
        let mut pre = poisoned(&device, rows, concepts);
        device.gemm_halves(&x, &weight, Some(&bias), &mut pre);
        let mut want = Codes::new(&device, rows, k, concepts).unwrap();
        device.top_k(&pre, &mut want);
        let mut room = TopKRoom::new(&device, rows, k, concepts).unwrap();
        let mut codes = Codes::new(&device, rows, k, concepts).unwrap();
        device.linear_top_k_halves(&x, &weight, Some(&bias), &mut room, &mut codes);
        assert_eq!(read(&codes.indices), read(&want.indices));
        assert_eq!(read(&codes.values), read(&want.values));
        assert_eq!(read(&codes.counts), read(&want.counts));
    }
}
