//! Every kernel of the GPU against plain loops in float64: awkward shapes, poisoned outputs, split operands.
#![cfg(feature = "gpu")]

#[path = "../common/mod.rs"]
mod common;

mod dictionary;
mod elementwise;
mod gemm;
mod halves;
mod jump;
mod layers;
mod parameters;
mod profile;
mod residual;
mod rest;
mod selection;
mod sparse;
mod statistics;
mod terms;
mod thresholds;
