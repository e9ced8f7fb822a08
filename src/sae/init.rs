//! The values of a model's tensors: as it starts, or as a file holds them.

use super::{SaeSettings, Selection};
use crate::error::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Log-thresholds of a fresh jump model, as in the reference.
const INITIAL_THRESHOLD: f32 = -3.0;

/// The values of a model's tensors on the host, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensors {
    /// E [K, d].
    pub encoder_weight: Vec<f32>,
    /// b \[K\].
    pub encoder_bias: Vec<f32>,
    /// W [K, N].
    pub mixing: Vec<f32>,
    /// R [K, d].
    pub relax: Vec<f32>,
    /// C [N, d].
    pub points: Vec<f32>,
    /// m.
    pub multiplier: f32,
    /// t \[K\]; empty for top-k.
    pub thresholds: Vec<f32>,
}

impl Tensors {
    /// The reference's initial values: E and b uniform in ±1/√d, W = eye(K, N), R = 0, m = 0, t = −3.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting is out of range, [`Error::Shape`] if `points` is not [N, d],
    /// [`Error::TooLarge`] if a matrix does not fit in memory.
    pub fn initial(settings: &SaeSettings, points: Vec<f32>, seed: u64) -> Result<Self> {
        settings.validate()?;
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bound = 1.0 / (d as f32).sqrt();
        let mut mixing = zeros("dictionary.W", k, n)?;
        for j in 0..k.min(n) {
            mixing[j * n + j] = 1.0;
        }
        let mut encoder_weight = zeros("encoder.weight", k, d)?;
        let mut encoder_bias = vec![0.0; k];
        for value in encoder_weight.iter_mut().chain(&mut encoder_bias) {
            *value = uniform(&mut rng, bound);
        }
        let thresholds = match settings.selection {
            Selection::TopK { .. } => Vec::new(),
            Selection::Jump { .. } => vec![INITIAL_THRESHOLD; k],
        };
        let relax = zeros("dictionary.Relax", k, d)?;
        Ok(Self {
            encoder_weight,
            encoder_bias,
            mixing,
            relax,
            points,
            multiplier: 0.0,
            thresholds,
        })
    }

    /// Checks every length against the settings.
    pub(crate) fn check(&self, settings: &SaeSettings) -> Result<()> {
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        let thresholds = match settings.selection {
            Selection::TopK { .. } => 0,
            Selection::Jump { .. } => k,
        };
        let shapes: [(&str, usize, Vec<usize>); 6] = [
            (super::encoder::WEIGHT, self.encoder_weight.len(), vec![k, d]),
            (super::encoder::BIAS, self.encoder_bias.len(), vec![k]),
            (super::dictionary::names::MIXING, self.mixing.len(), vec![k, n]),
            (super::dictionary::names::RELAX, self.relax.len(), vec![k, d]),
            (super::dictionary::names::POINTS, self.points.len(), vec![n, d]),
            (super::model::THRESHOLDS, self.thresholds.len(), vec![thresholds]),
        ];
        for (name, got, expected) in shapes {
            if got != expected.iter().product::<usize>() {
                let hint = "The tensors do not belong to a model of these settings.";
                return Err(Error::shape(name, &[got], &expected, hint));
            }
        }
        Ok(())
    }
}

/// Uniform in [−bound, bound), from 24 random bits: the same on every platform.
fn uniform(rng: &mut ChaCha8Rng, bound: f32) -> f32 {
    let unit = (rng.random::<u32>() >> 8) as f32 / (1 << 24) as f32;
    (2.0 * unit - 1.0) * bound
}

fn zeros(name: &str, rows: usize, cols: usize) -> Result<Vec<f32>> {
    let mut values = Vec::new();
    let len = rows.checked_mul(cols).filter(|&len| values.try_reserve_exact(len).is_ok());
    match len {
        Some(len) => {
            values.resize(len, 0.0);
            Ok(values)
        }
        None => Err(Error::TooLarge {
            what: format!("{name} [{rows}, {cols}]"),
            needed: format!("{:.1} GiB", rows as f64 * cols as f64 * 4.0 / (1u64 << 30) as f64),
            limit_name: "this machine's free memory".into(),
            limit: "less".into(),
            hint: "Lower --concepts or --points.".into(),
        }),
    }
}
