//! Every operation of a step by itself, at the step's shapes and with its codes.

mod encoder;

use super::{
    Setting,
    apply::{self, Work},
    clock,
    cost::{Cost, Fill},
    roofline::Roofline,
};
use crate::failure::Outcome;
use archetypal::{
    Device, Tensor,
    device::{AdamStep, ByAtom, Codes, Gemm, Grad, Projection, log},
};

const NT: Gemm<'_> = Gemm { transpose_a: false, transpose_b: true, accumulate: false, bias: None };
const TN: Gemm<'_> = Gemm { transpose_a: true, transpose_b: false, accumulate: false, bias: None };

/// Adam as PyTorch's, at its hundredth step or so.
const ADAM: AdamStep = AdamStep {
    one_minus_beta1: 0.1,
    beta2: 0.999,
    one_minus_beta2: 1e-3,
    eps: 1e-8,
    step_size: 5e-4,
    inv_sqrt_bias2: 3.0,
    decay: 1.0,
};

/// Times operations one after the other.
struct Bench<'a> {
    setting: &'a Setting<'a>,
    roofline: Option<&'a Roofline>,
    done: Vec<Work>,
}

impl Bench<'_> {
    /// `flops` as in `cost.rs`; `values` are the numbers read and written.
    async fn time(
        &mut self,
        name: &'static str,
        flops: f64,
        values: f64,
        work: impl FnMut(),
    ) -> Outcome {
        let seconds = clock::operation(self.setting.device, self.setting.runs, work).await?;
        self.done.push(Work::new(name, seconds, Cost::new(name, flops, values), self.roofline));
        Ok(())
    }

    fn device(&self) -> Device {
        self.setting.device.clone()
    }

    fn zeros(&self, rows: usize, cols: usize) -> Outcome<Tensor> {
        Ok(Tensor::zeros(self.setting.device, rows, cols)?)
    }

    /// Numbers of one size, which is all that a product's time depends on.
    fn filled(&self, rows: usize, cols: usize) -> Outcome<Tensor> {
        let mut tensor = self.zeros(rows, cols)?;
        self.setting.device.fill(&mut tensor, 0.01);
        Ok(tensor)
    }
}

/// The codes of the first batch, by row and by atom.
struct Selected {
    codes: Codes,
    by_atom: ByAtom,
    entries: f64,
    fired: f64,
}

/// All of them.
pub async fn measure(setting: &Setting<'_>, roofline: Option<&Roofline>) -> Outcome<Vec<Work>> {
    let mut bench = Bench { setting, roofline, done: Vec::new() };
    products(&mut bench).await?;
    encoder::measure(&mut bench).await?;
    let selected = selection(&mut bench).await?;
    gathers(&mut bench, &selected).await?;
    updates(&mut bench, &selected).await?;
    loss(&mut bench).await?;
    Ok(bench.done)
}

async fn products(bench: &mut Bench<'_>) -> Outcome {
    let Setting { size, .. } = *bench.setting;
    let (b, d, k, n) = (size.batch, size.d, size.concepts, size.points);
    let device = bench.device();
    let flops = |m: usize, n: usize, k: usize| 2.0 * m as f64 * n as f64 * k as f64;
    let values = |m: usize, n: usize, k: usize| (m * k + k * n + m * n) as f64;
    {
        let x = Tensor::from_slice(&device, b, d, bench.setting.rows.first(b))?;
        let (encoder, bias) = (bench.filled(k, d)?, bench.filled(k, 1)?);
        let (mut pre, spec) = (bench.zeros(b, k)?, Gemm { bias: Some(&bias), ..NT });
        let work = || device.gemm(&x, &encoder, &mut pre, spec);
        bench.time("gemm: X Eᵀ + b", flops(b, k, d), values(b, k, d), work).await?;
    }
    let (mixed, points) = (bench.filled(b, n)?, bench.filled(n, d)?);
    let mut x_hat = bench.filled(b, d)?;
    let work = || device.gemm(&mixed, &points, &mut x_hat, Gemm::default());
    bench.time("gemm: U C", flops(b, d, n), values(b, d, n), work).await?;
    let (x_hat, mut mixed) = (x_hat, mixed);
    let work = || device.gemm(&x_hat, &points, &mut mixed, NT);
    bench.time("gemm: H Cᵀ", flops(b, n, d), values(b, n, d), work).await?;
    let mut sums = bench.zeros(n, d)?;
    let work = || device.gemm(&mixed, &x_hat, &mut sums, TN);
    bench.time("gemm: Uᵀ H", flops(n, d, b), values(n, d, b), work).await
}

async fn selection(bench: &mut Bench<'_>) -> Outcome<Selected> {
    let Setting { size, .. } = *bench.setting;
    let (b, k, width) = (size.batch, size.concepts, size.k);
    let device = bench.device();
    let pre_codes = apply::pre_codes(bench.setting).await?;
    let mut codes = Codes::new(&device, b, width, k)?;
    let values = (b * (k + 2 * width)) as f64;
    bench.time("top_k", 0.0, values, || device.top_k(&pre_codes, &mut codes)).await?;
    let mut by_atom = ByAtom::new(&device, b, width, k)?;
    let fill = fill(&codes, k).await?;
    let entries = fill.entries as f64;
    let work = || device.by_atom(&codes, &mut by_atom);
    bench.time("by_atom", 0.0, 2.0 * entries + k as f64, work).await?;
    let mut fired = Tensor::<u32>::zeros(&device, k, 1)?;
    let mut log = bench.zeros(1, log::WIDTH)?;
    let work = || device.count_active(&codes, &by_atom, &mut fired, &mut log, 0);
    bench.time("count_active", 0.0, 2.0 * entries + 2.0 * k as f64, work).await?;
    Ok(Selected { codes, by_atom, entries, fired: fill.fired as f64 })
}

async fn fill(codes: &Codes, concepts: usize) -> Outcome<Fill> {
    let (indices, counts) = (codes.indices.read().await?, codes.counts.read().await?);
    let mut times = vec![0_usize; concepts];
    for (row, &count) in indices.chunks_exact(codes.width()).zip(&counts) {
        row[..count as usize].iter().for_each(|&concept| times[concept as usize] += 1);
    }
    Ok(Fill {
        entries: times.iter().sum(),
        fired: times.iter().filter(|&&times| times > 0).count(),
        busiest: times.into_iter().max().unwrap_or(0),
    })
}

async fn gathers(bench: &mut Bench<'_>, selected: &Selected) -> Outcome {
    let Setting { size, .. } = *bench.setting;
    let (b, k) = (size.batch, size.concepts);
    let device = bench.device();
    let Selected { codes, entries, fired, .. } = selected;
    let names = [("spmm: Z W", "sddmm: W·V", size.points), ("spmm: Z R", "sddmm: R·H", size.d)];
    for (spmm, sddmm, n) in names {
        let (m, mut out) = (bench.filled(k, n)?, bench.zeros(b, n)?);
        let flops = 2.0 * entries * n as f64;
        let values = (fired + b as f64) * n as f64;
        bench.time(spmm, flops, values, || device.spmm(codes, &m, &mut out, false)).await?;
        let (a, mut dots) = (out, bench.zeros(b, codes.width())?);
        let work = || device.sddmm(codes, &m, &a, &mut dots, false);
        bench.time(sddmm, flops, values + entries, work).await?;
    }
    Ok(())
}

/// The gradients that are made where they are used, and what uses them.
async fn updates(bench: &mut Bench<'_>, selected: &Selected) -> Outcome {
    let Setting { size, .. } = *bench.setting;
    let (b, k) = (size.batch, size.concepts);
    let device = bench.device();
    let Selected { codes, by_atom, entries, .. } = selected;
    let mut scale = bench.zeros(1, 1)?;
    device.fill(&mut scale, 0.5);
    for (sumsq, adam, n, projection) in [
        ("sumsq: ∂W", "adam: W, simplex", size.points, Projection::Simplex),
        ("sumsq: ∂R", "adam: R, ball", size.d, Projection::Ball(1.0)),
        ("sumsq: ∂E", "adam: E", size.d, Projection::None),
    ] {
        let source = bench.filled(b, n)?;
        let grad = Grad::Rows { by_atom, values: &codes.values, source: &source };
        let flops = 2.0 * entries * n as f64;
        let mut sum = bench.zeros(1, 1)?;
        let work = || device.sumsq(grad, &mut sum, 0);
        bench.time(sumsq, flops, entries + (b * n) as f64, work).await?;
        let mut parameter = bench.filled(k, n)?;
        let (mut first, mut second) = (bench.zeros(k, n)?, bench.zeros(k, n)?);
        let work =
            || device.adam(&mut parameter, &mut first, &mut second, grad, &scale, ADAM, projection);
        let values = 6.0 * (k * n) as f64 + (b * n) as f64;
        bench.time(adam, flops + 12.0 * (k * n) as f64, values, work).await?;
    }
    Ok(())
}

async fn loss(bench: &mut Bench<'_>) -> Outcome {
    let Setting { size, rows, .. } = *bench.setting;
    let (b, d) = (size.batch, size.d);
    let device = bench.device();
    let x = Tensor::from_slice(&device, b, d, rows.first(b))?;
    let (mut raw, mut h) = (bench.filled(b, d)?, bench.zeros(b, d)?);
    let (mut grad, mut log) = (bench.zeros(1, 1)?, bench.zeros(1, log::WIDTH)?);
    let multiplier = bench.zeros(1, 1)?;
    let work = || device.mse(&x, &mut raw, Some(&multiplier), 1.0, &mut h, &mut grad, &mut log, 0);
    bench.time("mse", 8.0 * (b * d) as f64, 4.0 * (b * d) as f64, work).await
}
