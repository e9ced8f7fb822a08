//! Training: loss, gradients, clipping, Adam, schedule, and what drives them.

mod adam;
mod clip;
mod counters;
mod criterion;
mod events;
mod memory;
mod path;
mod progress;
mod run;
mod schedule;
mod settings;
mod step;
mod trainer;
mod workspace;

pub use adam::Adam;
pub(crate) use clip::Clip;
pub use clip::ClipGrad;
pub(crate) use counters::Counters;
pub use criterion::{Criterion, Mse, Reconstruction};
pub use events::Event;
pub use memory::{memory_needed, parameter_bytes};
pub use path::Path;
pub use progress::{Progress, Sums};
pub use run::{Flow, Run, train_sae};
pub use schedule::Schedule;
pub use settings::{Loss, TrainSettings};
pub use trainer::{DataFacts, Trainer};
