//! Dense and sparse products, and the transposed index.

use crate::util::*;
use archetypal::{
    Device,
    device::{Gemm, Grad},
};

const SHAPES: [(usize, usize, usize); 9] = [
    (1, 1, 1),
    (1, 7, 3),
    (5, 1, 129),
    (13, 17, 31),
    (64, 65, 63),
    (33, 1, 2),
    (1, 200, 1),
    (3, 5, 0),
    (97, 101, 103),
];

#[test]
fn gemm_equals_a_triple_loop() {
    let device = Device::cpu();
    let mut random = Random::new(1);
    for (m, n, k) in SHAPES {
        let (a, b, c) = (random.floats(m * k), random.floats(k * n), random.floats(m * n));
        let bias = random.floats(n);
        for (transpose_a, transpose_b) in [(false, false), (false, true), (true, false)] {
            for (accumulate, with_bias) in
                [(false, false), (true, false), (false, true), (true, true)]
            {
                let a_at = |i: usize, l: usize| a[if transpose_a { l * m + i } else { i * k + l }];
                let b_at = |l: usize, j: usize| b[if transpose_b { j * k + l } else { l * n + j }];
                let mut want = vec![0.0; m * n];
                for i in 0..m {
                    for j in 0..n {
                        let product: f64 =
                            (0..k).map(|l| f64::from(a_at(i, l)) * f64::from(b_at(l, j))).sum();
                        let before = if accumulate { f64::from(c[i * n + j]) } else { 0.0 };
                        let bias = if with_bias { f64::from(bias[j]) } else { 0.0 };
                        want[i * n + j] = product + before + bias;
                    }
                }
                let (a_shape, b_shape) = (
                    if transpose_a { (k, m) } else { (m, k) },
                    if transpose_b { (n, k) } else { (k, n) },
                );
                let a = tensor(a_shape.0, a_shape.1, &a);
                let b = tensor(b_shape.0, b_shape.1, &b);
                let bias = column(&bias);
                let mut out = if accumulate { tensor(m, n, &c) } else { poisoned(m, n) };
                let bias = with_bias.then_some(&bias);
                let spec = Gemm { transpose_a, transpose_b, accumulate, bias };
                device.gemm(&a, &b, &mut out, spec);
                close(&format!("{m}×{n}×{k} {spec:?}"), values(&out), &want, 1e-5);
            }
        }
    }
}

/// (batch, width, concepts, n)
const SPARSE: [(usize, usize, usize, usize); 7] = [
    (1, 1, 1, 1),
    (3, 2, 5, 1),
    (7, 5, 13, 31),
    (17, 1, 64, 33),
    (31, 13, 13, 65),
    (9, 4, 100, 257),
    (4, 3, 7, 9001),
];

#[test]
fn spmm_and_sddmm_equal_plain_loops() {
    let device = Device::cpu();
    let mut random = Random::new(2);
    for (batch, width, concepts, n) in SPARSE {
        let codes = random_codes(&mut random, batch, width, concepts);
        let (m, a) = (random.floats(concepts * n), random.floats(batch * n));
        let before = random.floats(batch * n.max(width));
        for accumulate in [false, true] {
            let start = |i: usize| if accumulate { f64::from(before[i]) } else { 0.0 };
            let output = |cols: usize| {
                let before = &before[..batch * cols];
                if accumulate { tensor(batch, cols, before) } else { poisoned(batch, cols) }
            };
            let mut want: Vec<f64> = (0..batch * n).map(start).collect();
            for (_, row, concept, value) in entries(&codes) {
                for c in 0..n {
                    want[row * n + c] += f64::from(value) * f64::from(m[concept * n + c]);
                }
            }
            let mut out = output(n);
            device.spmm(&codes, &tensor(concepts, n, &m), &mut out, accumulate);
            close("spmm", values(&out), &want, 1e-5);

            let mut out = output(width);
            device.sddmm(
                &codes,
                &tensor(concepts, n, &m),
                &tensor(batch, n, &a),
                &mut out,
                accumulate,
            );
            for (entry, row, concept, _) in entries(&codes) {
                let terms = m[concept * n..][..n].iter().zip(&a[row * n..][..n]);
                let product: f64 = terms.map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
                close("sddmm", &values(&out)[entry..=entry], &[start(entry) + product], 1e-4);
            }
        }
    }
}

#[test]
fn index_lists_the_entries_of_each_atom_by_row() {
    let device = Device::cpu();
    let mut random = Random::new(3);
    // The last is large enough to be shared out over the cores, in several ranges of atoms.
    for (batch, width, concepts) in
        [(1, 1, 1), (5, 3, 7), (64, 10, 10), (33, 4, 1000), (90, 2000, 2000)]
    {
        let codes = random_codes(&mut random, batch, width, concepts);
        let mut by_atom = poisoned_index(batch, width, concepts);
        device.by_atom(&codes, &mut by_atom);
        let mut lists = vec![Vec::new(); concepts];
        for (entry, _, concept, _) in entries(&codes) {
            lists[concept].push(entry as u32);
        }
        let index = integers(&by_atom.index);
        let mut offset = 0;
        for (atom, list) in lists.iter().enumerate() {
            assert_eq!(index[atom], offset, "offset of atom {atom} of {concepts}");
            let place = concepts + 1 + offset as usize;
            assert_eq!(&index[place..place + list.len()], list, "entries of atom {atom}");
            offset += list.len() as u32;
        }
        assert_eq!(index[concepts], offset);
    }
}

#[test]
fn stored_gradient_equals_a_plain_loop() {
    let device = Device::cpu();
    let mut random = Random::new(4);
    for (batch, width, concepts, n) in SPARSE {
        let codes = random_codes(&mut random, batch, width, concepts);
        let mut by_atom = poisoned_index(batch, width, concepts);
        device.by_atom(&codes, &mut by_atom);
        let source = random.floats(batch * n);
        let mut want = vec![0.0; concepts * n];
        for (_, row, concept, value) in entries(&codes) {
            for c in 0..n {
                want[concept * n + c] += f64::from(value) * f64::from(source[row * n + c]);
            }
        }
        let source = tensor(batch, n, &source);
        let rows = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &source };
        let mut out = poisoned(concepts, n);
        device.spmm_t(rows, &mut out);
        close("spmm_t", values(&out), &want, 1e-5);
        let mut copy = poisoned(concepts, n);
        device.spmm_t(Grad::Dense(&out), &mut copy);
        assert_eq!(values(&copy), values(&out));
    }
}

#[test]
fn an_empty_batch_is_no_trouble() {
    let device = Device::cpu();
    let (batch, width, concepts, n) = (4, 2, 3, 5);
    let mut codes = poisoned_codes(batch, width, concepts);
    codes.set_rows(0);
    let mut by_atom = poisoned_index(batch, width, concepts);
    device.by_atom(&codes, &mut by_atom);
    assert_eq!(&integers(&by_atom.index)[..=concepts], [0; 4]);
    let (m, mut out) = (tensor(concepts, n, &[1.0; 15]), poisoned(batch, n));
    out.set_rows(0);
    device.spmm(&codes, &m, &mut out, false);
    device.top_k(&tensor(0, concepts, &[]), &mut codes);
    let rows = Grad::Rows { by_atom: &by_atom, values: &codes.values, source: &out };
    let mut grad = poisoned(concepts, n);
    device.spmm_t(rows, &mut grad);
    assert_eq!(values(&grad), [0.0; 15]);
}
