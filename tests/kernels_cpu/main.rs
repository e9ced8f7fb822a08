//! Every operation of the CPU backend against a plain loop in float64, over awkward shapes, into poisoned outputs.

mod determinism;
mod gradients;
mod parameters;
mod products;
mod selection;
mod statistics;
mod util;
