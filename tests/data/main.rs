//! Data files, from bytes on disk to batches.

mod damage;
mod fixtures;
mod formats;
mod passes;
mod sets;
mod tensor_files;
