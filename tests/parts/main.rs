//! Whole runs of every part: saved and resumed, their rates and decay, and what does not go together.

#[path = "../common/mod.rs"]
mod common;

mod combinations;
mod rates;
mod resume;
mod runs;
