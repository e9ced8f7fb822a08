//! How good a trained model is: reconstruction, sparsity, and what its dictionary is like.
//!
//! [`evaluate`] finds every figure of an [`Evaluation`] in one pass over the data; [`DEFINITIONS`] says what each
//! figure is, in the words that the command prints. [`agreement`] tells how much two dictionaries agree, [`spectrum`] how
//! many directions one uses, [`interaction`] which concepts fire together.

mod dictionary;
mod evaluate;
mod evaluation;
mod gram;
mod interaction;
mod mixing;
mod ood;
mod plausibility;
mod reconstruction;
mod sparsity;
mod spectrum;
mod stability;
mod symmetric;

pub(crate) use dictionary::normalize_rows;
pub use evaluate::evaluate;
pub(crate) use evaluate::evaluate_seeing;
pub use evaluation::{DEFINITIONS, Evaluation};
pub use interaction::{Interaction, interaction};
pub use plausibility::{Candidates, ClassSize, Classes, Found, Plausibility, plausibility};
pub use spectrum::{Spectrum, spectrum};
pub use stability::{Agreement, EXACT_ATOMS, Match, agreement, centred};
