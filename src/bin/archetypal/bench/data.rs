//! What is trained on: rows of the user's, or rows with a planted sparse structure.

use super::size::Size;
use crate::{
    failure::{Failure, Outcome},
    options::DataArgs,
};
use archetypal::{
    Error,
    data::{
        InMemory, Normalize, Normalizer, Source, Statistics, TensorOut, read_normalized,
        sample_rows, write_tensors,
    },
    sae::{HostTensor, StateDict},
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{collections::BTreeMap, path::Path};

/// Batches that the steps go round.
const BATCHES: usize = 4;
/// Seed of all that is random.
const SEED: u64 = 7;
/// Directions that planted rows are sums of, at most …
const DIRECTIONS: usize = 4096;
/// … and kinds of rows.
const KINDS: usize = 64;

/// Standardised rows, and points taken from among them.
pub struct Rows {
    pub width: usize,
    /// [rows, width]; at least a batch.
    pub values: Vec<f32>,
    /// [N, width].
    pub points: Vec<f32>,
}

impl Rows {
    /// Rows for steps of `size`: a sample of `data`, or planted ones.
    pub fn for_size(size: Size, data: Option<&DataArgs>) -> Outcome<Self> {
        let count = (BATCHES * size.batch).max(size.points);
        match data {
            Some(data) => {
                let source = data.open()?;
                check(size, data, &*source)?;
                Self::of(size, &*source, count.min(source.rows()))
            }
            None => {
                let source = InMemory::new("planted rows", size.d, planted(count, size))?;
                Self::of(size, &source, count)
            }
        }
    }

    /// `count` rows of `source`, standardised as `train` does it.
    fn of(size: Size, source: &dyn Source, count: usize) -> Outcome<Self> {
        let normalizer = Normalizer::new(Normalize::Standardize, &Statistics::compute(source)?);
        let taken = sample_rows(source, count, SEED)?;
        let mut values = vec![0.0; count * size.d];
        read_normalized(source, &normalizer, &taken, &mut values)?;
        let points =
            sample_rows(&InMemory::new("rows", size.d, values.clone())?, size.points, SEED)?;
        let row = |&row: &usize| &values[row * size.d..(row + 1) * size.d];
        let points = points.iter().flat_map(row).copied().collect();
        Ok(Self { width: size.d, values, points })
    }

    /// The batches of the steps, round and round.
    pub fn batches(&self, batch: usize) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(batch * self.width).cycle()
    }

    /// The first batch.
    pub fn first(&self, batch: usize) -> &[f32] {
        &self.values[..batch * self.width]
    }

    /// Writes `rows` and `points` and, under its own names, all of `initial` but the dictionary, whose initial values
    /// follow from the sizes: other programs then do the same from the same start.
    pub fn save(&self, initial: &StateDict, path: &Path) -> Outcome {
        let shape = |values: &[f32]| [values.len() / self.width, self.width];
        let mut tensors = vec![
            TensorOut::f32("rows", &shape(&self.values), &self.values),
            TensorOut::f32("points", &shape(&self.points), &self.points),
        ];
        let others = initial.iter().filter(|(name, _)| !name.starts_with("dictionary."));
        tensors.extend(
            others.map(|(name, HostTensor { shape, values })| TensorOut::f32(name, shape, values)),
        );
        Ok(write_tensors(path, &tensors, &BTreeMap::new())?)
    }
}

/// Refuses data that are no rows for all of `sizes`, before any work.
pub fn check_all(sizes: &[Size], data: &DataArgs) -> Outcome {
    let source = data.open()?;
    sizes.iter().try_for_each(|&size| check(size, data, &*source))
}

fn check(size: Size, data: &DataArgs, source: &dyn Source) -> Outcome {
    let rows = source.rows();
    if source.width() != size.d {
        let hint = "Name sizes with the width of the data as d.";
        let found = [rows, source.width()];
        return Err(Error::shape(data.name(), &found, &[rows, size.d], hint).into());
    }
    let least = size.batch.max(size.points);
    if rows < least {
        return Err(Failure::Usage(format!(
            "{} has {rows} rows, but size {size} needs {least}: name a smaller B and N",
            data.name(),
        )));
    }
    Ok(())
}

/// Rows of some kinds, and of some directions each, and noise: a third of the variance is the kind's. The first kinds and
/// directions are in many rows and the last in few (p ∝ 1/i), so that some concepts fire often and many seldom.
fn planted(rows: usize, size: Size) -> Vec<f32> {
    let d = size.d;
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let kinds = Drawn::new(&mut random, KINDS, d);
    let directions = Drawn::new(&mut random, size.concepts.min(DIRECTIONS), d);
    let each = size.k.min(32);
    let mut values = vec![0.0; rows * d];
    for row in values.chunks_exact_mut(d) {
        let mut add = |amount: f32, atom: &[f32]| {
            row.iter_mut().zip(atom).for_each(|(value, atom)| *value += amount * atom);
        };
        add((0.6 * each as f32).sqrt(), kinds.draw(&mut random));
        for _ in 0..each {
            add(0.5 + random.random::<f32>(), directions.draw(&mut random));
        }
        row.iter_mut().for_each(|value| *value += 0.3 * bell(&mut random));
    }
    values
}

/// Random vectors, drawn with p ∝ 1/i.
struct Drawn {
    width: usize,
    vectors: Vec<f32>,
    /// Sums of the probabilities up to each, but for a factor.
    up_to: Vec<f64>,
}

impl Drawn {
    fn new(random: &mut impl Rng, count: usize, width: usize) -> Self {
        let vectors = (0..count * width).map(|_| bell(random)).collect();
        let mut sum = 0.0;
        let up_to = (1..=count).map(|i| {
            sum += 1.0 / i as f64;
            sum
        });
        Self { width, vectors, up_to: up_to.collect() }
    }

    fn draw(&self, random: &mut impl Rng) -> &[f32] {
        let last = self.up_to.len() - 1;
        let drawn = random.random::<f64>() * self.up_to[last];
        let chosen = self.up_to.partition_point(|&sum| sum < drawn).min(last);
        &self.vectors[chosen * self.width..(chosen + 1) * self.width]
    }
}

/// Nearly normal, of variance 1.
fn bell(random: &mut impl Rng) -> f32 {
    let sum: f32 = (0..4).map(|_| random.random::<f32>()).sum();
    (sum - 2.0) * 3.0_f32.sqrt()
}
