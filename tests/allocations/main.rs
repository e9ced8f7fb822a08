//! What training on the CPU asks of the allocator: in all as much as it says, and at a warm step next to nothing.

#[path = "../common/mod.rs"]
mod common;

mod counting;
mod models;
mod needed;
mod steps;
