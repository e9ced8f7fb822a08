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
    /// The normalisation `how` of data with these statistics. A dimension that varies no more than by rounding is centred
    /// only: as large as the others, the noise of one row would outweigh hundreds of rows.
    pub fn new(how: Normalize, statistics: &Statistics) -> Self {
        let width = statistics.mean.len();
        let shift = match how {
            Normalize::None => vec![0.0; width],
            _ => statistics.mean.iter().map(|&mean| mean as f32).collect(),
        };
        let scale = match how {
            Normalize::Standardize => scales(statistics),
            _ => vec![1.0; width],
        };
        Self { shift, scale }
    }

    /// Leaves `width` dimensions as they are.
    pub fn identity(width: usize) -> Self {
        Self { shift: vec![0.0; width], scale: vec![1.0; width] }
    }

    /// From what was stored: a shift and a scale for each dimension (d of both); a row becomes (x − shift) · scale.
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

/// 1 / standard deviation of each dimension, or 1 if that is no more than rounding.
fn scales(statistics: &Statistics) -> Vec<f32> {
    // A millionth of the mean is about what f32 can tell apart; below the smallest f32 the inverse would overflow.
    let deviations = statistics.mean.iter().zip(&statistics.variance).map(|(mean, variance)| {
        let deviation = variance.sqrt();
        let varies = deviation > 1e-6 * mean.abs() && deviation >= f64::from(f32::MIN_POSITIVE);
        if varies { deviation } else { 0.0 }
    });
    let deviations: Vec<f64> = deviations.collect();
    // What a network computes in f32 from values of the usual size is off by as much.
    let noise = 1e-7 * median_of_positive(&deviations);
    let scale = |&deviation: &f64| if deviation > noise { (1.0 / deviation) as f32 } else { 1.0 };
    deviations.iter().map(scale).collect()
}

/// The upper median of the values above 0; 0 without any.
fn median_of_positive(values: &[f64]) -> f64 {
    let mut positive: Vec<f64> = values.iter().copied().filter(|&value| value > 0.0).collect();
    let middle = positive.len() / 2;
    match positive.is_empty() {
        true => 0.0,
        false => *positive.select_nth_unstable_by(middle, f64::total_cmp).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{InMemory, Statistics};

    fn statistics() -> Statistics {
        // Columns: varying, constant, constant zero, constant and large, small.
        let rows = [[1.0f32, 5.0, 0.0, 1e30, 1e-6], [3.0, 5.0, 0.0, 1e30, 3e-6]];
        let source = InMemory::new("x", 5, rows.concat().repeat(1000)).unwrap();
        Statistics::compute(&source).unwrap()
    }

    #[test]
    fn standardizes_and_leaves_constant_dimensions_centred() {
        let normalizer = Normalizer::new(Normalize::Standardize, &statistics());
        let mut row = [1.0, 5.0, 0.0, 1e30, 1e-6, 3.0, 6.0, 0.5, 1e30, 3e-6];
        normalizer.apply(&mut row);
        let expected = [-1.0, 0.0, 0.0, 0.0, -1.0, 1.0, 1.0, 0.5, 0.0, 1.0];
        for (got, want) in row.iter().zip(expected) {
            assert!((got - want).abs() < 1e-6, "{row:?}");
        }
    }

    #[test]
    fn the_noise_of_a_dimension_that_is_as_good_as_constant_stays_small() {
        // As an embedding's dead dimension looks in float16: one row is off by the smallest step there is.
        let mut values: Vec<f32> = (0..3 * 20_000).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
        values.iter_mut().skip(2).step_by(3).for_each(|value| *value = -1.1920929e-7);
        values[3 * 777 + 2] = -5.9604645e-8;
        let source = InMemory::new("x", 3, values.clone()).unwrap();
        let statistics = Statistics::compute(&source).unwrap();
        Normalizer::new(Normalize::Standardize, &statistics).apply(&mut values);
        assert!(values.iter().all(|value| value.abs() < 2.0));
        // Small beside the others is not yet noise, and all may be small alike.
        let small = Statistics { rows: 2, mean: vec![0.0; 3], variance: vec![1.0, 1.0, 1e-12] };
        assert_eq!(scales(&small)[2], 1e6);
        let alike = Statistics { variance: vec![1e-40; 3], ..small };
        assert_eq!(scales(&alike), [1e20; 3]);
    }

    #[test]
    fn center_and_none() {
        let mut row = [1.0, 5.0, 0.0, 1e30, 1e-6];
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
        let original = [1.5, 5.0, 0.25, 1e30, 2.5e-6];
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
