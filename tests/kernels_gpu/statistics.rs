//! Loss, reductions, counters and k-means on the GPU against plain loops in float64.

use crate::common::check::{by_atom, close, codes, poisoned, read, sparse_rows, tensor};
use crate::common::{bits, gpu, noise};
use archetypal::device::{ACTIVE_FROM, log};
use archetypal::{Device, Tensor};

/// Rows, columns, and the largest binding: alone, primes, one off a tile, and split into several buffers.
const SHAPES: [(usize, usize, Option<u64>); 7] = [
    (1, 1, None),
    (2, 4097, None),
    (131, 7, None),
    (65, 255, None),
    (1, 300, None),
    (61, 67, Some(2048)),
    (129, 65, Some(1024)),
];

/// More rows than a device takes workgroups in one dimension.
const MANY: usize = 70_001;

/// The sum over each row of a [rows, cols] matrix of `term` of its elements.
fn by_row(a: &[f32], cols: usize, term: impl Fn(usize, f64) -> f64) -> Vec<f64> {
    let sum = |row: &[f32]| row.iter().enumerate().map(|(j, &x)| term(j, x.into())).sum();
    a.chunks(cols).map(sum).collect()
}

#[test]
fn squared_error_and_its_gradient() {
    for (batch, dims, max_binding) in SHAPES {
        let Some(device) = gpu("squared_error", max_binding) else { return };
        let (x, raw) = (noise(batch * dims, 1), noise(batch * dims, 2));
        for (m, weight) in [(None, 1.0), (Some(-0.7_f32), 0.3), (Some(2.5), 1.0), (None, 0.3_f32)] {
            let multiplier = m.map(|m| tensor(&device, 1, 1, &[m]));
            let mut raw_t = tensor(&device, batch, dims, &raw);
            let mut h = poisoned(&device, batch, dims);
            let mut grad_m = poisoned(&device, 1, 1);
            let mut steps = poisoned(&device, 3, log::WIDTH);
            let x_t = tensor(&device, batch, dims, &x);
            let multiplier = multiplier.as_ref();
            device.mse(&x_t, &mut raw_t, multiplier, weight, &mut h, &mut grad_m, &mut steps, 1);

            let scale = f64::from(m.unwrap_or(0.0)).exp();
            let x_hat: Vec<f64> = raw.iter().map(|&raw| scale * f64::from(raw)).collect();
            let r: Vec<f64> =
                x_hat.iter().zip(&x).map(|(x_hat, &x)| x_hat - f64::from(x)).collect();
            let factor = f64::from(weight) * 2.0 / x.len() as f64;
            let want_h: Vec<f64> = r.iter().map(|r| scale * factor * r).collect();
            let want_m = r.iter().zip(&x_hat).map(|(r, x_hat)| factor * r * x_hat).sum();
            close("x̂", &read(&raw_t), &x_hat, 1e-6);
            close("h", &read(&h), &want_h, 1e-6);
            close("∂m", &read(&grad_m), &[want_m], 1e-5);
            let steps = read(&steps);
            close("SSE", &steps[log::WIDTH..=log::WIDTH], &[r.iter().map(|r| r * r).sum()], 1e-6);
            let untouched = steps.iter().filter(|value| value.is_nan()).count();
            assert_eq!(untouched, 3 * log::WIDTH - 1, "one place of the log is written");
        }
    }
}

#[test]
fn a_nan_reaches_the_logged_error() {
    let Some(device) = gpu("a_nan_reaches", None) else { return };
    for (at, bad) in [(0, f32::NAN), (4999, f32::NAN), (4999, f32::INFINITY)] {
        let mut raw = noise(5000, 1);
        raw[at] = bad;
        let x = tensor(&device, 50, 100, &noise(5000, 2));
        let mut raw = tensor(&device, 50, 100, &raw);
        let mut h: Tensor = poisoned(&device, 50, 100);
        let (mut m, mut steps): (Tensor, Tensor) =
            (tensor(&device, 1, 1, &[0.0]), tensor(&device, 1, log::WIDTH, &[0.0; log::WIDTH]));
        device.mse(&x, &mut raw, None, 1.0, &mut h, &mut m, &mut steps, 0);
        assert!(!read(&steps)[log::SSE].is_finite(), "{bad} at {at}");
    }
}

#[test]
fn clipping() {
    let Some(device) = gpu("clipping", None) else { return };
    let cases = [
        (vec![9.0, 16.0], Some(1.0), 0.2, 5.0),
        (vec![0.09, 0.16, 0.0], Some(1.0), 1.0, 0.5),
        (vec![9.0, 16.0], None, 1.0, 5.0),
        (vec![0.0], Some(1.0), 1.0, 0.0),
    ];
    for (sumsq, max_norm, want_scale, want_norm) in cases {
        let sumsq = tensor(&device, 1, sumsq.len(), &sumsq);
        let (mut scale, mut steps) = (poisoned(&device, 1, 1), poisoned(&device, 2, log::WIDTH));
        let cell = log::Cell { log: &mut steps, row: 1, column: log::GRAD_NORM };
        device.clip_scale(&sumsq, max_norm, &mut scale, cell);
        close("scale", &read(&scale), &[want_scale], 1e-6);
        close("norm", &[read(&steps)[log::WIDTH + log::GRAD_NORM]], &[want_norm], 1e-6);
    }
    let (mut scale, mut steps) =
        (tensor(&device, 1, 1, &[1.0_f32]), tensor(&device, 1, log::WIDTH, &[0.0; log::WIDTH]));
    let cell = log::Cell { log: &mut steps, row: 0, column: log::GRAD_NORM };
    device.clip_scale(&tensor(&device, 1, 1, &[f32::NAN]), Some(1.0), &mut scale, cell);
    assert!(read(&scale)[0].is_nan() && read(&steps)[log::GRAD_NORM].is_nan());
}

#[test]
fn sums_of_columns_are_right_and_repeatable() {
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([(MANY, 3, None)]) {
        let Some(device) = gpu("sums_of_columns", max_binding) else { return };
        let a = noise(rows * cols, 5);
        let mut want = vec![0.0; cols];
        a.iter().enumerate().for_each(|(i, &x)| want[i % cols] += f64::from(x));
        let a = tensor(&device, rows, cols, &a);
        let sums = || {
            let mut out = poisoned(&device, cols, 1);
            device.column_sums(&a, &mut out);
            read(&out)
        };
        let first = sums();
        close("column sums", &first, &want, 1e-5 * (rows as f64).sqrt().max(10.0) / 10.0);
        assert_eq!(first, sums(), "the same bits again");
    }
}

#[test]
fn active_codes_are_counted_sparse() {
    for (batch, width, concepts, max_binding) in [
        (1, 1, 1, None),
        (70, 9, 131, None),
        (257, 3, 2, None),
        (61, 7, 67, Some(2048)),
        (5, 4, MANY, None),
    ] {
        let Some(device) = gpu("active_codes_sparse", max_binding) else { return };
        let mut rows = sparse_rows(batch, width, concepts, 6);
        for (i, entry) in rows.iter_mut().flatten().enumerate() {
            // Entries that only the threshold's gradient needs, and ones at the limit.
            entry.1 = [entry.1, 0.0, ACTIVE_FROM, -ACTIVE_FROM, 0.9 * ACTIVE_FROM][i % 5];
        }
        let z = codes(&device, width, concepts, &rows);
        let index = by_atom(&device, width, concepts, &rows);
        let mut fired = tensor(&device, concepts, 1, &vec![3_u32; concepts]);
        let mut steps = poisoned(&device, 2, log::WIDTH);
        device.count_active(&z, &index, &mut fired, &mut steps, 1);
        let mut want = vec![3; concepts];
        for &(j, value) in rows.iter().flatten() {
            want[j as usize] += u32::from(value.abs() >= ACTIVE_FROM);
        }
        assert_eq!(read(&fired), want);
        let total = want.iter().sum::<u32>() - 3 * concepts as u32;
        let most = rows.iter().map(Vec::len).max().unwrap();
        let steps = &read(&steps)[log::WIDTH..];
        assert_eq!((steps[log::ACTIVE], steps[log::MOST]), (total as f32, most as f32));
    }
}

#[test]
fn idle_rows_count_since_a_concept_fired() {
    for (concepts, max_binding) in [(1, None), (67, None), (1031, Some(2048)), (70_001, None)] {
        let Some(device) = gpu("idle_rows", max_binding) else { return };
        let column = |device: &Device, data: &[u32]| tensor(device, concepts, 1, data);
        let fired: Vec<u32> = bits(concepts, 1).iter().map(|bits| bits % 7).collect();
        let seen: Vec<u32> = bits(concepts, 2).iter().map(|bits| bits % 2).collect();
        let idle: Vec<u32> = bits(concepts, 3).iter().map(|bits| bits | bits << 3).collect();
        let run = |device: &Device| {
            let (mut seen, mut idle) = (column(device, &seen), column(device, &idle));
            device.count_idle(&column(device, &fired), 0x1000_0000, &mut seen, &mut idle);
            (read(&seen), read(&idle))
        };
        assert_eq!(run(&device), run(&Device::cpu()));
    }
}

#[test]
fn biases_rise_where_a_concept_is_idle() {
    for (concepts, max_binding) in
        [(1, None), (67, None), (1031, Some(2048)), (64 * 65_535 + 3, None)]
    {
        let Some(device) = gpu("biases_rise", max_binding) else { return };
        let idle: Vec<u32> = bits(concepts, 1).iter().map(|bits| bits % 7).collect();
        let bias = noise(concepts, 2);
        for after in [0, 3, 7] {
            let run = |device: &Device| {
                let mut bias = tensor(device, concepts, 1, &bias);
                device.revive(&mut bias, &tensor(device, concepts, 1, &idle), after, 0.25);
                read(&bias)
            };
            assert_eq!(run(&device), run(&Device::cpu()));
        }
    }
}

#[test]
fn active_codes_are_counted_dense() {
    for (batch, concepts, max_binding) in SHAPES.into_iter().chain([(MANY, 3, None)]) {
        let Some(device) = gpu("active_codes_dense", max_binding.map(|most| most.max(2048))) else {
            return;
        };
        let mut z = noise(batch * concepts, 8);
        z.iter_mut().enumerate().for_each(|(i, z)| *z = if i % 3 == 0 { 0.0 } else { *z });
        let z_t = tensor(&device, batch, concepts, &z);
        let mut fired = tensor(&device, concepts, 1, &vec![2_u32; concepts]);
        let mut steps = poisoned(&device, 1, log::WIDTH);
        device.count_active_dense(&z_t, &mut fired, &mut steps, 0);
        let active = |z: &f32| z.abs() >= ACTIVE_FROM;
        let mut want = vec![2; concepts];
        z.iter().enumerate().for_each(|(i, z)| want[i % concepts] += u32::from(active(z)));
        let rows: Vec<_> =
            z.chunks(concepts).map(|row| row.iter().filter(|z| active(z)).count()).collect();
        assert_eq!(read(&fired), want);
        let steps = read(&steps);
        assert_eq!(steps[log::ACTIVE], rows.iter().sum::<usize>() as f32);
        assert_eq!(steps[log::MOST], *rows.iter().max().unwrap() as f32);
    }
}

#[test]
fn norms_and_maxima_of_rows() {
    for (rows, cols, max_binding) in SHAPES.into_iter().chain([(MANY, 2, None)]) {
        let Some(device) = gpu("norms_and_maxima", max_binding) else { return };
        let a = noise(rows * cols, 9);
        let a_t = tensor(&device, rows, cols, &a);
        let mut out = poisoned(&device, rows, 1);
        device.row_sumsq(&a_t, &mut out);
        close("squares", &read(&out), &by_row(&a, cols, |_, x| x * x), 1e-5);

        let floor: Vec<f32> = noise(rows, 10).iter().map(|x| 1.5 * x - 0.8).collect();
        for skip in [None, Some(0), Some(-3), Some(cols as i64 - 1), Some(i64::MIN), Some(i64::MAX)]
        {
            let mut out = tensor(&device, rows, 1, &floor);
            device.row_max(&a_t, skip, &mut out);
            for (i, got) in read(&out).into_iter().enumerate() {
                let left_out = skip.map(|skip| i as i128 + i128::from(skip));
                let others = (0..cols).filter(|&j| left_out != Some(j as i128));
                let want = others.fold(floor[i], |most, j| most.max(a[i * cols + j]));
                assert_eq!(got, want, "{rows} × {cols}, row {i}, skip {skip:?}");
            }
        }
    }
}

#[test]
fn nearest_centres_and_the_lowest_of_equal_ones() {
    for (rows, centres, max_binding) in SHAPES.into_iter().chain([(MANY, 2, None)]) {
        let Some(device) = gpu("nearest_centres", max_binding) else { return };
        // Few values: ties are everywhere, and every sum is exact.
        let coarse =
            |len, seed| noise(len, seed).iter().map(|x| (4.0 * x).round()).collect::<Vec<f32>>();
        let (products, x_sq, c_sq) =
            (coarse(rows * centres, 1), coarse(rows, 2), coarse(centres, 3));
        let mut assignment = poisoned::<u32>(&device, rows, 1);
        let mut distance = poisoned(&device, rows, 1);
        device.nearest(
            &tensor(&device, rows, centres, &products),
            &tensor(&device, rows, 1, &x_sq),
            &tensor(&device, centres, 1, &c_sq),
            &mut assignment,
            &mut distance,
        );
        let (assignment, distance) = (read(&assignment), read(&distance));
        for i in 0..rows {
            let value = |j: usize| c_sq[j] - 2.0 * products[i * centres + j];
            let best =
                (0..centres).fold(0, |best, j| if value(j) < value(best) { j } else { best });
            let want = (best as u32, (x_sq[i] + value(best)).max(0.0));
            assert_eq!((assignment[i], distance[i]), want, "{rows} × {centres}, row {i}");
        }
    }
}

#[test]
fn the_distance_with_each_of_some_candidates() {
    let counts = [1, 2, 3, 8].into_iter().cycle();
    for ((rows, cols, max_binding), candidates) in
        SHAPES.into_iter().chain([(MANY, 2, None)]).zip(counts)
    {
        let Some(device) = gpu("candidates", max_binding) else { return };
        let (x, centres) = (noise(rows * cols, 1), noise(candidates * cols, 2));
        let before: Vec<f32> =
            noise(rows, 3).iter().map(|x| (x + 1.0) * cols as f32 / 2.0).collect();
        let smaller = |i: usize| {
            let (row, candidate) = (i / candidates, i % candidates);
            let pairs = x[row * cols..][..cols].iter().zip(&centres[candidate * cols..][..cols]);
            let new: f64 = pairs.map(|(&x, &c)| (f64::from(x) - f64::from(c)).powi(2)).sum();
            new.min(before[row].into())
        };
        let want: Vec<f64> = (0..rows * candidates).map(smaller).collect();
        let mut out = poisoned(&device, rows, candidates);
        device.closer(
            &tensor(&device, rows, cols, &x),
            &tensor(&device, candidates, cols, &centres),
            &tensor(&device, rows, 1, &before),
            &mut out,
        );
        close("distance", &read(&out), &want, 1e-5);
    }
}

#[test]
fn means_of_members_and_centres_without_any() {
    for (centres, cols, max_binding) in SHAPES {
        let Some(device) = gpu("means_of_members", max_binding.map(|most| most.max(2048))) else {
            return;
        };
        let rows = sparse_rows(200, 1, centres, 11);
        let (sums, old) = (noise(centres * cols, 1), noise(centres * cols, 2));
        let mut out = tensor(&device, centres, cols, &old);
        let mut members = vec![0_u32; centres];
        rows.iter().flatten().for_each(|&(j, _)| members[j as usize] += 1);
        let counts = Tensor::from_slice(&device, centres, 1, &members).unwrap();
        device.mean_rows(&tensor(&device, centres, cols, &sums), &counts, &mut out);
        let want: Vec<f64> = (0..centres * cols)
            .map(|i| match members[i / cols] {
                0 => old[i].into(),
                count => f64::from(sums[i]) / f64::from(count),
            })
            .collect();
        close("means", &read(&out), &want, 1e-6);
    }
}
