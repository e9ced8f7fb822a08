//! Counters of active codes.

use super::{
    index::Index,
    reduce::chunk_rows,
    scratch::Scratch,
    simd::{block_rows, vectorize},
};
use crate::device::{ACTIVE_FROM, ByAtom, Codes, Tensor, log, shapes};
use crate::parallel::*;

/// Whether a code counts: |z| ≥ 1e-6.
#[inline(always)]
fn counts(z: f32) -> u32 {
    u32::from(z.abs() >= ACTIVE_FROM)
}

/// Counters of sparse codes.
pub(super) fn count_active(
    codes: &Codes,
    by_atom: &ByAtom,
    fired: &mut Tensor<u32>,
    log: &mut Tensor,
    row: usize,
) {
    shapes::index(codes, by_atom);
    shapes::expect("fired", fired, [codes.concepts(), 1]);
    let (index, values) = (Index::new(by_atom), codes.values.cpu());
    let atoms = fired.cpu_mut().par_iter_mut().enumerate().with_min_len(1024);
    let active: u64 = atoms
        .map(|(atom, fired)| {
            let rows: u32 =
                index.of(atom).iter().map(|&entry| counts(values[entry as usize])).sum();
            *fired += rows;
            u64::from(rows)
        })
        .sum();
    put(log, row, active, codes.counts.cpu().iter().copied().max().unwrap_or(0));
}

/// Counters of dense codes.
pub(super) fn count_active_dense(
    z: &Tensor,
    fired: &mut Tensor<u32>,
    log: &mut Tensor,
    row: usize,
) {
    let [rows, n] = z.shape();
    shapes::expect("fired", fired, [n, 1]);
    if n == 0 || rows == 0 {
        put(log, row, 0, 0);
        return;
    }
    let most = z.cpu().par_chunks(n).with_min_len(block_rows(n)).map(|z| {
        vectorize!({
            let mut active = 0;
            for &z in z {
                active += counts(z);
            }
            active
        })
    });
    let most = most.max().unwrap_or(0);

    let chunk = chunk_rows(rows);
    let mut partials = Scratch::filled(rows.div_ceil(chunk) * n, 0_u32);
    partials.par_chunks_mut(n).zip(z.cpu().par_chunks(chunk * n)).for_each(|(sums, z)| {
        vectorize!({
            for z in z.chunks_exact(n) {
                for (sum, &z) in sums.iter_mut().zip(z) {
                    *sum += counts(z);
                }
            }
        });
    });
    let mut active = 0;
    for sums in partials.chunks_exact(n) {
        fired.cpu_mut().iter_mut().zip(sums).for_each(|(fired, sum)| *fired += sum);
        active += sums.iter().map(|&sum| u64::from(sum)).sum::<u64>();
    }
    put(log, row, active, most);
}

/// idle = 0 where a concept has fired since it was last looked at, else `rows` more.
pub(super) fn count_idle(
    fired: &Tensor<u32>,
    rows: usize,
    seen: &mut Tensor<u32>,
    idle: &mut Tensor<u32>,
) {
    shapes::idle(fired, seen, idle);
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    let counters = seen.cpu_mut().iter_mut().zip(idle.cpu_mut());
    for (&fired, (seen, idle)) in fired.cpu().iter().zip(counters) {
        *idle = if fired == *seen { idle.saturating_add(rows) } else { 0 };
        *seen = fired;
    }
}

fn put(log: &mut Tensor, row: usize, active: u64, most: u32) {
    let log = &mut log.cpu_mut()[row * log::WIDTH..][..log::WIDTH];
    log[log::ACTIVE] = active as f32;
    log[log::MOST] = most as f32;
}
