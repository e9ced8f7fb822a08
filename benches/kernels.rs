//! The operations of a training step on the CPU, at the size of a real one.

use archetypal::{
    Device, Tensor,
    device::{AdamStep, ByAtom, Codes, Gemm, Grad, Projection, log},
};
use criterion::{BenchmarkGroup, Criterion, Throughput, measurement::WallTime};
use rand::{RngExt, SeedableRng};
use std::time::Duration;

const B: usize = 1024;
const D: usize = 768;
const CONCEPTS: usize = 10_000;
const POINTS: usize = 2_000;
const K: usize = 20;

/// What a step of RA-TopK works on.
struct Step {
    device: Device,
    x: Tensor,
    encoder: Tensor,
    bias: Tensor,
    pre: Tensor,
    codes: Codes,
    by_atom: ByAtom,
    points: Tensor,
    w: Tensor,
    u: Tensor,
}

impl Step {
    fn new() -> Self {
        let device = Device::cpu();
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0);
        let mut matrix = |rows: usize, cols: usize| {
            let data: Vec<f32> = (0..rows * cols).map(|_| random.random_range(-1.0..1.0)).collect();
            Tensor::from_slice(&device, rows, cols, &data).unwrap()
        };
        let (x, encoder, bias) = (matrix(B, D), matrix(CONCEPTS, D), matrix(CONCEPTS, 1));
        let (pre, points) = (matrix(B, CONCEPTS), matrix(POINTS, D));
        let (w, u) = (matrix(CONCEPTS, POINTS), matrix(B, POINTS));
        let mut codes = Codes::new(&device, B, K, CONCEPTS).unwrap();
        let mut by_atom = ByAtom::new(&device, B, K, CONCEPTS).unwrap();
        device.top_k(&pre, &mut codes);
        device.by_atom(&codes, &mut by_atom);
        Self { device, x, encoder, bias, pre, codes, by_atom, points, w, u }
    }
}

fn zeros(rows: usize, cols: usize) -> Tensor {
    Tensor::zeros(&Device::cpu(), rows, cols).unwrap()
}

/// Throughput in floating-point operations.
fn flops(group: &mut BenchmarkGroup<'_, WallTime>, flops: usize) {
    group.throughput(Throughput::Elements(flops as u64));
}

/// Throughput in bytes of operands that are read or written once.
fn bytes(group: &mut BenchmarkGroup<'_, WallTime>, floats: usize) {
    group.throughput(Throughput::Bytes(4 * floats as u64));
}

fn products(group: &mut BenchmarkGroup<'_, WallTime>, step: &mut Step) {
    let device = step.device.clone();
    let nt = Gemm { transpose_b: true, ..Gemm::default() };
    flops(group, 2 * B * D * CONCEPTS);
    group.bench_function("gemm NT with bias: encode", |bencher| {
        let spec = Gemm { bias: Some(&step.bias), ..nt };
        let mut pre = zeros(B, CONCEPTS);
        bencher.iter(|| device.gemm(&step.x, &step.encoder, &mut pre, spec));
    });
    flops(group, 2 * B * D * POINTS);
    group.bench_function("gemm NN: reconstruct", |bencher| {
        let mut x_hat = zeros(B, D);
        bencher.iter(|| device.gemm(&step.u, &step.points, &mut x_hat, Gemm::default()));
    });
    group.bench_function("gemm TN", |bencher| {
        let (spec, mut out) = (Gemm { transpose_a: true, ..Gemm::default() }, zeros(POINTS, D));
        bencher.iter(|| device.gemm(&step.u, &step.x, &mut out, spec));
    });
    flops(group, 2 * B * K * POINTS);
    group.bench_function("spmm", |bencher| {
        let mut u = zeros(B, POINTS);
        bencher.iter(|| device.spmm(&step.codes, &step.w, &mut u, false));
    });
    group.bench_function("sddmm", |bencher| {
        let mut out = zeros(B, K);
        bencher.iter(|| device.sddmm(&step.codes, &step.w, &step.u, &mut out, false));
    });
}

fn selection(group: &mut BenchmarkGroup<'_, WallTime>, step: &mut Step) {
    let device = step.device.clone();
    bytes(group, B * CONCEPTS);
    for k in [K, CONCEPTS / 10] {
        group.bench_function(format!("top_k, k {k}"), |bencher| {
            let mut codes = Codes::new(&device, B, k, CONCEPTS).unwrap();
            bencher.iter(|| device.top_k(&step.pre, &mut codes));
        });
    }
    bytes(group, B * K);
    group.bench_function("by_atom", |bencher| {
        bencher.iter(|| device.by_atom(&step.codes, &mut step.by_atom));
    });
    group.bench_function("count_active", |bencher| {
        let mut fired = Tensor::zeros(&device, CONCEPTS, 1).unwrap();
        let mut log = zeros(1, log::WIDTH);
        bencher.iter(|| device.count_active(&step.codes, &step.by_atom, &mut fired, &mut log, 0));
    });
}

fn updates(group: &mut BenchmarkGroup<'_, WallTime>, step: &mut Step) {
    let device = step.device.clone();
    let values = &step.codes.values;
    let grad = Grad::Rows { by_atom: &step.by_atom, values, source: &step.u };
    flops(group, 2 * B * K * POINTS);
    group.bench_function("sumsq of sparse rows", |bencher| {
        let mut out = zeros(1, 1);
        bencher.iter(|| device.sumsq(grad, &mut out, 0));
    });
    // Parameter and moments are read and written.
    bytes(group, 6 * CONCEPTS * POINTS);
    let adam = AdamStep {
        one_minus_beta1: 0.1,
        beta2: 0.999,
        one_minus_beta2: 1e-3,
        eps: 1e-8,
        step_size: 1e-3,
        inv_sqrt_bias2: 1.0,
        decay: 1.0,
    };
    let scale = Tensor::from_slice(&device, 1, 1, &[0.5]).unwrap();
    let (mut first, mut second) = (zeros(CONCEPTS, POINTS), zeros(CONCEPTS, POINTS));
    for (name, projection) in [
        ("adam of sparse rows, simplex", Projection::Simplex),
        ("adam of sparse rows", Projection::None),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                device.adam(&mut step.w, &mut first, &mut second, grad, &scale, adam, projection);
            });
        });
    }
    bytes(group, 6 * CONCEPTS);
    group.bench_function("adam of a bias", |bencher| {
        let ones = Tensor::from_slice(&device, B, 1, &[1.0; B]).unwrap();
        let grad = Grad::Rows { by_atom: &step.by_atom, values, source: &ones };
        let (mut first, mut second) = (zeros(CONCEPTS, 1), zeros(CONCEPTS, 1));
        let (bias, none) = (&mut step.bias, Projection::None);
        bencher.iter(|| device.adam(bias, &mut first, &mut second, grad, &scale, adam, none));
    });
    bytes(group, 4 * B * D);
    group.bench_function("mse", |bencher| {
        let (mut x_hat, mut h) = (zeros(B, D), zeros(B, D));
        let (mut grad_m, mut log) = (zeros(1, 1), zeros(1, log::WIDTH));
        let m = zeros(1, 1);
        bencher.iter(|| {
            device.mse(&step.x, &mut x_hat, Some(&m), 1.0, &mut h, &mut grad_m, &mut log, 0);
        });
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("cpu");
    group.sample_size(20).warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    let mut step = Step::new();
    products(&mut group, &mut step);
    selection(&mut group, &mut step);
    updates(&mut group, &mut step);
    group.finish();
    criterion.final_summary();
}
