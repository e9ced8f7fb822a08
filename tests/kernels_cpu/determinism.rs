//! The same bits whatever the number of threads.

use crate::util::*;
use archetypal::{
    Device, Tensor,
    device::{AdamStep, Gemm, Grad, Projection, log},
    sae::Kernel,
};

const BATCH: usize = 150;
const CONCEPTS: usize = 700;
const POINTS: usize = 301;
const D: usize = 193;
const WIDTH: usize = 11;

fn bits(tensors: &[&Tensor]) -> Vec<u32> {
    tensors.iter().flat_map(|t| values(t).iter().map(|x| x.to_bits())).collect()
}

/// Two whole steps' worth of operations, and the bits of all they made.
fn everything() -> Vec<u32> {
    let device = Device::cpu();
    let mut random = Random::new(50);
    let mut matrix = |rows: usize, cols: usize| tensor(rows, cols, &random.floats(rows * cols));
    let (x, e, b) = (matrix(BATCH, D), matrix(CONCEPTS, D), matrix(CONCEPTS, 1));
    let (mut w, r, c) = (matrix(CONCEPTS, POINTS), matrix(CONCEPTS, D), matrix(POINTS, D));
    let (mut first, t) = (matrix(CONCEPTS, POINTS), matrix(CONCEPTS, 1));
    let mut second = tensor(CONCEPTS, POINTS, &vec![0.5; CONCEPTS * POINTS]);

    let mut pre = poisoned(BATCH, CONCEPTS);
    let spec = Gemm { transpose_b: true, bias: Some(&b), ..Gemm::default() };
    device.gemm(&x, &e, &mut pre, spec);
    let mut codes = poisoned_codes(BATCH, WIDTH, CONCEPTS);
    device.top_k(&pre, &mut codes);
    let mut by_atom = poisoned_index(BATCH, WIDTH, CONCEPTS);
    device.by_atom(&codes, &mut by_atom);
    let mut u = poisoned(BATCH, POINTS);
    device.spmm(&codes, &w, &mut u, false);
    let mut x_hat = poisoned(BATCH, D);
    device.gemm(&u, &c, &mut x_hat, Gemm::default());
    let (mut h, mut grad_m) = (poisoned(BATCH, D), poisoned(1, 1));
    let mut log = poisoned(1, log::WIDTH);
    device.mse(&x, &mut x_hat, Some(&scalar(-0.2)), 1.0, &mut h, &mut grad_m, &mut log, 0);
    let mut v = poisoned(BATCH, POINTS);
    device.gemm(&h, &c, &mut v, Gemm { transpose_b: true, ..Gemm::default() });
    // Padding after a row's entries is unspecified, so start from zeros to compare it all.
    let mut grad_z = tensor(BATCH, WIDTH, &[0.0; BATCH * WIDTH]);
    device.sddmm(&codes, &r, &h, &mut grad_z, false);
    let mut dense = poisoned(CONCEPTS, D);
    device.gemm(&pre, &x, &mut dense, Gemm { transpose_a: true, ..Gemm::default() });

    let grad = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &v };
    let (mut sumsq, mut scale) = (poisoned(1, 2), poisoned(1, 1));
    device.sumsq(grad, &mut sumsq, 0);
    device.sumsq(Grad::Dense(&dense), &mut sumsq, 1);
    let cell = log::Cell { log: &mut log, row: 0, column: log::GRAD_NORM };
    device.clip_scale(&sumsq, Some(1.0), &mut scale, cell);
    let step = AdamStep {
        one_minus_beta1: 0.1,
        beta2: 0.999,
        one_minus_beta2: 1e-3,
        eps: 1e-8,
        step_size: 1e-2,
        inv_sqrt_bias2: 30.0,
        decay: 1.0,
    };
    device.adam(&mut w, &mut first, &mut second, grad, &scale, step, Projection::Simplex);

    let (mut grad_t, mut columns) = (poisoned(CONCEPTS, 1), poisoned(CONCEPTS, 1));
    device.column_sums(&pre, &mut columns);
    let mut fired = Tensor::from_slice(&device, CONCEPTS, 1, &[0_u32; CONCEPTS]).unwrap();
    device.count_active(&codes, &by_atom, &mut fired, &mut log, 0);
    let (mut threshold, mut grad_multiplier) = (poisoned(1, 1), poisoned(1, 1));
    device.kth_largest(&pre, BATCH * WIDTH, &mut threshold);
    device.dictionary_backward(&r, Some(&scalar(0.3)), &mut dense, &mut grad_multiplier);
    let mut signed = poisoned_codes(BATCH, WIDTH, CONCEPTS);
    device.top_k_signed(&pre, &mut signed);
    device.project(&mut first, Projection::MaxL1);
    let before = bits(&[&pre, &codes.values, &threshold, &grad_multiplier, &signed.values]);
    let mut masked = tensor(BATCH, CONCEPTS, values(&pre));
    device.jump_backward(&pre, &t, Kernel::Cauchy, 0.1, &mut masked, &mut grad_t);
    let after = bits(&[
        &u, &x_hat, &h, &grad_m, &v, &grad_z, &dense, &sumsq, &scale, &w, &first, &second, &grad_t,
        &columns, &log, &masked,
    ]);
    [before, after, integers(&by_atom.index).to_vec(), integers(&fired).to_vec()].concat()
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    let with = |threads: usize| {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(everything)
    };
    let one = with(1);
    assert!(one.len() > 100_000);
    for threads in [1, 2, 3, 8] {
        let other = with(threads);
        assert_eq!(other.len(), one.len());
        let differ = one.iter().zip(&other).filter(|(a, b)| a != b).count();
        assert_eq!(differ, 0, "{threads} threads");
    }
}

/// Shapes that reach every path of a product: several blocks of the inner dimension, vectors, narrow results.
#[test]
fn products_do_not_depend_on_the_number_of_threads() {
    let products = || {
        let mut random = Random::new(51);
        let mut made = Vec::new();
        for (m, n, k) in
            [(256, 300, 2500), (1000, 1, 768), (1, 768, 1000), (2000, 10, 300), (3, 900, 1)]
        {
            let (a, b) = (random.floats(m * k), random.floats(k * n));
            for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false)] {
                let (rows, cols) = if transpose_a { (k, m) } else { (m, k) };
                let a = tensor(rows, cols, &a);
                let (rows, cols) = if transpose_b { (n, k) } else { (k, n) };
                let b = tensor(rows, cols, &b);
                let mut c = poisoned(m, n);
                let spec = Gemm { transpose_a, transpose_b, ..Gemm::default() };
                Device::cpu().gemm(&a, &b, &mut c, spec);
                made.extend(bits(&[&c]));
            }
        }
        made
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let one = pool(1).install(products);
    for threads in [2, 3, 8] {
        assert!(pool(threads).install(products) == one, "{threads} threads");
    }
}

#[test]
fn layers_do_not_depend_on_the_number_of_threads() {
    let layers = || {
        let mut random = Random::new(52);
        let mut matrix = |rows: usize, cols: usize| tensor(rows, cols, &random.floats(rows * cols));
        let (device, x) = (Device::cpu(), matrix(BATCH, CONCEPTS));
        let (weight, bias) = (matrix(CONCEPTS, 1), matrix(CONCEPTS, 1));
        let (mut by_row, mut by_column) = (matrix(BATCH, CONCEPTS), matrix(BATCH, CONCEPTS));
        let (mut normed, mut out) = (poisoned(BATCH, CONCEPTS), poisoned(BATCH, CONCEPTS));
        let (mut inv_std, mut dots) = (poisoned(BATCH, 1), poisoned(CONCEPTS, 1));
        let (mut mean, mut variance) = (poisoned(CONCEPTS, 1), poisoned(CONCEPTS, 1));
        device.layer_norm(&x, &weight, &bias, &mut normed, &mut inv_std, &mut out);
        device.layer_norm_backward(&normed, &inv_std, &weight, &mut by_row);
        device.column_dots(&x, &normed, &mut dots);
        device.column_moments(&x, &mut mean, &mut variance);
        device.batch_norm(&x, &mean, &variance, &weight, &bias, &mut normed, &mut out);
        device.batch_norm_backward(&normed, &variance, &weight, &mut by_column);
        device.relu(&out, &mut normed);
        device.relu_backward(&normed, &mut out);
        bits(&[&by_row, &by_column, &normed, &out, &inv_std, &dots, &mean, &variance])
    };
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let one = pool(1).install(layers);
    for threads in [2, 3, 8] {
        assert!(pool(threads).install(layers) == one, "{threads} threads");
    }
}
