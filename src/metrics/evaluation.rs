//! The figures and what each one means.

use serde::{Deserialize, Serialize};

/// Makes a struct and the list of its figures from one text each, so that the two cannot differ.
macro_rules! figures {
    ($($name:ident: $type:ty = $definition:literal;)+) => {
        /// What [`evaluate`](super::evaluate) found, all of it in the space of normalised rows.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Evaluation {
            $(#[doc = $definition] pub $name: $type,)+
        }

        /// Each figure of an [`Evaluation`] with its definition, in their order.
        pub const DEFINITIONS: &[(&str, &str)] = &[$((stringify!($name), $definition)),+];
    };
}

figures! {
    rows: usize = "Rows that were evaluated.";
    r2: Option<f64> = "1 − Σ(x − x̂)² / Σ(x − μ)², with μ the mean of each dimension over these rows; null if no \
        dimension varies.";
    r2_scalar_mean: Option<f64> = "1 − Σ(x − x̂)² / Σ(x − μ)², with one mean μ over all elements, as overcomplete has \
        it (less the 1e-6 it adds to the variance); null if all elements are equal.";
    mse: f64 = "Mean over every element of (x − x̂)².";
    l0: f64 = "Mean over the rows of the number of active codes, |z| ≥ 1e-6.";
    dead_share: f64 = "Share of the concepts that fire in none of these rows.";
    density_quantiles: Vec<[f64; 2]> = "Pairs [q, value] for q = 0, 0.1, 0.25, 0.5, 0.75, 0.9, 1: quantiles over the \
        concepts of the share of rows in which a concept fires, interpolated linearly.";
    coherence: f64 = "Largest |cosine| between two different atoms; 0 with one atom. A zero vector has cosine 0.";
    ood: f64 = "1 − mean over the atoms of the largest cosine to a row of the data: 0 where every atom points where \
        some row does. A zero vector has cosine 0.";
    max_weight_mean: Option<f64> = "Mean over the atoms of the largest mixing weight, max over j of W_ij; null for a \
        free dictionary.";
    weight_entropy_mean: Option<f64> = "Mean over the atoms of the entropy of the mixing weights, −Σ over j of W_ij ln W_ij, \
        in nats; null for a free dictionary.";
    relaxation_ratio_mean: Option<f64> = "Mean over the atoms of ‖R_i‖ / δ: 0 in the convex hull of the points, 1 at \
        the rim of the relaxation; null if δ = 0 or the dictionary is free.";
    multiplier: f64 = "Scale eᵐ of the dictionary.";
}
