//! Jump on the GPU against plain loops in float64.

use crate::common::check::{by_atom, close, codes, poisoned, read, sparse_rows, tensor};
use crate::common::{gpu, noise};
use archetypal::device::Codes;
use archetypal::sae::Kernel;
use archetypal::{Device, Tensor};
use std::f64::consts::{FRAC_PI_4, PI, SQRT_2};

/// B, K, and the largest binding: alone, primes, one off a tile, and split into several buffers.
const SHAPES: [(usize, usize, Option<u64>); 7] = [
    (1, 1, None),
    (1, 2049, None),
    (67, 5, None),
    (65, 257, None),
    (300, 63, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
];

/// Thresholds near e⁻³ and pre-codes of both signs around them.
fn data(batch: usize, concepts: usize) -> (Vec<f32>, Vec<f32>) {
    let thresholds = noise(concepts, 1).iter().map(|x| -3.0 + 2.0 * x).collect();
    let pre = noise(batch * concepts, 2).iter().map(|x| 0.5 * x + 0.1).collect();
    (pre, thresholds)
}

fn kappa(kernel: Kernel, x: f64, bandwidth: f64) -> f64 {
    let h = bandwidth / 2.0;
    let u = x.abs() / h;
    let inside = |value: f64| if u <= 1.0 { value } else { 0.0 };
    match kernel {
        Kernel::Rectangle => inside(1.0 / bandwidth),
        Kernel::Gaussian => (-u * u / 2.0).exp() / (bandwidth * (2.0 * PI).sqrt()),
        Kernel::Triangular => inside((1.0 - u) / h),
        Kernel::Cosine if u <= 2.0 => (1.0 + (PI * x / bandwidth).cos()) / 2.0,
        Kernel::Cosine => 0.0,
        Kernel::Epanechnikov => inside(0.75 * (1.0 - u * u) / h),
        Kernel::Quartic => inside(0.9375 * (1.0 - u * u).powi(2) / h),
        Kernel::Silverman => (-u / SQRT_2).exp() * (u / SQRT_2 + FRAC_PI_4).sin() / h,
        Kernel::Cauchy => 1.0 / ((1.0 + u * u) * PI * h),
    }
}

/// ∂loss/∂t of one code: −θ·(θ/bw)·κ(a − θ)·g.
fn threshold_term(kernel: Kernel, bandwidth: f32, pre: f32, t: f32, g: f32) -> f64 {
    let theta = f64::from(t).exp();
    let bandwidth = f64::from(bandwidth);
    let x = f64::from(pre.max(0.0)) - theta;
    -theta * theta / bandwidth * kappa(kernel, x, bandwidth) * f64::from(g)
}

fn forward(device: &Device, pre: &[f32], t: &[f32]) -> Vec<f32> {
    let (batch, concepts) = (pre.len() / t.len(), t.len());
    let pre = tensor(device, batch, concepts, pre);
    let t = tensor(device, concepts, 1, t);
    let mut z = poisoned(device, batch, concepts);
    device.jump(&pre, &t, &mut z);
    read(&z)
}

#[test]
fn codes_below_the_threshold_are_zero() {
    for (batch, concepts, max_binding) in SHAPES {
        let Some(device) = gpu("codes_below_the_threshold", max_binding) else { return };
        let (pre, t) = data(batch, concepts);
        let z = forward(&device, &pre, &t);
        for (i, &z) in z.iter().enumerate() {
            let a = pre[i].max(0.0);
            let want = if f64::from(a) >= f64::from(t[i % concepts]).exp() { a } else { 0.0 };
            assert_eq!(z, want, "{batch} × {concepts}, {i}");
        }
    }
}

#[test]
fn sparse_codes_list_the_same_and_the_near_ones() {
    for (batch, concepts, max_binding) in SHAPES {
        let Some(device) = gpu("sparse_codes_list", max_binding) else { return };
        let (pre, t) = data(batch, concepts);
        for reach in [0.02, f32::INFINITY] {
            let mut out = Codes::new(&device, batch, concepts, concepts).unwrap();
            out.counts.write(&vec![u32::MAX; batch]);
            let (x, bounds) =
                (tensor(&device, batch, concepts, &pre), tensor(&device, concepts, 1, &t));
            device.jump_sparse(&x, &bounds, reach, &mut out);
            let (indices, values, counts) =
                (read(&out.indices), read(&out.values), read(&out.counts));
            for b in 0..batch {
                let mut want = Vec::new();
                for j in 0..concepts {
                    let (a, theta) = (pre[b * concepts + j].max(0.0), f64::from(t[j]).exp());
                    let distance = f64::from(a) - theta;
                    if distance >= 0.0 || distance.abs() <= f64::from(reach) {
                        want.push((j as u32, if distance >= 0.0 { a } else { 0.0 }));
                    }
                }
                let places = b * concepts..b * concepts + counts[b] as usize;
                let got: Vec<_> = indices[places.clone()]
                    .iter()
                    .copied()
                    .zip(values[places].iter().copied())
                    .collect();
                assert_eq!(got, want, "{batch} × {concepts}, row {b}, reach {reach}");
            }
        }
    }
}

#[test]
fn gradients_of_dense_codes() {
    for (batch, concepts, max_binding) in SHAPES {
        let Some(device) = gpu("gradients_of_dense_codes", max_binding) else { return };
        let (pre, t) = data(batch, concepts);
        let g = noise(batch * concepts, 3);
        let (x, bounds) =
            (tensor(&device, batch, concepts, &pre), tensor(&device, concepts, 1, &t));
        for (kernel, bandwidth) in
            Kernel::ALL.into_iter().zip([0.3, 0.05, 0.3, 0.2, 0.3, 0.4, 0.02, 0.1])
        {
            let mut grad = tensor(&device, batch, concepts, &g);
            let mut grad_t = poisoned(&device, concepts, 1);
            device.jump_backward(&x, &bounds, kernel, bandwidth, &mut grad, &mut grad_t);
            let mut want = vec![0.0; concepts];
            for i in 0..batch * concepts {
                let j = i % concepts;
                want[j] += threshold_term(kernel, bandwidth, pre[i], t[j], g[i]);
            }
            close(&format!("{kernel:?}"), &read(&grad_t), &want, 1e-5 * (batch as f64).sqrt());
            for (i, got) in read(&grad).into_iter().enumerate() {
                let active = f64::from(pre[i].max(0.0)) >= f64::from(t[i % concepts]).exp();
                assert_eq!(got, if active { g[i] } else { 0.0 }, "∂pre[{i}]");
            }
        }
    }
}

#[test]
fn gradients_of_sparse_codes() {
    for (batch, width, concepts, max_binding) in
        [(1, 1, 1, None), (70, 9, 131, None), (500, 3, 2, None), (61, 7, 67, Some(4096))]
    {
        let Some(device) = gpu("gradients_of_sparse_codes", max_binding) else { return };
        let (pre, t) = data(batch, concepts);
        let g = noise(batch * width, 3);
        let rows = sparse_rows(batch, width, concepts, 4);
        let (z, index) =
            (codes(&device, width, concepts, &rows), by_atom(&device, width, concepts, &rows));
        let (x, bounds) =
            (tensor(&device, batch, concepts, &pre), tensor(&device, concepts, 1, &t));
        for kernel in Kernel::ALL {
            let mut grad = tensor(&device, batch, width, &g);
            let mut grad_t = poisoned(&device, concepts, 1);
            device.jump_backward_sparse(
                &x,
                &bounds,
                kernel,
                0.1,
                &z,
                &index,
                &mut grad,
                &mut grad_t,
            );
            let (mut want, mut want_grad) = (vec![0.0; concepts], g.clone());
            for (b, row) in rows.iter().enumerate() {
                for (i, &(j, _)) in row.iter().enumerate() {
                    let (j, place) = (j as usize, b * width + i);
                    let pre = pre[b * concepts + j];
                    want[j] += threshold_term(kernel, 0.1, pre, t[j], g[place]);
                    if f64::from(pre.max(0.0)) < f64::from(t[j]).exp() {
                        want_grad[place] = 0.0;
                    }
                }
            }
            close(&format!("{kernel:?}"), &read(&grad_t), &want, 1e-4);
            assert_eq!(read(&grad), want_grad);
        }
    }
}

/// A pre-code within a few units in the last place of its threshold must not be active in one pass only.
#[test]
fn forward_and_backward_decide_alike() {
    let Some(device) = gpu("forward_and_backward_decide_alike", None) else { return };
    let concepts = 400;
    let t: Vec<f32> = (0..concepts).map(|j| -6.0 + 0.03 * j as f32).collect();
    let around = |shift: i32| {
        t.iter().map(move |t| f32::from_bits((t.exp().to_bits() as i32 + shift) as u32))
    };
    let pre: Vec<f32> = (-4..=4).flat_map(around).collect();
    let batch = pre.len() / concepts;
    let z = forward(&device, &pre, &t);
    let (x, bounds) = (tensor(&device, batch, concepts, &pre), tensor(&device, concepts, 1, &t));
    let mut grad = tensor(&device, batch, concepts, &vec![1.0; pre.len()]);
    let mut grad_t = poisoned(&device, concepts, 1);
    device.jump_backward(&x, &bounds, Kernel::Silverman, 1e-3, &mut grad, &mut grad_t);
    let grad = read(&grad);
    let mut sparse = Codes::new(&device, batch, concepts, concepts).unwrap();
    device.jump_sparse(&x, &bounds, 0.0, &mut sparse);
    let (indices, counts) = (read(&sparse.indices), read(&sparse.counts));
    let mut both = [0, 0];
    for i in 0..pre.len() {
        let active = z[i] > 0.0;
        assert_eq!(grad[i] != 0.0, active, "{i}");
        let (b, j) = (i / concepts, (i % concepts) as u32);
        let listed = &indices[b * concepts..][..counts[b] as usize];
        assert_eq!(listed.contains(&j), active, "{i}");
        both[usize::from(active)] += 1;
    }
    assert!(both.iter().all(|&count| count > concepts), "{both:?}");
}

#[test]
fn nan_stays_and_huge_codes_do_not_make_one() {
    let Some(device) = gpu("nan_stays", None) else { return };
    let z = forward(&device, &[f32::NAN, 1.0, 1.0, -1.0], &[0.0, f32::NAN]);
    assert!(z[0].is_nan() && z[1].is_nan() && z[3].is_nan(), "{z:?}");
    assert_eq!(z[2], 1.0);
    let mut sparse = Codes::new(&device, 1, 2, 2).unwrap();
    let (x, bounds) = (tensor(&device, 1, 2, &[f32::NAN, 0.0]), tensor(&device, 2, 1, &[0.0, 0.0]));
    device.jump_sparse(&x, &bounds, 0.1, &mut sparse);
    assert_eq!((read(&sparse.counts)[0], read(&sparse.indices)[0]), (1, 0));
    assert!(read(&sparse.values)[0].is_nan());

    let (x, bounds) = (tensor(&device, 1, 1, &[1e36_f32]), tensor(&device, 1, 1, &[-3.0_f32]));
    for kernel in Kernel::ALL {
        let mut grad = tensor(&device, 1, 1, &[1.0_f32]);
        let mut grad_t: Tensor = poisoned(&device, 1, 1);
        device.jump_backward(&x, &bounds, kernel, 1e-3, &mut grad, &mut grad_t);
        assert!(read(&grad_t)[0].abs() < 1e-20, "{kernel:?}: {:?}", read(&grad_t));
    }
}
