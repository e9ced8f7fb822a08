//! The counts of ARCHITECTURE.md's "The three paths of a step": the flops of each part of a step, and the bytes that it must move at least.

use super::size::Size;
use archetypal::train::Path;
use serde::{Deserialize, Serialize};

/// What a part of the work asks of the device.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cost {
    pub name: &'static str,
    /// Floating-point operations.
    pub flops: f64,
    /// Bytes of operands and results, each once: what caches spare is spared.
    pub bytes: f64,
}

impl Cost {
    /// `values` counts numbers of four bytes.
    pub fn new(name: &'static str, flops: f64, values: f64) -> Self {
        Self { name, flops, bytes: 4.0 * values }
    }
}

/// How full the codes of a batch are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Fill {
    /// Codes in the batch.
    pub entries: usize,
    /// Concepts that fired in it, A.
    pub fired: usize,
    /// Codes of the concept that fired most.
    pub busiest: usize,
}

/// Whose rows of W, R and E an update goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// Of the concepts that fired: the others' gradients are zero.
    Fired,
    /// Of all.
    All,
}

/// The sizes as numbers to count with.
struct Counts {
    b: f64,
    d: f64,
    k: f64,
    n: f64,
    /// Codes.
    e: f64,
    /// Rows that are updated.
    rows: f64,
    /// Rows that codes refer to.
    fired: f64,
}

impl Counts {
    fn new(size: Size, fill: Fill, updated: Updated) -> Self {
        let [b, d, k, n] = [size.batch, size.d, size.concepts, size.points].map(|size| size as f64);
        let fired = fill.fired as f64;
        let rows = if updated == Updated::All { k } else { fired };
        Self { b, d, k, n, e: fill.entries as f64, rows, fired }
    }

    /// Pre-codes that are selected from at once and never written.
    fn encode(&self) -> Cost {
        let Self { b, d, k, e, .. } = self;
        Cost::new("pre-codes, selection", 2.0 * b * d * k, b * d + k * d + k + 2.0 * e)
    }

    fn loss(&self) -> Cost {
        Cost::new("loss", 8.0 * self.b * self.d, 4.0 * self.b * self.d)
    }

    /// Parameter and two moments, read and written.
    fn adam(&self) -> Cost {
        let values = self.rows * (self.n + 2.0 * self.d + 1.0);
        Cost::new("Adam, projection", 12.0 * values, 6.0 * values)
    }
}

/// The selection of a whole batch.
pub fn of_encoding(size: Size, fill: Fill) -> Cost {
    Counts::new(size, fill, Updated::Fired).encode()
}

/// The parts of a step along `path`.
pub fn of_step(path: Path, size: Size, fill: Fill, updated: Updated) -> Vec<Cost> {
    let counts = Counts::new(size, fill, updated);
    match path {
        Path::Factored => factored(&counts),
        Path::Atoms => atoms(&counts),
        Path::Dense => dense(&counts),
    }
}

fn factored(counts: &Counts) -> Vec<Cost> {
    let &Counts { b, d, n, e, fired, .. } = counts;
    vec![
        counts.encode(),
        Cost::new("U = Z W", 2.0 * e * n, fired * n + b * n),
        Cost::new("U C", 2.0 * b * n * d, b * n + n * d + b * d),
        Cost::new("Z R", 2.0 * e * d, fired * d + b * d),
        counts.loss(),
        Cost::new("V = H Cᵀ", 2.0 * b * n * d, b * d + n * d + b * n),
        Cost::new("∂z", 2.0 * e * (n + d), (fired + b) * (n + d)),
        Cost::new("∂W, ∂R", 2.0 * e * (n + d), b * (n + d)),
        Cost::new("∂E", 2.0 * e * d, b * d),
        counts.adam(),
    ]
}

fn atoms(counts: &Counts) -> Vec<Cost> {
    let &Counts { b, d, n, e, rows, fired, .. } = counts;
    vec![
        counts.encode(),
        Cost::new("W C + R", 2.0 * rows * n * d, rows * n + n * d + 2.0 * rows * d),
        Cost::new("x̂", 2.0 * e * d, (fired + b) * d),
        counts.loss(),
        Cost::new("∂z", 2.0 * e * d, (fired + b) * d),
        Cost::new("∂R", 2.0 * e * d, (fired + b) * d),
        Cost::new("∂W", 2.0 * rows * n * d, rows * d + n * d + rows * n),
        Cost::new("∂E", 2.0 * e * d, b * d),
        counts.adam(),
    ]
}

/// What the reference computes, whatever the codes.
fn dense(counts: &Counts) -> Vec<Cost> {
    let &Counts { b, d, k, n, .. } = counts;
    let all = Counts { rows: k, ..*counts };
    vec![
        Cost::new("pre-codes", 2.0 * b * d * k, b * d + k * d + b * k),
        Cost::new("selection", b * k, 2.0 * b * k),
        Cost::new("D", 2.0 * k * n * d, k * n + n * d + 2.0 * k * d),
        Cost::new("x̂ = Z D", 2.0 * b * k * d, b * k + k * d + b * d),
        counts.loss(),
        Cost::new("∂z", 2.0 * b * k * d, b * d + k * d + b * k),
        Cost::new("∂D", 2.0 * b * k * d, b * k + b * d + k * d),
        Cost::new("selection back", b * k, 3.0 * b * k),
        Cost::new("∂W", 2.0 * k * n * d, k * d + n * d + k * n),
        Cost::new("∂E", 2.0 * b * k * d, b * k + b * d + k * d),
        all.adam(),
    ]
}

/// The flops of some costs together.
pub fn flops<'a>(costs: impl IntoIterator<Item = &'a Cost>) -> f64 {
    costs.into_iter().map(|cost| cost.flops).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "At d 768, K 10 000, N 2 000, B 1 024, k 20 that is 22 GFLOP against the reference's 171."
    #[test]
    fn counts_are_those_of_the_reference() {
        let size = "768/10000/2000/1024/20".parse().unwrap();
        let fill = Fill { entries: 1024 * 20, fired: 10_000, busiest: 100 };
        let giga = |path| flops(&of_step(path, size, fill, Updated::All)) / 1e9;
        assert!((22.0..24.0).contains(&giga(Path::Factored)), "{}", giga(Path::Factored));
        assert!((140.0..180.0).contains(&giga(Path::Dense)), "{}", giga(Path::Dense));
        let all = of_step(Path::Factored, size, fill, Updated::All);
        let fired = of_step(Path::Factored, size, Fill { fired: 500, ..fill }, Updated::Fired);
        let bytes = |costs: &[Cost]| costs.iter().map(|cost| cost.bytes).sum::<f64>();
        assert!(bytes(&fired) < bytes(&all));
    }
}
