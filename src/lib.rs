//! Archetypal sparse autoencoders on any GPU, or on none.

pub mod data;
pub mod device;
mod error;
pub mod sae;

pub use device::{Device, Tensor};
pub use error::{Error, Result, human_bytes};
