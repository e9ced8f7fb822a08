//! Archetypal sparse autoencoders on any GPU, or on none.

pub mod checkpoint;
pub mod data;
pub mod device;
mod error;
pub mod explore;
pub mod metrics;
pub mod points;
pub mod sae;
pub mod train;

pub use device::{Device, Tensor};
pub use error::{Error, Result, human_bytes};
