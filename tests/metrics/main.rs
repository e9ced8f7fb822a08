//! Figures of a model, and what its concepts look like, against plain loops in float64 on every backend.

#[path = "../common/mod.rs"]
mod common;

mod atlas;
mod evaluate;
mod explore;
mod models;
mod oracle;
mod plausibility;
