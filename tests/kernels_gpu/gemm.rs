//! The dense product, in each of its texts.

use crate::common::check::{close, poisoned, read, tensor};
use crate::common::{gpu_with, noise};
use archetypal::Device;
use archetypal::device::{Gemm, GpuOptions};

/// m, n, k: alone, primes, whole tiles, one off a tile, thin ones, and an empty sum.
pub const SHAPES: [(usize, usize, usize); 15] = [
    (1, 1, 1),
    (17, 131, 5),
    (64, 128, 16),
    (65, 63, 33),
    (130, 129, 67),
    (3, 257, 100),
    (257, 3, 40),
    (128, 1, 7),
    (1, 64, 17),
    (5, 7, 0),
    // Multiples of 4, which some texts read as vec4: alone, whole tiles, one off a tile.
    (4, 4, 4),
    (32, 64, 8),
    (36, 68, 20),
    (100, 60, 64),
    (1, 132, 12),
];

fn product(a: &[f32], b: &[f32], [m, n, k]: [usize; 3], spec: &Gemm<'_>) -> Vec<f64> {
    let mut c = vec![0.0; m * n];
    for i in 0..m {
        for l in 0..k {
            let x = f64::from(if spec.transpose_a { a[l * m + i] } else { a[i * k + l] });
            for j in 0..n {
                let y = if spec.transpose_b { b[j * k + l] } else { b[l * n + j] };
                c[i * n + j] += x * f64::from(y);
            }
        }
    }
    c
}

/// Overwriting with a bias (a column or a row), and adding.
fn check(device: &Device, m: usize, n: usize, k: usize) {
    let (a, b) = (noise(m * k, 1), noise(k * n, 2));
    let (bias, old) = (noise(n, 3), noise(m * n, 4));
    for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false)] {
        let a_shape = if transpose_a { (k, m) } else { (m, k) };
        let b_shape = if transpose_b { (n, k) } else { (k, n) };
        let a_tensor = tensor(device, a_shape.0, a_shape.1, &a);
        let b_tensor = tensor(device, b_shape.0, b_shape.1, &b);
        let plain = Gemm { transpose_a, transpose_b, ..Gemm::default() };
        let sum = product(&a, &b, [m, n, k], &plain);
        let what = format!("{m} × {n} × {k}, {transpose_a} {transpose_b}");

        for bias_shape in [None, Some((n, 1)), Some((1, n))] {
            let bias_tensor = bias_shape.map(|(rows, cols)| tensor(device, rows, cols, &bias));
            let mut c = poisoned(device, m, n);
            let spec = Gemm { bias: bias_tensor.as_ref(), ..plain };
            device.gemm(&a_tensor, &b_tensor, &mut c, spec);
            let add = |i: usize| if bias_shape.is_some() { f64::from(bias[i % n]) } else { 0.0 };
            let want: Vec<f64> = sum.iter().enumerate().map(|(i, sum)| sum + add(i)).collect();
            close(&format!("{what}, bias {bias_shape:?}"), &read(&c), &want, 1e-5);
        }

        let mut c = tensor(device, m, n, &old);
        device.gemm(&a_tensor, &b_tensor, &mut c, Gemm { accumulate: true, ..plain });
        let want: Vec<f64> = sum.iter().zip(&old).map(|(sum, old)| sum + f64::from(*old)).collect();
        close(&format!("{what}, added"), &read(&c), &want, 1e-5);
    }
}

fn check_all(test: &str, software_kernels: bool) {
    for max_binding in [None, Some(4096)] {
        let options = GpuOptions {
            max_binding,
            software_kernels: Some(software_kernels),
            ..GpuOptions::default()
        };
        let Some(device) = gpu_with(test, options) else { return };
        for (m, n, k) in SHAPES {
            check(&device, m, n, k);
        }
    }
}

#[test]
fn tiles_in_workgroup_memory() {
    check_all("tiles_in_workgroup_memory", false);
}

#[test]
fn tiles_in_registers() {
    check_all("tiles_in_registers", true);
}

/// Enough of C for tiles of 128 × 128, none of them whole at the edges: read by ones, and by fours.
#[test]
fn large_tiles() {
    let options = GpuOptions { software_kernels: Some(false), ..GpuOptions::default() };
    let Some(device) = gpu_with("large_tiles", options) else { return };
    check(&device, 1409, 1543, 11);
    check(&device, 1412, 1540, 12);
}

/// More workgroups than one dimension has.
#[test]
fn folded_workgroups() {
    let options = GpuOptions { software_kernels: Some(true), ..GpuOptions::default() };
    let Some(device) = gpu_with("folded_workgroups", options) else { return };
    let m = 16 * 65_600 + 1;
    let a = noise(m, 1);
    let mut c = poisoned(&device, m, 1);
    device.gemm(
        &tensor(&device, m, 1, &a),
        &tensor(&device, 1, 1, &[3.0]),
        &mut c,
        Gemm::default(),
    );
    let want: Vec<f32> = a.iter().map(|a| 3.0 * a).collect();
    assert_eq!(read(&c), want);
}

#[test]
fn twice_the_same_bits() {
    for software_kernels in [false, true] {
        let options =
            GpuOptions { software_kernels: Some(software_kernels), ..GpuOptions::default() };
        let Some(device) = gpu_with("twice_the_same_bits", options) else { return };
        let a = tensor(&device, 70, 300, &noise(21_000, 1));
        let b = tensor(&device, 300, 90, &noise(27_000, 2));
        let run = || {
            let mut c = poisoned(&device, 70, 90);
            device.gemm(&a, &b, &mut c, Gemm::default());
            read::<f32>(&c).iter().map(|value| value.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(run(), run());
    }
}

/// Timed once and kept; the next device takes what was kept.
#[test]
fn a_choice_of_tiles_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("made");
    let open = || {
        let autotune = Some(folder.clone());
        let options =
            GpuOptions { software_kernels: Some(false), autotune, ..GpuOptions::default() };
        gpu_with("a_choice_of_tiles_is_kept", options)
    };
    let kept = || -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
        let files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap());
        files.map(|file| (file.path(), file.metadata().unwrap().modified().unwrap())).collect()
    };
    let Some(device) = open() else { return };
    check(&device, 65, 63, 33);
    let first = kept();
    assert_eq!(first.len(), 1);
    check(&open().unwrap(), 65, 63, 33);
    assert_eq!(kept(), first);
}
