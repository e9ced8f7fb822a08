//! Shortlists against products in float32 with all concepts, and scores against their bound.

use super::{
    super::simd::{dots, vectorize},
    bfloat::widen,
    bound::Bound,
    kernel::{Kernel, Operands, STRIP},
    narrow::{Format, Layout, Norms, Row, SIDE, pack, panel},
    pack_atoms, pack_rows, top_k,
};
use crate::device::{Codes, Device, Tensor, TopKRoom};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Those that this machine has, and their twin.
fn kernels() -> Vec<Kernel> {
    let plain = [Format::Bfloat, Format::Integer].map(Kernel::Plain);
    Kernel::all_of_machine().chain(plain).collect()
}

fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| random.random_range(-1.0..1.0)).collect()
}

fn tensor(rows: usize, cols: usize, values: &[f32]) -> Tensor {
    Tensor::from_slice(&Device::cpu(), rows, cols, values).unwrap()
}

/// What a model of these sizes has to select from.
struct Case {
    rows: usize,
    concepts: usize,
    d: usize,
    x: Vec<f32>,
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
}

impl Case {
    fn random(rows: usize, concepts: usize, d: usize) -> Self {
        let (x, weight) = (random(1, rows * d), random(2, concepts * d));
        Self { rows, concepts, d, x, weight, bias: Some(random(3, concepts)) }
    }

    /// Indices and bits of the values of each row, by a sort of all products in float32.
    fn sorted(&self, k: usize) -> Vec<Vec<(u32, u32)>> {
        let rows = self.x.chunks(self.d).map(|x| {
            let products = self.weight.chunks(self.d).map(|e| vectorize!(dots([e], x))[0]);
            let bias = |j: usize| self.bias.as_ref().map_or(0.0, |bias| bias[j]);
            let values = products.enumerate().map(|(j, value)| (j as u32, value + bias(j)));
            let mut values: Vec<_> = values.filter(|(_, value)| *value > 0.0).collect();
            values.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            values.truncate(k);
            values.sort_by_key(|value| value.0);
            values.into_iter().map(|(j, value)| (j, value.to_bits())).collect()
        });
        rows.collect()
    }

    /// The same by a shortlist; None if that is left to another way.
    fn shortlisted(&self, kernel: Kernel, k: usize) -> Option<Vec<Vec<(u32, u32)>>> {
        let device = Device::cpu();
        let mut room = TopKRoom::new(&device, self.rows, k, self.concepts).unwrap();
        room.shortlist = Some(kernel);
        room.capacity = super::capacity(k);
        room.keys = vec![u64::MAX; self.rows * room.capacity];
        room.kept = vec![Default::default(); self.rows];
        room.pre.cpu_mut().fill(f32::NAN);
        let mut codes = Codes::new(&device, self.rows, k, self.concepts).unwrap();
        codes.values.cpu_mut().fill(f32::NAN);
        codes.counts.cpu_mut().fill(u32::MAX);
        let bias = self.bias.as_ref().map(|bias| tensor(self.concepts, 1, bias));
        let x = tensor(self.rows, self.d, &self.x);
        let weight = tensor(self.concepts, self.d, &self.weight);
        top_k(kernel, &x, &weight, bias.as_ref(), &mut room, &mut codes).then(|| {
            let rows = codes.indices.cpu().chunks(k).zip(codes.values.cpu().chunks(k));
            let rows = rows.zip(codes.counts.cpu()).map(|((indices, values), &count)| {
                let entries = indices.iter().zip(values).take(count as usize);
                entries.map(|(&j, value)| (j, value.to_bits())).collect()
            });
            rows.collect()
        })
    }

    #[track_caller]
    fn check(&self, k: usize) {
        let want = self.sorted(k);
        for kernel in kernels() {
            let got = self.shortlisted(kernel, k).expect("a shortlist");
            for (row, (got, want)) in got.iter().zip(&want).enumerate() {
                assert_eq!(got, want, "row {row}, {kernel:?}");
            }
        }
    }
}

#[test]
fn codes_are_those_of_products_in_float32() {
    let shapes = [
        (64, 512, 16, 32),
        (65, 513, 17, 1),
        (97, 1009, 33, 20),
        (70, 4500, 31, 4),
        (64, 2111, 300, 9),
    ];
    for (rows, concepts, d, k) in shapes {
        let mut case = Case::random(rows, concepts, d);
        case.check(k);
        case.bias = None;
        case.check(k);
    }
}

#[test]
fn few_are_positive() {
    let mut case = Case::random(66, 700, 24);
    case.bias = Some(vec![-4.0; 700]);
    assert!(case.sorted(9).iter().any(|row| row.len() < 9), "rows with fewer than k codes");
    case.check(9);
}

#[test]
fn values_of_all_sizes() {
    let mut case = Case::random(80, 600, 40);
    // Of the last kind, all products are as good as zero: rows that cannot be decided.
    let scales = [1.0, 1e-3, 1e3, 1e-12, 1e12, 0.1, 10.0, 1e-9, 1e-39];
    for (row, scale) in case.x.chunks_mut(40).zip(scales.into_iter().cycle()) {
        row.iter_mut().for_each(|x| *x *= scale);
    }
    // One dimension holds nearly all, and some atoms are much longer.
    case.x.iter_mut().step_by(40).for_each(|x| *x *= 300.0);
    case.weight.chunks_mut(40).step_by(7).for_each(|e| e.iter_mut().for_each(|e| *e *= 20.0));
    case.bias = None;
    case.check(5);
}

#[test]
fn ties_go_to_the_lowest_concept() {
    let mut case = Case::random(64, 512, 20);
    // Each atom stands there twice.
    for pair in case.weight.chunks_mut(40) {
        let (first, second) = pair.split_at_mut(20);
        second.copy_from_slice(first);
    }
    case.bias = None;
    case.check(7);
}

#[test]
fn rows_that_cannot_be_decided_are_multiplied_with_all() {
    let mut case = Case::random(72, 640, 20);
    case.x[..20].fill(0.0);
    case.x[20] = f32::NAN;
    case.x[41] = f32::INFINITY;
    case.x[60..80].fill(3e38);
    // All pre-codes of this row are alike.
    case.x[100..120].fill(0.0);
    case.x[119] = 1.0;
    case.weight.iter_mut().skip(19).step_by(20).for_each(|e| *e = 0.5);
    case.bias = None;
    case.check(6);
    case.bias = Some(random(4, 640));
    case.check(6);
}

#[test]
fn where_most_rows_cannot_be_decided_another_way_is_better() {
    let ties = Case { weight: vec![0.1; 640 * 20], bias: None, ..Case::random(72, 640, 20) };
    let mut infinite = Case::random(72, 640, 20);
    infinite.weight[77] = f32::INFINITY;
    let mut of_bias = Case::random(72, 640, 20);
    of_bias.bias.as_mut().unwrap()[5] = f32::NAN;
    for case in [ties, infinite, of_bias, Case::random(63, 640, 20), Case::random(72, 511, 20)] {
        for kernel in kernels() {
            assert_eq!(case.shortlisted(kernel, 6), None);
        }
    }
}

#[test]
fn scores_are_within_their_bound() {
    for (d, spread) in [(16, 1.0), (33, 1e4), (300, 1.0)] {
        let mut x = random(5, STRIP * d);
        x.iter_mut().step_by(d).for_each(|x| *x *= spread);
        // A row that is all but one dimension, as large as 16 bits can have it, and one of zeros.
        x[..d].fill(1e-7);
        x[0] = 1.0;
        x[d..2 * d].fill(0.0);
        let atoms = random(6, 3 * SIDE * d);
        for kernel in kernels() {
            let plan = super::Plan::new(kernel, [64, d, 512], usize::MAX).unwrap();
            let mut rows = vec![u32::MAX; 2 * panel(d)];
            let mut facts = vec![Row { factor: f32::NAN, norms: Norms::UNKNOWN }; STRIP];
            pack_rows(&x, &plan, &mut rows, &mut facts);
            let mut columns = vec![u32::MAX; 4 * panel(d)];
            let mut factors = vec![1.0; 4 * SIDE];
            let norms = pack_atoms(&atoms, &plan, &mut columns, &mut factors);
            let bound = Bound::new(d, norms, None);
            let stride = 4 * SIDE + 3;
            let mut scores = vec![f32::NAN; STRIP * stride];
            let row_factors = std::array::from_fn(|row| facts[row].factor);
            let operands = Operands {
                rows: &rows,
                columns: &columns,
                panel: panel(d),
                row_factors: &row_factors,
                column_factors: &factors,
            };
            kernel.scores(operands, &mut scores, stride);
            for (i, x) in x.chunks(d).enumerate() {
                let margin = f64::from(bound.of(facts[i].norms));
                for (j, e) in atoms.chunks(d).enumerate() {
                    let exact: f64 =
                        x.iter().zip(e).map(|(&x, &e)| f64::from(x) * f64::from(e)).sum();
                    let error = (f64::from(scores[i * stride + j]) - exact).abs();
                    assert!(error <= margin, "{error} above {margin}, {kernel:?}, d {d}");
                }
                assert_eq!(scores[i * stride + 3 * SIDE], 0.0, "no atom there");
                assert!(scores[i * stride + 4 * SIDE..][..3].iter().all(|score| score.is_nan()));
            }
        }
    }
}

#[test]
fn kernels_multiply_as_plain_loops_do() {
    for kernel in Kernel::all_of_machine() {
        for (d, panels) in [(1, 2), (32, 4), (100, 6)] {
            let operand = |seed, panels: usize, layout| {
                let mut packed = vec![0; panels * panel(d)];
                let mut factors = Vec::new();
                let values = random(seed, panels * SIDE * d);
                for (rows, out) in values.chunks(SIDE * d).zip(packed.chunks_mut(panel(d))) {
                    let packed = pack(kernel.format(), rows, d, layout, out);
                    factors.extend(packed.map(|row| row.factor));
                }
                (packed, factors)
            };
            let (rows, row_factors) = operand(7, 2, Layout::Rows);
            let (columns, column_factors) = operand(8, panels, Layout::Columns);
            let stride = panels * SIDE;
            let [got, want] = [kernel, Kernel::Plain(kernel.format())].map(|kernel| {
                let mut out = vec![f32::NAN; STRIP * stride];
                let operands = Operands {
                    rows: &rows,
                    columns: &columns,
                    panel: panel(d),
                    row_factors: row_factors.first_chunk().unwrap(),
                    column_factors: &column_factors,
                };
                kernel.scores(operands, &mut out, stride);
                out
            });
            for (got, want) in got.iter().zip(want) {
                assert!((got - want).abs() <= 1e-6 * d as f32, "{got} and {want}, {kernel:?}");
            }
        }
    }
}

#[test]
fn bfloat_rounds_to_nearest_and_norms_are_not_too_small() {
    let row = [1.0, 1.0 + 1.0 / 256.0, 1.0 + 3.0 / 256.0, -3.0e-39, -1.2345, 0.0];
    let mut packed = vec![u32::MAX; panel(row.len())];
    let [Row { norms, .. }, none, ..] =
        pack(Format::Bfloat, &row, row.len(), Layout::Rows, &mut packed);
    let halves: Vec<f32> =
        packed.iter().flat_map(|&pair| [pair as u16, (pair >> 16) as u16]).map(widen).collect();
    // Ties go to an even last bit, and what a product takes for zero is zero.
    assert_eq!(halves[..4], [1.0, 1.0, 1.0 + 4.0 / 256.0, 0.0]);
    assert!((halves[4] + 1.2345).abs() < 1.2345 / 256.0);
    assert!(halves[5..].iter().all(|&half| half == 0.0));
    let norm = |of: &dyn Fn(usize) -> f32| {
        (0..row.len()).map(|i| f64::from(of(i)).powi(2)).sum::<f64>().sqrt()
    };
    let (narrowed, lost) = (norm(&|i| halves[i]), norm(&|i| row[i] - halves[i]));
    assert!((1.0..1.01).contains(&(f64::from(norms.narrowed) / narrowed)));
    assert!((1.0..1.01).contains(&(f64::from(norms.lost) / lost)));
    assert!(none.norms.is_none());
}

#[test]
fn whole_numbers_use_their_bits_and_norms_are_not_too_small() {
    let d = 300;
    let rows = [random(9, d), [vec![0.0; d - 1], vec![-2.5e-7]].concat()];
    for (values, largest) in rows.iter().zip([46_000.0, 32_767.0]) {
        let mut packed = vec![u32::MAX; panel(d)];
        let [Row { factor, norms }, ..] =
            pack(Format::Integer, values, d, Layout::Rows, &mut packed);
        let numbers = (0..d).map(|i| {
            let pair = packed[i / 32 * 256 + i % 32 / 2];
            f64::from(((pair >> (16 * (i % 2))) as u16).cast_signed())
        });
        let numbers: Vec<f64> = numbers.collect();
        let norm = |of: &dyn Fn(usize) -> f64| (0..d).map(|i| of(i).powi(2)).sum::<f64>().sqrt();
        assert!((norm(&|i| numbers[i]) / largest - 1.0).abs() < 1e-4);
        let lost = norm(&|i| f64::from(values[i]) - numbers[i] * f64::from(factor));
        let narrowed = norm(&|i| numbers[i] * f64::from(factor));
        assert!((1.0..1.001).contains(&(f64::from(norms.narrowed) / narrowed)));
        assert!(lost <= f64::from(norms.lost) && f64::from(norms.lost) < 3.1e-4 * narrowed);
    }
}
