//! Columns of an index and a value.

use super::NONE;
use crate::data::TensorOut;

/// Lists of (index, value), all padded to one length.
#[derive(Debug)]
pub(super) struct Pairs {
    length: usize,
    /// The value where there is none.
    missing: f32,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Pairs {
    /// Of lists of `length`, filled up with [`NONE`] and `missing`.
    pub fn new(length: usize, missing: f32) -> Self {
        Self { length, missing, indices: Vec::new(), values: Vec::new() }
    }

    /// Adds a list of at most that length.
    pub fn push(&mut self, list: &[(u32, f32)]) {
        let end = self.indices.len() + self.length;
        self.indices.extend(list.iter().map(|pair| pair.0));
        self.values.extend(list.iter().map(|pair| pair.1));
        self.indices.resize(end, NONE);
        self.values.resize(end, self.missing);
    }

    /// Both columns as tensors of `shape`.
    pub fn tensors<'a>(&'a self, names: [&'a str; 2], shape: &[usize]) -> [TensorOut<'a>; 2] {
        [
            TensorOut::u32(names[0], shape, &self.indices),
            TensorOut::f32(names[1], shape, &self.values),
        ]
    }
}

/// The `count` highest of `pairs`, highest first and the lower index first of equals. Pairs come by ascending index.
pub(super) fn highest(pairs: impl Iterator<Item = (u32, f32)>, count: usize) -> Vec<(u32, f32)> {
    let mut best: Vec<(u32, f32)> = Vec::with_capacity(count + 1);
    for (index, value) in pairs {
        if best.len() == count && best.last().is_none_or(|last| value <= last.1) {
            continue;
        }
        best.truncate(count - 1);
        let place = best.partition_point(|other| other.1 >= value);
        best.insert(place, (index, value));
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_in_order_and_padding() {
        let pairs = [(0, 1.0), (1, 3.0), (2, 2.0), (3, 3.0), (4, 0.5)];
        assert_eq!(highest(pairs.into_iter(), 3), [(1, 3.0), (3, 3.0), (2, 2.0)]);
        assert_eq!(highest(pairs.into_iter().take(2), 3), [(1, 3.0), (0, 1.0)]);
        let mut columns = Pairs::new(2, 0.0);
        columns.push(&[(7, 1.5)]);
        columns.push(&[]);
        assert_eq!(columns.indices, [7, NONE, NONE, NONE]);
        assert_eq!(columns.values, [1.5, 0.0, 0.0, 0.0]);
    }
}
