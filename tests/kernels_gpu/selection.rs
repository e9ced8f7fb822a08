//! The k largest codes of each row.

use crate::common::check::{poisoned, read, tensor};
use crate::common::{bits, devices, gpu, noise};
use archetypal::Device;
use archetypal::device::{Codes, TopKRoom};

/// (index, value) of the k largest above zero or, with `signed`, of the numbers, ascending by index; the lowest index
/// wins a tie.
fn largest(row: &[f32], k: usize, signed: bool) -> Vec<(u32, f32)> {
    let taken = |value: f32| value > 0.0 || signed && !value.is_nan();
    let mut numbers: Vec<(u32, f32)> =
        (0..).zip(row.iter().copied()).filter(|&(_, value)| taken(value)).collect();
    numbers.sort_by(|a, b| b.1.partial_cmp(&a.1).unwrap().then(a.0.cmp(&b.0)));
    numbers.truncate(k);
    numbers.sort_by_key(|&(index, _)| index);
    numbers
}

fn check(device: &Device, concepts: usize, k: usize, pre: &[f32]) {
    check_selection(device, concepts, k, pre, false);
    check_selection(device, concepts, k, pre, true);
}

fn check_selection(device: &Device, concepts: usize, k: usize, pre: &[f32], signed: bool) {
    let batch = pre.len() / concepts;
    let mut codes = Codes::new(device, batch, k, concepts).unwrap();
    codes.indices = poisoned(device, batch, k);
    codes.values = poisoned(device, batch, k);
    codes.counts = poisoned(device, batch, 1);
    let pre_tensor = tensor(device, batch, concepts, pre);
    if signed {
        device.top_k_signed(&pre_tensor, &mut codes);
    } else {
        device.top_k(&pre_tensor, &mut codes);
    }
    compare(&codes, pre, concepts, k, signed);
}

fn compare(codes: &Codes, pre: &[f32], concepts: usize, k: usize, signed: bool) {
    let (indices, values) = (read(&codes.indices), read(&codes.values));
    let counts = read(&codes.counts);
    for (b, row) in pre.chunks(concepts).enumerate() {
        let want = largest(row, k, signed);
        let what = format!("K {concepts}, k {k}, row {b}, signed: {signed}");
        assert_eq!(counts[b] as usize, want.len(), "{what}: how many");
        let places = b * k..b * k + want.len();
        let got: Vec<(u32, f32)> = places.map(|place| (indices[place], values[place])).collect();
        assert_eq!(got, want, "{what}");
    }
}

#[test]
fn any_k_of_any_number_of_concepts() {
    for max_binding in [None, Some(100_000)] {
        let Some(device) = gpu("any_k_of_any_number_of_concepts", max_binding) else { return };
        for (batch, concepts) in [(1, 1), (7, 5), (5, 257), (4, 2049), (3, 8193), (3, 20_011)] {
            let pre = noise(batch * concepts, concepts as u64);
            for k in [1, 3, 64, concepts / 3 + 1, concepts] {
                check(&device, concepts, k.min(concepts), &pre);
            }
        }
    }
}

/// Every value is the largest so far.
#[test]
fn ascending_rows() {
    let Some(device) = gpu("ascending_rows", None) else { return };
    for (concepts, k) in
        [(2000, 29), (1500, 64), (5000, 16), (9000, 64), (17_001, 16), (14_000, 63)]
    {
        let pre: Vec<f32> = (0..9 * concepts).map(|i| (i % concepts) as f32 - 7.0).collect();
        check(&device, concepts, k, &pre);
    }
}

/// How many columns a dispatch of shaders/top_k_rows.wgsl reads: `columns_at_once` of src/device/gpu/top_k.rs.
fn columns_at_once(k: usize) -> usize {
    (60_000 - k * (k + 8)) / (4 + k.ilog2() as usize)
}

#[test]
fn fewer_codes_than_k_in_rows_of_several_dispatches() {
    let Some(device) = gpu("fewer_codes_than_k", None) else { return };
    for k in [5, 16, 64] {
        let once = columns_at_once(k);
        for concepts in [once + 1, 2 * once + 1, 2 * once + 77] {
            // Of signed values only NaN is never taken.
            for nothing in [-1.0, f32::NAN] {
                let mut pre = vec![nothing; 5 * concepts];
                for (row, pre) in pre.chunks_mut(concepts).enumerate() {
                    let places = [concepts - 1, once, 3, once - 1];
                    places.iter().take(row).for_each(|&place| pre[place] = place as f32 + 0.5);
                }
                check(&device, concepts, k, &pre);
            }
        }
    }
}

#[test]
fn a_last_dispatch_of_a_single_column() {
    let Some(device) = gpu("a_last_dispatch_of_a_single_column", None) else { return };
    for k in [1, 16, 64] {
        let concepts = columns_at_once(k) + 1;
        // The best, one of the best, and none.
        for last in [2.0, 1.0, -1.0, f32::NAN] {
            let mut pre = noise(9 * concepts, k as u64);
            for pre in pre.chunks_mut(concepts) {
                pre[7] = 1.0;
                pre[concepts - 1] = last;
            }
            check(&device, concepts, k, &pre);
        }
    }
}

#[test]
fn the_lowest_index_wins_a_tie() {
    let Some(device) = gpu("the_lowest_index_wins_a_tie", None) else { return };
    let concepts = 9001;
    // Few different values, so that most are equal to another.
    let few: Vec<f32> = bits(2 * concepts, 1).iter().map(|bits| (bits % 5) as f32 - 1.0).collect();
    let all_one = vec![1.0; concepts];
    for k in [1, 40, 1000, 8500] {
        check(&device, concepts, k, &few);
        check(&device, concepts, k, &all_one);
    }
}

#[test]
fn zeros_are_never_taken() {
    let Some(device) = gpu("zeros_are_never_taken", None) else { return };
    let row = [0.0, -1.0, -0.0, 2.0, f32::NAN, 1e-30, f32::NEG_INFINITY, -f32::NAN];
    for k in [1, 2, 3, 8] {
        check(&device, row.len(), k, &row);
        check(&device, row.len(), k, &[0.0; 8]);
    }
}

#[test]
fn neighbouring_floats_and_extremes_are_told_apart() {
    let Some(device) = gpu("neighbouring_floats_are_told_apart", None) else { return };
    let mut row: Vec<f32> =
        (0..300).map(|i| f32::from_bits(0x3f80_0000 + (i * 7919) % 300)).collect();
    row.extend([f32::INFINITY, f32::MAX, f32::MIN_POSITIVE, 1e-20, 3e38]);
    row.extend([f32::NEG_INFINITY, f32::MIN, -f32::MIN_POSITIVE, -1e-45, 1e-45, -1e-20]);
    for k in [1, 2, 3, 100, 302, 305, 309, 311] {
        check(&device, row.len(), k, &row);
    }
}

/// More rows than a device takes workgroups in one dimension, each with a value below zero.
#[test]
fn folded_workgroups() {
    let Some(device) = gpu("folded_workgroups", None) else { return };
    let pre: Vec<f32> = noise(2 * 65_537, 9).iter().map(|x| x - 0.5).collect();
    check(&device, 2, 1, &pre);
}

#[test]
fn k_of_none() {
    let Some(device) = gpu("k_of_none", None) else { return };
    check(&device, 5, 0, &[1.0; 10]);
}

/// X Eᵀ + b over small whole numbers, which every order of summation gets right, many of them equal.
fn whole_numbers(len: usize, seed: u64) -> Vec<f32> {
    bits(len, seed).iter().map(|bits| (bits % 7) as f32 - 3.0).collect()
}

fn affine(x: &[f32], weight: &[f32], bias: Option<&[f32]>, d: usize) -> Vec<f32> {
    let dot = |x: &[f32], e: &[f32]| x.iter().zip(e).map(|(x, e)| x * e).sum::<f32>();
    let of_row = |x| {
        let products = weight.chunks(d).map(move |e| dot(x, e));
        products.enumerate().map(|(j, product)| product + bias.map_or(0.0, |bias| bias[j]))
    };
    x.chunks(d).flat_map(of_row).collect()
}

#[test]
fn codes_of_a_linear_map_are_those_of_its_pre_codes() {
    // Around the blocks that the CPU takes at once, and with too many codes for blocks.
    let sizes = [(1, 1, 1), (3, 7, 2), (5, 1023, 3), (5, 1025, 20), (33, 2500, 20), (2, 4097, 300)];
    for device in devices("codes_of_a_linear_map_are_those_of_its_pre_codes") {
        for (batch, concepts, k) in sizes {
            let d = 5;
            let mut room = TopKRoom::new(&device, batch, k, concepts).unwrap();
            let mut codes = Codes::new(&device, batch, k, concepts).unwrap();
            // The second pass finds what the first one left, with fewer rows and a bias.
            for (pass, rows) in [(0, batch), (1, batch.div_ceil(2))] {
                let x = whole_numbers(rows * d, concepts as u64 + pass);
                let weight = whole_numbers(concepts * d, 2 * pass + 1);
                let bias = (pass == 1).then(|| whole_numbers(concepts, 9));
                let pre = affine(&x, &weight, bias.as_deref(), d);
                room.set_rows(rows);
                codes.indices = poisoned(&device, rows, k);
                codes.values = poisoned(&device, rows, k);
                codes.counts = poisoned(&device, rows, 1);
                let bias = bias.map(|bias| tensor(&device, concepts, 1, &bias));
                let x = tensor(&device, rows, d, &x);
                let weight = tensor(&device, concepts, d, &weight);
                device.linear_top_k(&x, &weight, bias.as_ref(), &mut room, &mut codes);
                compare(&codes, &pre, concepts, k, false);
            }
        }
    }
}
