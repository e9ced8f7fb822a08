//! Every kernel of the GPU against plain loops in float64: awkward shapes, poisoned outputs, split operands.
#![cfg(feature = "gpu")]

#[path = "../common/mod.rs"]
mod common;

mod gemm;
mod jump;
mod parameters;
mod selection;
mod sparse;
mod statistics;
