//! Tensors with poison in them, and comparisons with what a plain loop in float64 gives.

use archetypal::device::{ByAtom, Codes, Element};
use archetypal::{Device, Tensor};
use pollster::block_on;

/// A tensor that holds `data`.
pub fn tensor<T: Element>(device: &Device, rows: usize, cols: usize, data: &[T]) -> Tensor<T> {
    Tensor::from_slice(device, rows, cols, data).unwrap()
}

/// An output that shows what was not written: NaN, or a number that is no index.
pub fn poisoned<T: Element>(device: &Device, rows: usize, cols: usize) -> Tensor<T> {
    let poison: T = bytemuck::cast(0x7fc0_dead_u32.to_ne_bytes());
    tensor(device, rows, cols, &vec![poison; rows * cols])
}

/// What it holds, after all that was recorded.
pub fn read<T: Element>(tensor: &Tensor<T>) -> Vec<T> {
    block_on(tensor.read()).unwrap()
}

/// Panics unless each value is within `tolerance` · (1 + |wanted|).
#[track_caller]
pub fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: how many");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(got) - want).abs();
        assert!(off <= tolerance * (1.0 + want.abs()), "{what}[{i}] is {got}, not {want}");
    }
}

/// Codes on the device from each row's (concept, value), poison in the places after them.
pub fn codes(device: &Device, width: usize, concepts: usize, rows: &[Vec<(u32, f32)>]) -> Codes {
    let mut codes = Codes::new(device, rows.len(), width, concepts).unwrap();
    let mut indices = vec![u32::MAX; rows.len() * width];
    let mut values = vec![f32::NAN; rows.len() * width];
    for (b, row) in rows.iter().enumerate() {
        for (i, &(concept, value)) in row.iter().enumerate() {
            indices[b * width + i] = concept;
            values[b * width + i] = value;
        }
    }
    codes.indices.write(&indices);
    codes.values.write(&values);
    codes.counts.write(&rows.iter().map(|row| row.len() as u32).collect::<Vec<_>>());
    codes
}

/// The index of the same rows, made here and not by the kernel that is tested elsewhere.
pub fn by_atom(device: &Device, width: usize, concepts: usize, rows: &[Vec<(u32, f32)>]) -> ByAtom {
    let mut entries = vec![Vec::new(); concepts];
    for (b, row) in rows.iter().enumerate() {
        for (i, &(concept, _)) in row.iter().enumerate() {
            entries[concept as usize].push((b * width + i) as u32);
        }
    }
    let mut index = vec![0];
    for entries in &entries {
        index.push(index.last().unwrap() + entries.len() as u32);
    }
    index.extend(entries.concat());
    index.resize(concepts + 1 + rows.len() * width, u32::MAX);
    let mut by_atom = ByAtom::new(device, rows.len(), width, concepts).unwrap();
    by_atom.index.write(&index);
    by_atom
}

/// Rows of at most `width` entries, ascending by concept, some of them without any.
pub fn sparse_rows(batch: usize, width: usize, concepts: usize, seed: u64) -> Vec<Vec<(u32, f32)>> {
    let draws = super::bits(batch * (width + 1), seed);
    let values = super::noise(batch * width, seed + 1);
    let row = |b: usize| {
        let draws = &draws[b * (width + 1)..(b + 1) * (width + 1)];
        let count = draws[width] as usize % (width + 1);
        let mut concepts: Vec<u32> =
            draws[..count].iter().map(|draw| draw % concepts as u32).collect();
        concepts.sort_unstable();
        concepts.dedup();
        let values = &values[b * width..];
        concepts.into_iter().zip(values).map(|(concept, &value)| (concept, value)).collect()
    };
    (0..batch).map(row).collect()
}
