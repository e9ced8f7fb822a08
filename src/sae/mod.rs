//! The model: encoder, selection, dictionary, and the two put together.

mod kernel;

pub use kernel::Kernel;
