//! What training on the CPU asks of the allocator: at a warm step, next to nothing.

#[path = "../common/mod.rs"]
mod common;

mod counting;
mod models;
mod steps;
