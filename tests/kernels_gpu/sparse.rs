//! Products with sparse codes, the codes made dense, and the entries by atom.

use crate::common::check::{by_atom, close, codes, poisoned, read, sparse_rows, tensor};
use crate::common::{devices, gpu, noise};
use archetypal::Device;
use archetypal::device::{ByAtom, Grad};

/// B, places a row, K, n, and the largest binding: alone, primes, one off a block, so many concepts that a thread of
/// shaders/by_atom_scan.wgsl reads twice, and split.
const SHAPES: [(usize, usize, usize, usize, Option<u64>); 9] = [
    (1, 1, 1, 1, None),
    (3, 2, 7, 257, None),
    (67, 5, 31, 63, None),
    (33, 17, 300, 129, None),
    (64, 40, 41, 513, None),
    (200, 9, 1301, 5, None),
    (67, 5, 31, 63, Some(2048)),
    (70, 3, 1009, 5, Some(6144)),
    (40, 17, 65, 129, Some(3072)),
];

type Rows = [Vec<(u32, f32)>];

/// Σ over the entries of each row of value · m[concept].
fn times_dense(rows: &Rows, m: &[f32], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; rows.len() * n];
    for (row, out) in rows.iter().zip(out.chunks_mut(n)) {
        for &(concept, value) in row {
            for (out, m) in out.iter_mut().zip(&m[concept as usize * n..]) {
                *out += f64::from(value) * f64::from(*m);
            }
        }
    }
    out
}

/// Σ over the entries of each concept of value · source[row].
pub fn transposed(rows: &Rows, concepts: usize, source: &[f32], n: usize) -> Vec<f64> {
    let mut out = vec![0.0; concepts * n];
    for (row, source) in rows.iter().zip(source.chunks(n)) {
        for &(concept, value) in row {
            let out = &mut out[concept as usize * n..][..n];
            for (out, source) in out.iter_mut().zip(source) {
                *out += f64::from(value) * f64::from(*source);
            }
        }
    }
    out
}

fn plus(a: &[f64], b: &[f32]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + f64::from(*b)).collect()
}

/// The values at the entries, in order.
fn at_entries(rows: &Rows, width: usize, values: &[f32]) -> Vec<f32> {
    let row = |(b, row): (usize, &Vec<_>)| values[b * width..][..row.len()].to_vec();
    rows.iter().enumerate().flat_map(row).collect()
}

#[test]
fn codes_times_dense() {
    for (batch, width, concepts, n, max_binding) in SHAPES {
        let Some(device) = gpu("codes_times_dense", max_binding) else { return };
        let rows = sparse_rows(batch, width, concepts, 1);
        let codes = codes(&device, width, concepts, &rows);
        let (m, old) = (noise(concepts * n, 2), noise(batch * n, 3));
        let m_tensor = tensor(&device, concepts, n, &m);
        let want = times_dense(&rows, &m, n);

        let mut out = poisoned(&device, batch, n);
        device.spmm(&codes, &m_tensor, &mut out, false);
        close("product", &read(&out), &want, 1e-5);
        let mut out = tensor(&device, batch, n, &old);
        device.spmm(&codes, &m_tensor, &mut out, true);
        close("product added", &read(&out), &plus(&want, &old), 1e-5);
    }
}

#[test]
fn dense_products_at_the_entries() {
    for (batch, width, concepts, n, max_binding) in SHAPES {
        let Some(device) = gpu("dense_products_at_the_entries", max_binding) else { return };
        let rows = sparse_rows(batch, width, concepts, 1);
        let codes = codes(&device, width, concepts, &rows);
        let (m, a) = (noise(concepts * n, 2), noise(batch * n, 3));
        let dot = |b: usize, concept: u32| -> f64 {
            let pairs = a[b * n..][..n].iter().zip(&m[concept as usize * n..]);
            pairs.map(|(a, m)| f64::from(*a) * f64::from(*m)).sum()
        };
        let want: Vec<f64> = rows
            .iter()
            .enumerate()
            .flat_map(|(b, row)| row.iter().map(move |&(concept, _)| (b, concept)))
            .map(|(b, concept)| dot(b, concept))
            .collect();
        let (m, a) = (tensor(&device, concepts, n, &m), tensor(&device, batch, n, &a));

        let mut out = poisoned(&device, batch, width);
        device.sddmm(&codes, &m, &a, &mut out, false);
        close("dots", &at_entries(&rows, width, &read(&out)), &want, 1e-5);
        let old = noise(batch * width, 4);
        let mut out = tensor(&device, batch, width, &old);
        device.sddmm(&codes, &m, &a, &mut out, true);
        let want = plus(&want, &at_entries(&rows, width, &old));
        close("dots added", &at_entries(&rows, width, &read(&out)), &want, 1e-5);
    }
}

#[test]
fn codes_made_dense() {
    for (batch, width, concepts, _, max_binding) in SHAPES {
        let Some(device) = gpu("codes_made_dense", max_binding) else { return };
        let rows = sparse_rows(batch, width, concepts, 5);
        let mut want = vec![0.0; batch * concepts];
        for (row, want) in rows.iter().zip(want.chunks_mut(concepts)) {
            row.iter().for_each(|&(concept, value)| want[concept as usize] = value);
        }
        let mut dense = poisoned(&device, batch, concepts);
        device.scatter(&codes(&device, width, concepts, &rows), &mut dense);
        assert_eq!(read(&dense), want);
    }
}

#[test]
fn entries_by_atom() {
    for (batch, width, concepts, _, max_binding) in SHAPES {
        let Some(device) = gpu("entries_by_atom", max_binding) else { return };
        let mut out = ByAtom::new(&device, batch, width, concepts).unwrap();
        out.bits.write(&vec![u32::MAX; out.bits.len()]);
        // Twice into the same memory, fewer rows the second time: nothing of the first may be left.
        for (used, seed) in [(batch, 6), (batch.div_ceil(2), 7)] {
            let rows = sparse_rows(used, width, concepts, seed);
            out.index.write(&vec![u32::MAX; out.index.len()]);
            device.by_atom(&codes(&device, width, concepts, &rows), &mut out);
            let want = read(&by_atom(&device, width, concepts, &rows).index);
            assert_eq!(read(&out.index)[..want.len()], want, "{batch} × {width} of {concepts}");
        }
    }
}

#[test]
fn a_stored_gradient() {
    for (batch, width, concepts, n, max_binding) in SHAPES {
        let Some(device) = gpu("a_stored_gradient", max_binding) else { return };
        let rows = sparse_rows(batch, width, concepts, 8);
        let codes = codes(&device, width, concepts, &rows);
        let by_atom = by_atom(&device, width, concepts, &rows);
        let source = noise(batch * n, 9);
        let source_tensor = tensor(&device, batch, n, &source);
        let grad = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &source_tensor };
        let mut out = poisoned(&device, concepts, n);
        device.spmm_t(grad, &mut out);
        close("gradient", &read(&out), &transposed(&rows, concepts, &source, n), 1e-5);

        let mut copy = poisoned(&device, concepts, n);
        device.spmm_t(Grad::Dense(&out), &mut copy);
        assert_eq!(read(&copy), read(&out));
    }
}

/// So many entries, or in so wide a row, that few threads would make more rounds of their loops than lavapipe lets them.
#[test]
fn a_concept_that_fires_in_every_row() {
    let Some(device) = gpu("a_concept_that_fires_in_every_row", None) else { return };
    for (batch, n) in [(3000, 1000), (9000, 1000), (36_000, 768), (70_000, 1)] {
        fires_in_every_row(&device, batch, n);
    }
}

fn fires_in_every_row(device: &Device, batch: usize, n: usize) {
    let rows: Vec<_> = (0..batch).map(|b| vec![(0, (b % 5) as f32 - 1.5)]).collect();
    let codes = codes(device, 1, 1, &rows);
    let by_atom = by_atom(device, 1, 1, &rows);
    let source = noise(batch * n, 11);
    let source_tensor = tensor(device, batch, n, &source);
    let grad = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &source_tensor };
    let mut out = poisoned(device, 1, n);
    device.spmm_t(grad, &mut out);
    let want = transposed(&rows, 1, &source, n);
    let rounding = 3e-8 * batch as f64; // of a sum that grows as its terms come
    close("gradient", &read(&out), &want, rounding);

    let mut sum = poisoned(device, 1, 1);
    device.sumsq(grad, &mut sum, 0);
    close("its square", &read(&sum), &[want.iter().map(|x| x * x).sum()], rounding);
}

/// More workgroups than one dimension has.
#[test]
fn folded_workgroups() {
    let Some(device) = gpu("folded_workgroups", None) else { return };
    let batch = 65_600;
    let rows = sparse_rows(batch, 1, 3, 10);
    let codes = codes(&device, 1, 3, &rows);
    let m = [2.0, 3.0, 5.0];
    let mut out = poisoned(&device, batch, 1);
    device.spmm(&codes, &tensor(&device, 3, 1, &m), &mut out, false);
    close("product", &read(&out), &times_dense(&rows, &m, 1), 1e-6);
}

#[test]
fn a_shorter_batch_leaves_the_rest_alone() {
    let Some(device) = gpu("a_shorter_batch_leaves_the_rest_alone", None) else { return };
    let (batch, used, width, concepts, n) = (9, 4, 3, 20, 6);
    let rows = sparse_rows(batch, width, concepts, 11);
    let mut codes = codes(&device, width, concepts, &rows);
    codes.set_rows(used);
    let m = noise(concepts * n, 12);
    let old = noise(batch * n, 13);
    let mut out = tensor(&device, batch, n, &old);
    out.set_rows(used);
    device.spmm(&codes, &tensor(&device, concepts, n, &m), &mut out, false);
    close("product", &read(&out), &times_dense(&rows[..used], &m, n), 1e-5);
    out.set_rows(batch);
    assert_eq!(read(&out)[used * n..], old[used * n..]);

    // And an empty one does nothing.
    codes.set_rows(0);
    out.set_rows(0);
    device.spmm(&codes, &tensor(&device, concepts, n, &m), &mut out, false);
    out.set_rows(batch);
    assert_eq!(read(&out)[used * n..], old[used * n..]);
}

#[test]
fn products_at_entries_with_the_norm_of_the_gradient() {
    for device in devices("products_at_entries_with_the_norm_of_the_gradient") {
        for (batch, width, concepts, n, _) in SHAPES.into_iter().filter(|shape| shape.4.is_none()) {
            let rows = sparse_rows(batch, width, concepts, 31);
            let (m, a) = (noise(concepts * n, 32), noise(batch * n, 33));
            let codes = codes(&device, width, concepts, &rows);
            let by_atom = by_atom(&device, width, concepts, &rows);
            let (m_t, a_t) = (tensor(&device, concepts, n, &m), tensor(&device, batch, n, &a));
            let squares: f64 =
                transposed(&rows, concepts, &a, n).iter().map(|gradient| gradient * gradient).sum();
            let products: Vec<f64> = rows
                .iter()
                .zip(a.chunks(n))
                .flat_map(|(row, a)| row.iter().map(move |(concept, _)| (*concept as usize, a)))
                .map(|(concept, a)| {
                    let m = &m[concept * n..][..n];
                    m.iter().zip(a).map(|(m, a)| f64::from(*m) * f64::from(*a)).sum()
                })
                .collect();
            let what = format!("{batch} x {width} of {concepts}, n {n}, on {}", device.name());
            let mut sums = poisoned(&device, 1, 3);
            let mut out = poisoned(&device, batch, width);
            device.sddmm_sumsq(&codes, &by_atom, &m_t, &a_t, &mut out, false, &mut sums, 1);
            close(&what, &at_entries(&rows, width, &read(&out)), &products, 1e-5);
            close(&what, &read(&sums)[1..2], &[squares], 1e-5);
            assert!(read(&sums)[0].is_nan() && read(&sums)[2].is_nan(), "other slots: {what}");
            let before = noise(batch * width, 34);
            let mut out = tensor(&device, batch, width, &before);
            device.sddmm_sumsq(&codes, &by_atom, &m_t, &a_t, &mut out, true, &mut sums, 0);
            let wanted = plus(&products, &at_entries(&rows, width, &before));
            close(&what, &at_entries(&rows, width, &read(&out)), &wanted, 1e-5);
            close(&what, &read(&sums)[..1], &[squares], 1e-5);
        }
    }
}
