//! The terms of a loss on the GPU against the CPU, which is tested against its formulas.

use crate::common::check::{close, read, tensor};
use crate::common::{bits, gpu, noise};
use archetypal::device::{Entries, RowPenalty, log};
use archetypal::expression::Expression;
use archetypal::sae::Kernel;
use archetypal::{Device, Tensor};

/// Rows, columns, and the largest binding: alone, primes, one off a tile, and split into several buffers.
pub const SHAPES: [(usize, usize, Option<u64>); 7] = [
    (1, 1, None),
    (2, 4097, None),
    (131, 7, None),
    (65, 255, None),
    (1, 300, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
];

/// More rows than a device takes workgroups in one dimension.
pub const MANY: (usize, usize, Option<u64>) = (70_001, 3, None);

pub const FACTOR: f32 = 0.37;
const COLUMN: usize = log::TERMS + 3;

/// A log of poison, and what `run` writes to a cell of it.
pub fn logged(device: &Device, active: f32, run: impl FnOnce(log::Cell<'_>)) -> f32 {
    let mut data = vec![f32::NAN; 2 * log::WIDTH];
    data[log::WIDTH + log::ACTIVE] = active;
    let mut steps = tensor(device, 2, log::WIDTH, &data);
    run(log::Cell { log: &mut steps, row: 1, column: COLUMN });
    let steps = read(&steps);
    let untouched = steps.iter().filter(|value| value.is_nan()).count();
    assert_eq!(untouched, 2 * log::WIDTH - 2, "one place of the log is written");
    steps[log::WIDTH + COLUMN]
}

/// Compares what a term gives on the CPU and on the GPU: a value and a gradient.
pub fn compare(
    what: &str,
    max_binding: Option<u64>,
    tolerance: f64,
    run: impl Fn(&Device) -> (f32, Vec<f32>),
) {
    let Some(device) = gpu(what, max_binding) else { return };
    let (want, want_grad) = run(&Device::cpu());
    assert!(want.is_finite(), "{what}: {want}");
    let (value, grad) = run(&device);
    let doubles: Vec<f64> = want_grad.iter().map(|&x| f64::from(x)).collect();
    close(what, &[value], &[want.into()], tolerance);
    close(&format!("gradient of {what}"), &grad, &doubles, tolerance);
    assert_eq!(run(&device), (value, grad), "{what}: the same bits again");
}

/// Where a gradient starts to which numbers of these sizes are added: beside larger ones, the tolerance would hide them.
pub fn start(seed: u64, sizes: &[f32]) -> Vec<f32> {
    noise(sizes.len(), seed).iter().zip(sizes).map(|(x, size)| x * size).collect()
}

/// A gradient over these sizes.
pub fn over(grad: &[f32], sizes: &[f32]) -> Vec<f32> {
    grad.iter().zip(sizes).map(|(grad, size)| grad / size).collect()
}

/// Numbers at a distance from 0, where functions have corners; poison where there is no entry.
fn entries(rows: usize, cols: usize, counted: bool) -> (Vec<f32>, Vec<u32>) {
    let counts: Vec<u32> = bits(rows, 3).iter().map(|draw| draw % (cols as u32 + 1)).collect();
    let mut data: Vec<f32> =
        noise(rows * cols, 4).iter().map(|v| 1.5 * v + 0.05 * v.signum()).collect();
    if counted {
        for (row, &count) in data.chunks_mut(cols).zip(&counts) {
            row[count as usize..].fill(f32::NAN);
        }
    }
    (data, counts)
}

/// Compares a penalty with and without counts; `size` is about that of its gradient in a row of so many entries.
fn compare_penalty(
    what: &str,
    (rows, cols, max_binding): (usize, usize, Option<u64>),
    size: impl Fn(usize) -> f32,
    run: impl Fn(&Device, Entries<'_>, &mut Tensor, log::Cell<'_>),
) {
    for counted in [false, true] {
        let (data, counts) = entries(rows, cols, counted);
        let count = |row: usize| if counted { counts[row] as usize } else { cols };
        let sizes: Vec<f32> = (0..rows * cols).map(|i| size(count(i / cols).max(1))).collect();
        compare(&format!("{what} {rows}×{cols}"), max_binding, 2e-5, |device| {
            let values = tensor(device, rows, cols, &data);
            let counts = tensor(device, rows, 1, &counts);
            let mut grad = tensor(device, rows, cols, &start(5, &sizes));
            let at = Entries { values: &values, counts: counted.then_some(&counts) };
            let value = logged(device, 0.0, |cell| run(device, at, &mut grad, cell));
            (value, over(&read(&grad), &sizes))
        });
    }
}

#[test]
fn pointwise_penalties() {
    let every = "max(v, -2*v) / (abs(v) + 0.5) - min(v^2, 0.4) + relu(v) * sin(3*v) - cos(v) \
        + tanh(v) * tanh(v / 9) + sqrt(v^2 + 1e-3) - log(v^2 + 0.2) + exp(-v) - v^5 + v^-2 + v^-1 \
        + (v + 2)^0.3 - (2 - v)^-1.5 + 1e-3^2 / 3";
    for text in [every, "abs(v)", "3", "max(3e38, abs(v)) * 1.2e-38 + v^4 - v^0"] {
        let f: Expression = text.parse().unwrap();
        for shape in SHAPES {
            // The sum is over thousands of values.
            let factor = FACTOR / (shape.0 * shape.1) as f32;
            compare_penalty(
                "a pointwise penalty",
                shape,
                |_| factor,
                |device, at, grad, cell| {
                    device.pointwise(&f, factor, at, grad, cell);
                },
            );
        }
    }
}

/// Functions of the shaders' own, over many magnitudes.
#[test]
fn functions_are_exact() {
    let Some(device) = gpu("functions_are_exact", None) else { return };
    let magnitudes = (-30..30).flat_map(|e| [0.8_f32, 1.0, 1.7].map(|m| m * 2.0_f32.powi(e)));
    let values: Vec<f32> = magnitudes.flat_map(|v| [v, -v]).collect();
    for (text, f) in [
        ("log(abs(v))", (|v| v.abs().ln()) as fn(f64) -> f64),
        ("tanh(v)", f64::tanh),
        ("cos(min(max(v, -1000), 1000))", |v| v.clamp(-1000.0, 1000.0).cos()),
        ("exp(min(max(v, -80), 80))", |v| v.clamp(-80.0, 80.0).exp()),
        ("abs(v)^0.7", |v| v.abs().powf(0.7_f32.into())),
        ("abs(v)^-1.3", |v| v.abs().powf((-1.3_f32).into())),
        ("v^3 / v^2", |v| v),
    ] {
        let f_text: Expression = text.parse().unwrap();
        for &v in &values {
            let value = tensor(&device, 1, 1, &[v]);
            let mut grad = tensor(&device, 1, 1, &[0.0_f32]);
            let at = Entries { values: &value, counts: None };
            let got = logged(&device, 0.0, |cell| {
                device.pointwise(&f_text, 1.0, at, &mut grad, cell);
            });
            let want = f(v.into());
            let off = (f64::from(got) - want).abs() / want.abs().max(1e-2);
            assert!(off < 4e-6, "{text} at {v}: {got}, expected {want}");
        }
    }
}

#[test]
fn penalties_of_rows() {
    for shape in SHAPES.into_iter().chain([MANY]) {
        for (penalty, power) in [(RowPenalty::Hoyer, 1), (RowPenalty::Kappa4, 2)] {
            let concepts = shape.1 + 2 * usize::from(shape.0 > 1);
            let factor = FACTOR / shape.0 as f32;
            let size = |count: usize| factor / (count as f32).powi(power);
            compare_penalty(&format!("{penalty:?}"), shape, size, |device, at, grad, cell| {
                device.row_penalty(penalty, factor, concepts, at, grad, cell);
            });
        }
    }
}

#[test]
fn a_nan_reaches_the_value_of_a_penalty() {
    let Some(device) = gpu("a_nan_reaches_the_value", None) else { return };
    let mut data = noise(5000, 1);
    data[4321] = f32::NAN;
    let values = tensor(&device, 50, 100, &data);
    let mut grad = tensor(&device, 50, 100, &data);
    let at = Entries { values: &values, counts: None };
    let mut steps = tensor(&device, 1, log::WIDTH, &[0.0_f32; log::WIDTH]);
    for (column, text) in (log::TERMS..).zip(["abs(v)", "relu(v)", "sqrt(v^2 + 1)", "log(1 + v)"]) {
        let cell = log::Cell { log: &mut steps, row: 0, column };
        device.pointwise(&text.parse().unwrap(), 1.0, at, &mut grad, cell);
        assert!(read(&steps)[column].is_nan(), "{text}");
    }
    let cell = log::Cell { log: &mut steps, row: 0, column: log::TERMS + 5 };
    device.row_penalty(RowPenalty::Hoyer, 1.0, 100, at, &mut grad, cell);
    assert!(read(&steps)[log::TERMS + 5].is_nan());
}

/// A compiler may evaluate constants, and refuse a shader whose constants overflow.
#[test]
fn great_constants_make_no_invalid_shader() {
    let Some(device) = gpu("great_constants", None) else { return };
    let f: Expression = "3e38 * v + 3e38 * v".parse().unwrap();
    let (value, mut grad) =
        (tensor(&device, 1, 1, &[1e-30_f32]), tensor(&device, 1, 1, &[0.0_f32]));
    let at = Entries { values: &value, counts: None };
    // Whatever the value: it is written.
    logged(&device, 0.0, |cell| device.pointwise(&f, 1.0, at, &mut grad, cell));
}

#[test]
fn terms_of_an_empty_batch_are_zero() {
    let Some(device) = gpu("terms_of_an_empty_batch", None) else { return };
    let empty = tensor(&device, 0, 5, &[]);
    let (mut grad, f) = (tensor(&device, 0, 5, &[]), "abs(v) + 1".parse().unwrap());
    let at = Entries { values: &empty, counts: None };
    let none = tensor(&device, 5, 1, &[0.0; 5]);
    let mut grad_t = tensor(&device, 5, 1, &[0.0; 5]);
    let runs: [&mut dyn FnMut(log::Cell<'_>); 5] = [
        &mut |cell| device.pointwise(&f, 1.0, at, &mut grad, cell),
        &mut |cell| {
            device.row_penalty(RowPenalty::Hoyer, 1.0, 5, at, &mut tensor(&device, 0, 5, &[]), cell)
        },
        &mut |cell| device.reanimate(&empty, &empty, 1.0, &mut tensor(&device, 0, 5, &[]), cell),
        &mut |cell| {
            let mut e_hat = tensor(&device, 0, 5, &[]);
            device.residual_error(&empty, &empty, 1.0, None, &mut e_hat, None, cell)
        },
        &mut |cell| {
            device.l0_penalty(&empty, &none, Kernel::Cauchy, 0.1, 1.0, 2.0, &mut grad_t, cell)
        },
    ];
    for run in runs {
        assert_eq!(logged(&device, 0.0, run), 0.0);
    }
    assert_eq!(read(&grad_t), [0.0; 5]);
}
