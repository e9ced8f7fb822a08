//! From files to normalised batches.
//!
//! A [`Source`] is a matrix [rows, width] that is read as f32: one file ([`MatrixFile`]), several as shards of one set
//! ([`DataSet`]), values in memory ([`InMemory`]), or some rows of another ([`Subset`]). [`Statistics`] finds its mean and
//! variance in one pass, [`Normalizer`] applies them, and a [`Loader`] gives epochs of [`Batch`]es: shuffled by an
//! [`Order`] that can be resumed anywhere and bounds the memory, read ahead where there are threads.
//!
//! ```
//! use archetypal::data::{InMemory, Loader, Normalize, Normalizer, Shuffle, Statistics};
//! use std::sync::Arc;
//!
//! let source = Arc::new(InMemory::new("two columns", 2, vec![1.0, 9.0, 3.0, 9.0])?);
//! let statistics = Statistics::compute(&*source)?;
//! let normalizer = Arc::new(Normalizer::new(Normalize::Standardize, &statistics));
//! let loader = Loader::new(source, normalizer, Shuffle::none(), 1024)?;
//! let batch = loader.epoch(0, 0)?.next().unwrap()?;
//! assert_eq!(batch.data, [-1.0, 0.0, 1.0, 0.0]); // the second column never varies
//! # Ok::<(), archetypal::Error>(())
//! ```
//!
//! [`TensorFile`] and [`encode_tensors`] are for the files that this crate writes itself.

mod batches;
mod bytes;
mod dtype;
mod examples;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod loader;
mod matrix;
mod moments;
mod normalize;
mod npy;
#[cfg(not(target_arch = "wasm32"))]
mod prefetch;
pub(crate) mod random;
mod safetensors;
mod set;
mod shuffle;
mod source;
mod statistics;
#[cfg(not(target_arch = "wasm32"))]
mod stream;
mod tensor_file;
mod tensors;

pub use batches::{Batch, BatchStream, Batches, read_normalized};
pub use dtype::Dtype;
pub use examples::{Example, Examples, Grid};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use files::write_together;
#[cfg(not(target_arch = "wasm32"))]
pub use files::{check_writable, write_atomically};
pub use loader::Loader;
pub use matrix::MatrixFile;
pub(crate) use moments::{Partial, Stack};
pub use normalize::{Normalize, Normalizer};
#[cfg(not(target_arch = "wasm32"))]
pub use prefetch::Prefetch;
pub use random::sample_rows;
pub use set::DataSet;
pub use shuffle::{DEFAULT_MEMORY, Order, Shuffle};
pub use source::{InMemory, Location, Source, Subset};
pub use statistics::Statistics;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use statistics::all_finite;
#[cfg(not(target_arch = "wasm32"))]
pub use stream::{StreamSpec, StreamWriter};
pub use tensor_file::{StoredTensor, TensorFile};
#[cfg(not(target_arch = "wasm32"))]
pub use tensors::write_tensors;
pub use tensors::{TensorOut, Values, encode_tensors};
