//! Initial values, the reference's.

use super::{
    DictionaryKind, EncoderKind, Normalization, SaeSettings, Selection, StateDict,
    dictionary::{WEIGHTS, names},
    encoder::{self, NormKind, UNTIED_BIAS, UNTIED_WEIGHT},
    model::{DIRECT_THRESHOLDS, RUNNING_THRESHOLD, THRESHOLDS},
    settings::Thresholds,
};
use crate::error::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Log-thresholds of a fresh jump model, as in the reference.
const INITIAL_THRESHOLD: f32 = -3.0;

impl StateDict {
    /// The reference's initial values: E and b uniform in ±1/√d, norms at weight 1 and bias 0, W = eye(K, N), R = 0,
    /// V Xavier uniform and normalised, m = 0, t = −3. `points` [N, d] are those of an archetypal dictionary, empty
    /// for a free one. An untied encoder starts as a copy of the dictionary.
    ///
    /// # Errors
    /// [`Error::Setting`] where a setting is out of range, [`Error::Shape`] if `points` is not [N, d],
    /// [`Error::TooLarge`] if a matrix does not fit in memory.
    pub fn initial(settings: &SaeSettings, points: Vec<f32>, seed: u64) -> Result<Self> {
        Self::initial_from(settings, points, None, seed)
    }

    /// As [`StateDict::initial`], a free dictionary starting at `initializer` [K, d], which is normalised.
    pub(crate) fn initial_from(
        settings: &SaeSettings,
        points: Vec<f32>,
        initializer: Option<Vec<f32>>,
        seed: u64,
    ) -> Result<Self> {
        settings.validate()?;
        let mut state = Self::default();
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let encoder_first = !matches!(settings.encoder, EncoderKind::Untied);
        if encoder_first {
            state.initial_encoder(settings, &mut rng)?;
        }
        state.initial_dictionary(settings, points, initializer, &mut rng)?;
        if !encoder_first {
            state.untie(settings)?;
        }
        state.initial_selection(settings);
        Ok(state)
    }

    fn initial_encoder(&mut self, settings: &SaeSettings, rng: &mut ChaCha8Rng) -> Result<()> {
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        match settings.encoder {
            EncoderKind::Linear => self.linear(encoder::WEIGHT, encoder::BIAS, k, d, rng)?,
            EncoderKind::Tied if settings.encoder_bias => {
                self.insert(UNTIED_BIAS, &[k], vec![0.0; k]);
            }
            _ => {}
        }
        let Some((norm, layers)) = encoder::blocks_of(settings) else { return Ok(()) };
        for (names, n) in layers {
            self.linear(names.weight, names.bias, n, d, rng)?;
            let (weight, bias, [mean, variance, batches]) = names.norm();
            self.insert(weight, &[n], vec![1.0; n]);
            self.insert(bias, &[n], vec![0.0; n]);
            if norm == NormKind::Batch {
                self.insert(mean, &[n], vec![0.0; n]);
                self.insert(variance, &[n], vec![1.0; n]);
                self.insert(batches, &[], vec![0.0]);
            }
        }
        Ok(())
    }

    /// PyTorch's default for a linear layer.
    fn linear(
        &mut self,
        weight: &str,
        bias: &str,
        n: usize,
        d: usize,
        rng: &mut ChaCha8Rng,
    ) -> Result<()> {
        let bound = 1.0 / (d as f32).sqrt();
        let mut weights = zeros(weight, n, d)?;
        let mut biases = vec![0.0; n];
        for value in weights.iter_mut().chain(&mut biases) {
            *value = uniform(rng, bound);
        }
        self.insert(weight, &[n, d], weights);
        self.insert(bias, &[n], biases);
        Ok(())
    }

    fn initial_dictionary(
        &mut self,
        settings: &SaeSettings,
        points: Vec<f32>,
        initializer: Option<Vec<f32>>,
        rng: &mut ChaCha8Rng,
    ) -> Result<()> {
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        self.insert(names::MULTIPLIER, &[], vec![0.0]);
        match settings.dictionary {
            DictionaryKind::Archetypal { nb_points: n, .. } => {
                if points.len() != n * d {
                    let hint = "The points are rows in the space of the normalised data.";
                    return Err(Error::shape("the points", &[points.len()], &[n, d], hint));
                }
                let mut mixing = zeros(names::MIXING, k, n)?;
                for j in 0..k.min(n) {
                    mixing[j * n + j] = 1.0;
                }
                self.insert(names::MIXING, &[k, n], mixing);
                self.insert(names::RELAX, &[k, d], zeros(names::RELAX, k, d)?);
                self.insert(names::POINTS, &[n, d], points);
            }
            DictionaryKind::Free { normalization } => {
                if !points.is_empty() {
                    let hint = "A free dictionary is not made of points.";
                    return Err(Error::shape("the points", &[points.len()], &[0], hint));
                }
                let mut weights = match initializer {
                    Some(atoms) if atoms.len() != k * d => {
                        let hint = "The initial dictionary has a row for each concept.";
                        return Err(Error::shape("the initializer", &[atoms.len()], &[k, d], hint));
                    }
                    Some(atoms) => atoms,
                    None => {
                        let bound = (6.0 / (k + d) as f64).sqrt() as f32;
                        let mut drawn = zeros(WEIGHTS, k, d)?;
                        drawn.iter_mut().for_each(|value| *value = uniform(rng, bound));
                        drawn
                    }
                };
                normalise(&mut weights, d, normalization);
                self.insert(WEIGHTS, &[k, d], weights);
            }
        }
        Ok(())
    }

    /// An untied encoder: E = D.
    fn untie(&mut self, settings: &SaeSettings) -> Result<()> {
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let atoms = match settings.nb_points() {
            // D = W C with W = eye(K, N).
            Some(n) => {
                let mut atoms = self.values(names::POINTS, &[n, d])?.to_vec();
                atoms.resize(k * d, 0.0);
                atoms
            }
            None => self.values(WEIGHTS, &[k, d])?.to_vec(),
        };
        self.insert(UNTIED_WEIGHT, &[k, d], atoms);
        if settings.encoder_bias {
            self.insert(UNTIED_BIAS, &[k], vec![0.0; k]);
        }
        Ok(())
    }

    fn initial_selection(&mut self, settings: &SaeSettings) {
        let k = settings.nb_concepts;
        match settings.selection {
            Selection::TopK { .. } => {}
            Selection::Jump { thresholds: Thresholds::Reference, .. } => {
                self.insert(THRESHOLDS, &[k], vec![INITIAL_THRESHOLD; k]);
            }
            Selection::Jump { thresholds: Thresholds::Direct, .. } => {
                self.insert(DIRECT_THRESHOLDS, &[k], vec![INITIAL_THRESHOLD.exp(); k]);
            }
            Selection::BatchTopK { .. } => self.insert(RUNNING_THRESHOLD, &[], vec![-1.0]),
        }
    }
}

/// Holds rows of `d` values to what [`Normalization`] says.
fn normalise(rows: &mut [f32], d: usize, normalization: Normalization) {
    let l2 = |row: &[f32]| row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    let l1 = |row: &[f32]| row.iter().map(|v| f64::from(v.abs())).sum::<f64>();
    let norm: &dyn Fn(&[f32]) -> f64 = match normalization {
        Normalization::L2 | Normalization::MaxL2 => &l2,
        Normalization::L1 | Normalization::MaxL1 => &l1,
        Normalization::Identity => return,
    };
    let largest = rows.chunks_exact(d).map(norm).fold(0.0, f64::max);
    for row in rows.chunks_exact_mut(d) {
        let divisor = match normalization {
            Normalization::MaxL2 | Normalization::MaxL1 if largest == 0.0 => continue,
            Normalization::MaxL2 | Normalization::MaxL1 => largest,
            _ => norm(row) + 1e-8,
        };
        row.iter_mut().for_each(|value| *value = (f64::from(*value) / divisor) as f32);
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
