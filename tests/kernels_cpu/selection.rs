//! Top-k and jump.

use crate::util::*;
use archetypal::{
    Device, Tensor,
    device::{Codes, Gemm, TopKRoom, cpu::Cpu},
    sae::Kernel,
};

/// Top-k by sorting, of what is above zero or, with `signed`, of all that are numbers.
fn sorted(pre: &[f32], k: usize, signed: bool) -> Vec<(usize, f32)> {
    let taken = |v: f32| v > 0.0 || signed && !v.is_nan();
    let mut all: Vec<_> = pre.iter().copied().enumerate().filter(|(_, v)| taken(*v)).collect();
    all.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
    all.truncate(k);
    all.sort_by_key(|(concept, _)| *concept);
    all
}

#[track_caller]
fn check_top_k(pre: &[f32], concepts: usize, k: usize) {
    check_selection(pre, concepts, k, false);
    check_selection(pre, concepts, k, true);
}

#[track_caller]
fn check_selection(pre: &[f32], concepts: usize, k: usize, signed: bool) {
    let batch = pre.len() / concepts;
    let mut codes = poisoned_codes(batch, k, concepts);
    let pre_tensor = tensor(batch, concepts, pre);
    if signed {
        Device::cpu().top_k_signed(&pre_tensor, &mut codes);
    } else {
        Device::cpu().top_k(&pre_tensor, &mut codes);
    }
    let got = entries(&codes);
    for row in 0..batch {
        let want = sorted(&pre[row * concepts..][..concepts], k, signed);
        let got: Vec<_> = got
            .iter()
            .filter(|e| e.1 == row)
            .map(|&(_, _, concept, value)| (concept, value))
            .collect();
        assert_eq!(got, want, "row {row} of {concepts} concepts, k {k}, signed: {signed}");
    }
}

#[test]
fn top_k_equals_a_sort() {
    let mut random = Random::new(10);
    for concepts in [1, 2, 63, 64, 65, 127, 193, 1009, 4096] {
        for k in [1, 2, 20, 64, 65, concepts / 10, concepts] {
            if (1..=concepts).contains(&k) {
                check_top_k(&random.floats(5 * concepts), concepts, k);
            }
        }
    }
    check_top_k(&random.floats(2 * 10_007), 10_007, 20);
}

/// [rows, concepts, d, k] with all pre-codes at once, in three blocks of which the last is not full, and by shortlists.
pub const LINEAR_TOP_K_SHAPES: [(usize, usize, usize, usize); 5] =
    [(1, 3, 2, 2), (7, 90, 13, 20), (7, 1009, 13, 20), (33, 4500, 21, 4), (70, 2101, 40, 9)];

/// Asserts that codes made in one with a `product` are those of a sort of it.
#[track_caller]
pub fn check_linear_top_k(
    (rows, concepts, _, k): (usize, usize, usize, usize),
    product: impl FnOnce(&mut Tensor),
    in_one: impl Fn(&mut TopKRoom, &mut Codes),
) {
    let mut pre = poisoned(rows, concepts);
    product(&mut pre);
    for device in [Device::cpu(), Device::cpu_without_shortlists()] {
        let mut room = TopKRoom::new(&device, rows, k, concepts).unwrap();
        let mut codes = poisoned_codes(rows, k, concepts);
        in_one(&mut room, &mut codes);
        let got = entries(&codes);
        for (row, pre) in values(&pre).chunks(concepts).enumerate() {
            let got: Vec<_> = got.iter().filter(|entry| entry.1 == row).collect();
            let want = sorted(pre, k, false);
            assert_eq!(got.len(), want.len(), "row {row} of {concepts} concepts");
            for (got, want) in got.into_iter().zip(want) {
                assert_eq!(got.2, want.0, "row {row} of {concepts} concepts");
                assert!((got.3 - want.1).abs() < 1e-5, "{} and {}", got.3, want.1);
            }
        }
    }
}

#[test]
fn linear_top_k_is_top_k_of_the_product() {
    let device = Device::cpu();
    let mut random = Random::new(14);
    for shape @ (rows, concepts, d, _) in LINEAR_TOP_K_SHAPES {
        let x = tensor(rows, d, &random.floats(rows * d));
        let weight = tensor(concepts, d, &random.floats(concepts * d));
        let bias = column(&random.floats(concepts));
        for bias in [None, Some(&bias)] {
            let spec = Gemm { transpose_b: true, bias, ..Gemm::default() };
            check_linear_top_k(
                shape,
                |pre| device.gemm(&x, &weight, pre, spec),
                |room, codes| device.linear_top_k(&x, &weight, bias, room, codes),
            );
        }
    }
}

#[test]
fn top_k_gives_ties_to_the_lowest_index() {
    let mut random = Random::new(11);
    for (concepts, k) in [(64, 5), (1000, 7), (1000, 300), (3001, 20), (130, 129)] {
        check_top_k(&vec![0.5; 2 * concepts], concepts, k);
        // Few different values: the threshold is nearly always a tie.
        let coarse: Vec<f32> =
            (0..4 * concepts).map(|_| (random.below(4) as f32 - 1.0) * 0.25).collect();
        check_top_k(&coarse, concepts, k);
    }
}

#[test]
fn top_k_of_ordered_rows() {
    // Ascending: every value beats the threshold so far. Descending: none does after the first k.
    let ascending: Vec<f32> = (0..5000).map(|i| i as f32 * 1e-3).collect();
    let descending: Vec<f32> = ascending.iter().rev().copied().collect();
    for k in [1, 20, 500, 5000] {
        check_top_k(&ascending, 5000, k);
        check_top_k(&descending, 5000, k);
    }
}

#[test]
fn top_k_never_takes_what_is_not_above_zero() {
    let special = [0.0, -0.0, -1.0, f32::NAN, f32::NEG_INFINITY, -f32::NAN];
    let none: Vec<f32> = (0..600).map(|i| special[i % special.len()]).collect();
    check_top_k(&none, 300, 10);
    let mut some = none;
    (some[7], some[299], some[300]) = (1e-40, f32::INFINITY, 2.0);
    check_top_k(&some, 300, 10);
    check_top_k(&some, 300, 1);
}

#[test]
fn signed_top_k_of_values_below_zero() {
    let mut random = Random::new(15);
    for (concepts, k) in [(5, 5), (300, 7), (3001, 20)] {
        let negative: Vec<f32> =
            random.floats(3 * concepts).iter().map(|x| x.abs() - 2.0).collect();
        check_top_k(&negative, concepts, k);
        check_top_k(&vec![f32::NEG_INFINITY; concepts], concepts, k);
        let zeros: Vec<f32> = (0..concepts).map(|i| [0.0, -0.0][i % 2]).collect();
        check_top_k(&zeros, concepts, k);
    }
}

#[test]
fn scatter_makes_codes_dense() {
    let mut random = Random::new(12);
    for (batch, width, concepts) in [(1, 1, 1), (7, 3, 65), (4, 33, 33)] {
        let codes = random_codes(&mut random, batch, width, concepts);
        let mut dense = poisoned(batch, concepts);
        Device::cpu().scatter(&codes, &mut dense);
        let mut want = vec![0.0; batch * concepts];
        for (_, row, concept, value) in entries(&codes) {
            want[row * concepts + concept] = value;
        }
        assert_eq!(values(&dense), want);
    }
}

struct Jump {
    batch: usize,
    concepts: usize,
    pre: Vec<f32>,
    t: Vec<f32>,
    g: Vec<f32>,
}

impl Jump {
    fn new(random: &mut Random, batch: usize, concepts: usize) -> Self {
        let t: Vec<f32> = (0..concepts).map(|_| -1.0 + 0.3 * random.float()).collect();
        let mut pre = random.floats(batch * concepts);
        // One exactly at its threshold, one exactly at zero, some not numbers.
        pre[0] = t[0].exp();
        *pre.last_mut().unwrap() = 0.0;
        if pre.len() > 40 {
            (pre[17], pre[33]) = (f32::NAN, f32::INFINITY);
        }
        Self { batch, concepts, pre, t, g: random.floats(batch * concepts) }
    }

    fn theta(&self, i: usize) -> f32 {
        self.t[i % self.concepts].exp()
    }

    fn active(&self, i: usize) -> bool {
        self.pre[i].max(0.0) >= self.theta(i)
    }

    fn pre(&self) -> Tensor {
        tensor(self.batch, self.concepts, &self.pre)
    }

    fn sparse(&self, reach: f32) -> Codes {
        let mut codes = poisoned_codes(self.batch, self.concepts, self.concepts);
        Device::cpu().jump_sparse(&self.pre(), &column(&self.t), reach, &mut codes);
        codes
    }
}

const JUMPS: [(usize, usize); 6] = [(1, 1), (3, 31), (2, 33), (65, 64), (40, 7), (1100, 3)];

#[test]
fn jump_keeps_what_reaches_its_threshold() {
    let mut random = Random::new(13);
    for (batch, concepts) in JUMPS {
        let case = Jump::new(&mut random, batch, concepts);
        let want: Vec<f32> =
            (0..case.pre.len()).map(|i| if case.active(i) { case.pre[i] } else { 0.0 }).collect();
        let mut z = poisoned(batch, concepts);
        Device::cpu().jump(&case.pre(), &column(&case.t), &mut z);
        for ((z, want), pre) in values(&z).iter().zip(&want).zip(&case.pre) {
            // A NaN goes on, so that the loss shows it.
            assert!(z == want || pre.is_nan() && z.is_nan(), "{z} is not {want}");
        }

        for reach in [0.0, 0.05, f32::INFINITY] {
            let listed =
                |i: usize| case.active(i) || (case.pre[i].max(0.0) - case.theta(i)).abs() <= reach;
            let want: Vec<_> =
                (0..want.len()).filter(|&i| listed(i)).map(|i| (i, want[i])).collect();
            let got: Vec<_> = entries(&case.sparse(reach))
                .into_iter()
                .map(|(_, row, concept, value)| (row * concepts + concept, value))
                .collect();
            assert_eq!(got, want, "reach {reach}");
        }
    }
}

#[test]
fn jump_backward_equals_the_formula() {
    let device = Device::cpu();
    let mut random = Random::new(14);
    for (batch, concepts) in JUMPS {
        let mut case = Jump::new(&mut random, batch, concepts);
        case.pre.iter_mut().for_each(|x| *x = if x.is_finite() { *x } else { 0.4 });
        for kernel in Kernel::ALL {
            for bandwidth in [0.02, 0.5] {
                let masked = |i: usize| if case.active(i) { case.g[i] } else { 0.0 };
                let mut want = vec![0.0; concepts];
                let mut size = 0.0_f64;
                for i in 0..case.pre.len() {
                    let (a, theta) = (case.pre[i].max(0.0), case.theta(i));
                    let term = -f64::from(theta / bandwidth)
                        * f64::from(kernel.value(a - theta, bandwidth))
                        * f64::from(case.g[i])
                        * f64::from(theta);
                    want[i % concepts] += term;
                    size += term.abs();
                }
                let tolerance = 1e-6 * (1.0 + size);
                let what = format!("{kernel:?}, bandwidth {bandwidth}, {batch}×{concepts}");

                let mut grad = tensor(batch, concepts, &case.g);
                let mut grad_t = poisoned(concepts, 1);
                let (pre, t) = (case.pre(), column(&case.t));
                device.jump_backward(&pre, &t, kernel, bandwidth, &mut grad, &mut grad_t);
                close(&what, values(&grad_t), &want, tolerance);
                let dense: Vec<f32> = (0..case.g.len()).map(masked).collect();
                assert_eq!(values(&grad), dense, "{what}");

                // Sparse: the same where it has entries, and its entries are all that matter.
                let codes = case.sparse(kernel.reach(bandwidth));
                let mut by_atom = poisoned_index(batch, concepts, concepts);
                device.by_atom(&codes, &mut by_atom);
                let mut g = vec![f32::NAN; batch * concepts];
                for (entry, row, concept, _) in entries(&codes) {
                    g[entry] = case.g[row * concepts + concept];
                }
                let mut grad = tensor(batch, concepts, &g);
                let mut grad_t = poisoned(concepts, 1);
                device.jump_backward_sparse(
                    &pre,
                    &t,
                    kernel,
                    bandwidth,
                    &codes,
                    &by_atom,
                    &mut grad,
                    &mut grad_t,
                );
                close(&what, values(&grad_t), &want, tolerance);
                for (entry, row, concept, _) in entries(&codes) {
                    assert_eq!(values(&grad)[entry], masked(row * concepts + concept), "{what}");
                }
            }
        }
    }
}

#[test]
fn shortlists_are_made_where_they_can_be_and_nobody_minds() {
    let made = |device: &Device, concepts| {
        TopKRoom::new(device, 4, 8, concepts).unwrap().makes_shortlists()
    };
    assert_eq!(made(&Device::cpu(), 4096), Cpu::shortlists().is_some());
    assert!(!made(&Device::cpu(), 128), "too few concepts");
    assert!(!made(&Device::cpu_without_shortlists(), 4096));
}
