//! The sizes of a step.

use serde::Serialize;
use std::{fmt, str::FromStr};

/// d/K/N/B/k.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Input dimensions.
    pub d: usize,
    /// Concepts, K.
    pub concepts: usize,
    /// Points, N.
    pub points: usize,
    /// Rows in a batch, B.
    pub batch: usize,
    /// Codes that top-k keeps of a row.
    pub k: usize,
}

/// Measured unless others are named …
pub const USUAL: [Size; 2] =
    [Size::of(384, 4096, 1024, 1024, 16), Size::of(768, 10_000, 2000, 1024, 20)];
/// … with this one after them if asked for.
pub const LARGE: Size = Size::of(768, 32_768, 8192, 2048, 32);

impl Size {
    const fn of(d: usize, concepts: usize, points: usize, batch: usize, k: usize) -> Self {
        Self { d, concepts, points, batch, k }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { d, concepts, points, batch, k } = self;
        write!(f, "{d}/{concepts}/{points}/{batch}/{k}")
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> =
            text.split('/').map(|part| part.trim().parse()).collect();
        let Ok([d, concepts, points, batch, k]) = numbers.as_deref() else {
            let example = USUAL[0];
            return Err(format!("a size is five whole numbers, d/K/N/B/k, such as {example}"));
        };
        if let Some(name) =
            zero(&[("d", *d), ("K", *concepts), ("N", *points), ("B", *batch), ("k", *k)])
        {
            return Err(format!("{name} is 0, but every size is at least 1"));
        }
        if k > concepts {
            return Err(format!("k is {k}, but a row has no more than K = {concepts} codes"));
        }
        Ok(Self::of(*d, *concepts, *points, *batch, *k))
    }
}

fn zero(sizes: &[(&'static str, usize)]) -> Option<&'static str> {
    sizes.iter().find(|(_, size)| *size == 0).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        for size in USUAL {
            assert_eq!(size.to_string().parse(), Ok(size));
        }
        for bad in ["", "384", "384/4096/1024/1024", "1/2/3/4/five", "1/2/3/4/1/1", "-1/2/3/4/1"] {
            assert!(bad.parse::<Size>().unwrap_err().contains("d/K/N/B/k"), "{bad}");
        }
        assert!("8/4/0/4/1".parse::<Size>().unwrap_err().contains("N is 0"));
        assert!("8/4/4/4/5".parse::<Size>().unwrap_err().contains("k is 5"));
    }
}
