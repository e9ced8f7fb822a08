//! The tests of `kernels_gpu` once more, with the kernels for real GPUs whatever adapter there is: `common::gpu` knows
//! this program by its name. (Products have tests of either kind in `kernels_gpu`.)
#![cfg(feature = "gpu")]

#[path = "../common/mod.rs"]
mod common;

#[path = "../kernels_gpu/dictionary.rs"]
mod dictionary;
#[path = "../kernels_gpu/parameters.rs"]
mod parameters;
#[path = "../kernels_gpu/residual.rs"]
mod residual;
#[path = "../kernels_gpu/rest.rs"]
mod rest;
#[path = "../kernels_gpu/selection.rs"]
mod selection;
#[path = "../kernels_gpu/sparse.rs"]
mod sparse;
#[path = "../kernels_gpu/statistics.rs"]
mod statistics;
#[path = "../kernels_gpu/terms.rs"]
mod terms;
