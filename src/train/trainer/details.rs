//! Monitoring 2: the reference's closer look at every step, under its names.

use super::Trainer;
use crate::{device::ACTIVE_FROM, error::Result, train::workspace::Route};
use std::collections::BTreeMap;

impl Trainer {
    /// Norms of codes, dictionary, parameters and clipped gradients after a step. All of them are read back: this is
    /// for looking, not for speed.
    pub(super) async fn look_closely(&self) -> Result<BTreeMap<String, f64>> {
        let mut found = BTreeMap::new();
        found.insert("z_l2".to_owned(), self.codes_norm().await?);
        let dictionary = self.sae.dictionary().await?;
        let active = dictionary.iter().filter(|value| value.abs() >= ACTIVE_FROM).count();
        let atoms = dictionary.chunks_exact(self.sae.settings().input_shape);
        let count = atoms.len() as f64;
        found.insert("dictionary_sparsity".into(), active as f64 / dictionary.len() as f64);
        found.insert("dictionary_norms".into(), atoms.map(norm).sum::<f64>() / count);
        let gradients = self.clip.norms(&self.sae.parameters()).await?;
        for (parameter, gradient) in self.sae.parameters().into_iter().zip(gradients) {
            let name = parameter.name;
            found.insert(format!("params_norm_{name}"), norm(&parameter.value.read().await?));
            found.insert(format!("params_grad_norm_{name}"), gradient);
        }
        Ok(found)
    }

    /// ‖Z‖₂.
    async fn codes_norm(&self) -> Result<f64> {
        match &self.workspace.route {
            Route::Dense(route) => Ok(norm(&route.z.read().await?)),
            Route::Sparse(route) => {
                let (values, width) = (route.codes.values.read().await?, route.codes.width());
                let counts = route.codes.counts.read().await?;
                let rows = values.chunks_exact(width).zip(&counts);
                let squares = rows.map(|(row, &count)| norm(&row[..count as usize]).powi(2));
                Ok(squares.sum::<f64>().sqrt())
            }
        }
    }
}

fn norm(values: &[f32]) -> f64 {
    values.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}
