//! Every operation of the CPU backend against a plain loop in float64, over awkward shapes, into poisoned outputs.

mod determinism;
mod dictionary;
mod elementwise;
mod gradients;
mod halves;
mod layers;
mod parameters;
mod products;
mod residual;
mod selection;
mod statistics;
mod terms;
mod thresholds;
mod util;
