//! Shifting and scaling every dimension before training.

use super::Statistics;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// What is done to every dimension before training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Normalize {
    /// Subtract the mean and divide by the standard deviation.
    #[default]
    Standardize,
    /// Subtract the mean.
    Center,
    /// Leave the data as they are.
    None,
}

/// (x − shift) · scale for every dimension, and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalizer {
    shift: Vec<f32>,
    scale: Vec<f32>,
}

impl Normalizer {
    /// The normalisation `how` of data with these statistics. A dimension that never varies is centred only.
    pub fn new(how: Normalize, statistics: &Statistics) -> Self {
        let width = statistics.mean.len();
        let shift = match how {
            Normalize::None => vec![0.0; width],
            _ => statistics.mean.iter().map(|&mean| mean as f32).collect(),
        };
        let scale = match how {
            Normalize::Standardize => statistics
                .mean
                .iter()
                .zip(&statistics.variance)
                .map(|(&mean, &variance)| scale_of(mean, variance))
                .collect(),
            _ => vec![1.0; width],
        };
        Self { shift, scale }
    }

    /// Leaves `width` dimensions as they are.
    pub fn identity(width: usize) -> Self {
        Self { shift: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// From what was stored.
    ///
    /// # Errors
    /// [`Error::Shape`] if the lengths differ, [`Error::Setting`] if a shift is not finite or a scale not a
    /// positive number.
    pub fn from_parts(shift: Vec<f32>, scale: Vec<f32>) -> Result<Self> {
        if shift.len() != scale.len() {
            return Err(Error::shape(
                "the scale of the normalisation",
                &[scale.len()],
                &[shift.len()],
                "The file is damaged, or was not written by this program.",
            ));
        }
        if let Some(value) = shift.iter().find(|v| !v.is_finite()) {
            return Err(Error::setting("shift", value, "finite", "The file is damaged."));
        }
        if let Some(value) = scale.iter().find(|v| !v.is_finite() || **v <= 0.0) {
            return Err(Error::setting(
                "scale",
                value,
                "positive and finite",
                "The file is damaged.",
            ));
        }
        Ok(Self { shift, scale })
    }

    /// How many dimensions.
    pub fn width(&self) -> usize {
        self.shift.len()
    }

    /// What is subtracted, `[d]`.
    pub fn shift(&self) -> &[f32] {
        &self.shift
    }

    /// What is multiplied with after that, `[d]`.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Whether it changes nothing.
    pub fn is_identity(&self) -> bool {
        self.shift.iter().all(|&s| s == 0.0) && self.scale.iter().all(|&s| s == 1.0)
    }

    /// Normalises rows in place, row-major [n, d].
    ///
    /// # Panics
    /// If `rows` are not whole rows of this width.
    pub fn apply(&self, rows: &mut [f32]) {
        self.each_row(rows, |row| {
            for ((x, shift), scale) in row.iter_mut().zip(&self.shift).zip(&self.scale) {
                *x = (*x - shift) * scale;
            }
        });
    }

    /// The way back: x / scale + shift, in place.
    ///
    /// # Panics
    /// As [`Normalizer::apply`].
    pub fn invert(&self, rows: &mut [f32]) {
        self.each_row(rows, |row| {
            for ((x, shift), scale) in row.iter_mut().zip(&self.shift).zip(&self.scale) {
                *x = *x / scale + shift;
            }
        });
    }

    #[inline(always)]
    fn each_row(&self, rows: &mut [f32], act: impl Fn(&mut [f32])) {
        if self.width() == 0 {
            return;
        }
        assert!(rows.len().is_multiple_of(self.width()), "rows of width {}", self.width());
        pulp::Arch::new().dispatch(|| rows.chunks_exact_mut(self.width()).for_each(&act));
    }
}

/// 1 / standard deviation, or 1 if that is no more than rounding.
fn scale_of(mean: f64, variance: f64) -> f32 {
    let deviation = variance.sqrt();
    // A millionth of the mean is about what f32 can tell apart; below the smallest f32 the inverse would overflow.
    let varies = deviation > 1e-6 * mean.abs() && deviation >= f64::from(f32::MIN_POSITIVE);
    if varies { (1.0 / deviation) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{InMemory, Statistics};

    fn statistics() -> Statistics {
        // Columns: varying, constant, constant zero, constant and large, tiny.
        let rows = [[1.0f32, 5.0, 0.0, 1e30, 1e-30], [3.0, 5.0, 0.0, 1e30, 3e-30]];
        let source = InMemory::new("x", 5, rows.concat().repeat(1000)).unwrap();
        Statistics::compute(&source).unwrap()
    }

    #[test]
    fn standardizes_and_leaves_constant_dimensions_centred() {
        let normalizer = Normalizer::new(Normalize::Standardize, &statistics());
        let mut row = [1.0, 5.0, 0.0, 1e30, 1e-30, 3.0, 6.0, 0.5, 1e30, 3e-30];
        normalizer.apply(&mut row);
        let expected = [-1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 1.0, 0.5, 0.0, 1.0];
        for (got, want) in row.iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn center_and_none() {
        let mut row = [1.0, 5.0, 0.0, 1e30, 1e-30];
        Normalizer::new(Normalize::Center, &statistics()).apply(&mut row);
        assert_eq!(row[..4], [-1.0, 0.0, 0.0, 0.0]);
        let none = Normalizer::new(Normalize::None, &statistics());
        assert!(none.is_identity());
        assert_eq!(none, Normalizer::identity(5));
        none.apply(&mut row);
        assert_eq!(row[0], -1.0);
    }

    #[test]
    fn invert_goes_back() {
        let normalizer = Normalizer::new(Normalize::Standardize, &statistics());
        let original = [1.5, 5.0, 0.25, 1e30, 2.5e-30];
        let mut row = original;
        normalizer.apply(&mut row);
        normalizer.invert(&mut row);
        for (got, want) in row.iter().zip(original) {
            assert!((got - want).abs() <= 1e-6 * want, "{row:?}");
        }
    }

    #[test]
    fn stored_parts_are_checked() {
        assert!(matches!(Normalizer::from_parts(vec![0.0], vec![]), Err(Error::Shape { .. })));
        for scale in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert!(Normalizer::from_parts(vec![0.0], vec![scale]).is_err());
        }
        assert!(Normalizer::from_parts(vec![f32::NAN], vec![1.0]).is_err());
        assert!(Normalizer::from_parts(vec![1.0], vec![2.0]).is_ok());
    }

    #[test]
    fn names_are_kebab_case() {
        assert_eq!(serde_json::to_string(&Normalize::Standardize).unwrap(), "\"standardize\"");
        assert_eq!(serde_json::from_str::<Normalize>("\"none\"").unwrap(), Normalize::None);
    }
}
