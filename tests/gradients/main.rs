//! Every gradient of the training step against the loss itself or against its formula, on every backend and path.

#[path = "../common/mod.rs"]
mod common;

mod auxk;
mod models;
mod own;
mod parts;
mod thresholds;
