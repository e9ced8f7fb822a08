//! Mean and squared deviations of rows, put together part by part.

/// Mean and sum of squared deviations of some rows.
#[derive(Debug)]
pub(crate) struct Partial {
    /// How many.
    pub rows: f64,
    /// The mean of each dimension.
    pub mean: Vec<f64>,
    /// Σ (x − mean)² of each dimension.
    pub m2: Vec<f64>,
}

impl Partial {
    /// Of row-major `values`.
    pub fn of(values: &[f32], width: usize) -> Self {
        let rows = (values.len() / width) as f64;
        let (mut mean, mut m2) = (vec![0.0; width], vec![0.0; width]);
        pulp::Arch::new().dispatch(|| {
            for row in values.chunks_exact(width) {
                for (sum, &value) in mean.iter_mut().zip(row) {
                    *sum += f64::from(value);
                }
            }
            mean.iter_mut().for_each(|sum| *sum /= rows);
            for row in values.chunks_exact(width) {
                for ((m2, mean), &value) in m2.iter_mut().zip(&mean).zip(row) {
                    let deviation = f64::from(value) - mean;
                    *m2 += deviation * deviation;
                }
            }
        });
        Self { rows, mean, m2 }
    }

    /// Takes in the rows of `other` (Chan, Golub and LeVeque 1979).
    fn merge(&mut self, other: &Self) {
        let rows = self.rows + other.rows;
        let share = other.rows / rows;
        for (mean, (m2, (other_mean, other_m2))) in
            self.mean.iter_mut().zip(self.m2.iter_mut().zip(other.mean.iter().zip(&other.m2)))
        {
            let delta = other_mean - *mean;
            *mean += delta * share;
            *m2 += other_m2 + delta * delta * (self.rows * share);
        }
        self.rows = rows;
    }
}

/// Partials merged in pairs of equal size, as a binary counter carries: log₂ of the number of blocks are kept.
#[derive(Debug, Default)]
pub(crate) struct Stack(Vec<(u32, Partial)>);

impl Stack {
    /// Takes in the next rows.
    pub fn push(&mut self, partial: Partial) {
        let mut level = 0;
        let mut partial = partial;
        while let Some((_, mut earlier)) = self.0.pop_if(|(top, _)| *top == level) {
            earlier.merge(&partial);
            partial = earlier;
            level += 1;
        }
        self.0.push((level, partial));
    }

    /// All rows together; `None` if there were none.
    pub fn finish(mut self) -> Option<Partial> {
        let (_, mut total) = self.0.pop()?;
        while let Some((_, mut earlier)) = self.0.pop() {
            earlier.merge(&total);
            total = earlier;
        }
        Some(total)
    }
}
