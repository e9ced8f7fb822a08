//! The terms that losses are made of beside the squared error; formulas and defaults are overcomplete's unless said.

mod auxiliary;
mod l0;
mod penalties;
mod reanimation;

pub use auxiliary::{AuxK, TopKAuxiliary};
pub use l0::TargetL0;
pub use penalties::{Over, Pointwise, RowTerm};
pub use reanimation::Reanimation;
