//! What the tests share: random data, poisoned outputs, plain models of sparse codes.

use archetypal::{
    Device, Tensor,
    device::{ByAtom, Codes},
};

/// A small generator of its own, so that the tests' data never change.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xd1b5_4a32_d192_ed03)
    }

    /// splitmix64.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// Uniform in [−1, 1).
    pub fn float(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn floats(&mut self, len: usize) -> Vec<f32> {
        (0..len).map(|_| self.float()).collect()
    }
}

pub fn tensor(rows: usize, cols: usize, data: &[f32]) -> Tensor {
    Tensor::from_slice(&Device::cpu(), rows, cols, data).unwrap()
}

pub fn column(data: &[f32]) -> Tensor {
    tensor(data.len(), 1, data)
}

pub fn scalar(value: f32) -> Tensor {
    tensor(1, 1, &[value])
}

/// An output that must be overwritten in full.
pub fn poisoned(rows: usize, cols: usize) -> Tensor {
    tensor(rows, cols, &vec![f32::NAN; rows * cols])
}

pub fn poisoned_u32(rows: usize, cols: usize) -> Tensor<u32> {
    Tensor::from_slice(&Device::cpu(), rows, cols, &vec![u32::MAX; rows * cols]).unwrap()
}

pub fn values(tensor: &Tensor) -> &[f32] {
    tensor.as_cpu().unwrap()
}

pub fn integers(tensor: &Tensor<u32>) -> &[u32] {
    tensor.as_cpu().unwrap()
}

/// Codes whose every place holds nonsense.
pub fn poisoned_codes(batch: usize, width: usize, concepts: usize) -> Codes {
    let mut codes = Codes::new(&Device::cpu(), batch, width, concepts).unwrap();
    codes.indices.write(&vec![u32::MAX; batch * width]);
    codes.values.write(&vec![f32::NAN; batch * width]);
    codes.counts.write(&vec![u32::MAX; batch]);
    codes
}

/// An index whose every place holds nonsense.
pub fn poisoned_index(batch: usize, width: usize, concepts: usize) -> ByAtom {
    let mut by_atom = ByAtom::new(&Device::cpu(), batch, width, concepts).unwrap();
    by_atom.index.write(&vec![u32::MAX; concepts + 1 + batch * width]);
    by_atom
}

/// Random sparse codes: rows with none to `width` entries, nonsense in the places after them.
pub fn random_codes(random: &mut Random, batch: usize, width: usize, concepts: usize) -> Codes {
    let mut codes = poisoned_codes(batch, width, concepts);
    let mut indices = integers(&codes.indices).to_vec();
    let mut entries = values(&codes.values).to_vec();
    let mut counts = vec![0; batch];
    for row in 0..batch {
        let most = width.min(concepts);
        // The first row is full and the second empty, the others anything.
        let count = [most, 0].get(row).copied().unwrap_or_else(|| random.below(most + 1));
        let mut chosen: Vec<u32> = (0..concepts as u32).collect();
        for place in 0..count {
            let other = place + random.below(concepts - place);
            chosen.swap(place, other);
        }
        chosen.truncate(count);
        chosen.sort_unstable();
        indices[row * width..][..count].copy_from_slice(&chosen);
        entries[row * width..][..count].copy_from_slice(&random.floats(count));
        counts[row] = count as u32;
    }
    codes.indices.write(&indices);
    codes.values.write(&entries);
    codes.counts.write(&counts);
    codes
}

/// (entry, row, concept, value), row by row.
pub fn entries(codes: &Codes) -> Vec<(usize, usize, usize, f32)> {
    let (indices, entries) = (integers(&codes.indices), values(&codes.values));
    let mut list = Vec::new();
    for (row, &count) in integers(&codes.counts).iter().enumerate() {
        for entry in row * codes.width()..row * codes.width() + count as usize {
            list.push((entry, row, indices[entry] as usize, entries[entry]));
        }
    }
    list
}

/// Asserts |got − want| ≤ `tolerance`·(1 + |want|) for every element.
#[track_caller]
pub fn close(what: &str, got: &[f32], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}: length");
    for (i, (&got, &want)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(got) - want).abs();
        assert!(off <= tolerance * (1.0 + want.abs()), "{what}[{i}]: {got}, expected {want}");
    }
}
