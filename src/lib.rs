//! Archetypal sparse autoencoders on any GPU, or on none.
//!
//! A sparse autoencoder turns the activations of a neural network into a dictionary of concepts. An *archetypal* one
//! (Fel et al., ICML 2025, arXiv 2502.12892) holds every atom of that dictionary close to the convex hull of real data
//! points, D = (W C + R)·eᵐ, so that runs agree much better than those of a free one. This crate trains and applies the
//! models of the reference implementation, [`sae::RaTopKSae`] and [`sae::RaJumpSae`], and the baselines that they are held
//! against, with WGSL compute shaders or with plain Rust, and reads and writes its weights.
//!
//! ```
//! use archetypal::{
//!     Device, Result,
//!     data::{InMemory, Loader, Normalize, Normalizer, Shuffle, Source, Statistics},
//!     points::{self, Method},
//!     sae::RaTopKSae,
//!     train::{DataFacts, Event, Flow, TrainSettings, Trainer, train_sae},
//! };
//! use std::sync::Arc;
//!
//! # fn main() -> Result<()> { pollster::block_on(async {
//! // Activations: 600 rows of 8 values. `data::DataSet` opens .npy and .safetensors files instead.
//! let rows: Vec<f32> = (0..600 * 8).map(|i| ((i * i) as f32 * 0.37).sin()).collect();
//! let data: Arc<dyn Source> = Arc::new(InMemory::new("activations", 8, rows.clone())?);
//!
//! // What is known of them, what is done to them, and the points that atoms are blends of.
//! let statistics = Statistics::compute(&*data)?;
//! let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
//! let device = Device::best().await;
//! let points =
//!     points::find(&device, &*data, &normalizer, Method::Kmeans, 16, 0, &mut |_| {}).await?;
//!
//! // The model, and its training as a stream of events.
//! let mut sae = RaTopKSae::builder(8, 32, &points).top_k(4).build(&device)?.into_inner();
//! sae.set_normalizer(normalizer.clone())?;
//! let settings = TrainSettings { epochs: 3, batch_size: 100, ..TrainSettings::default() };
//! let trainer = Trainer::new(sae, settings, DataFacts::new(&statistics, &normalizer))?;
//! let loader = Loader::new(data, Arc::new(normalizer), Shuffle::seeded(0), 100)?;
//! let mut sae = train_sae(trainer, loader, &mut |event| {
//!     if let Event::Epoch { epoch, r2, .. } = event {
//!         println!("epoch {epoch}: R² {r2:.3}");
//!     }
//!     Flow::Continue
//! })
//! .await?;
//!
//! // Codes of raw rows.
//! sae.eval()?;
//! let codes = sae.codes(&rows[..8]).await?;
//! assert!(codes.row(0).count() <= 4);
//! # Ok(()) }) }
//! ```
//!
//! # Where things are
//! - [`data`]: files to normalised batches; [`points`]: k-means or a sample.
//! - [`recipe`]: from data to a run with good defaults.
//! - [`sae`]: the models; [`train`]: their training; [`checkpoint`]: their files.
//! - [`metrics`]: what a trained model is worth; [`explore`]: what one looks at; [`export`]: models for other programs.
//! - [`device`]: the operations that all of this is written against, on the CPU and on a GPU.
//!
//! # Parts of your own
//! - A loss: as text, [`train::Loss`], with any [`expression`] of a single value as a penalty; or a [`train::Term`].
//! - An encoder: a [`sae::Encoder`], given to `build_with` of a builder.
//! - Data: a [`data::Source`].
//!
//! Terms and encoders are written with the operations of [`device::Backend`], so that they run on both backends;
//! [`train::check_gradients`] tells whether their gradients are right. `examples/own_loss` and `examples/own_encoder` are
//! worked ones; the other examples show the basic usage, jump, embedding, and data larger than memory.
//!
#![cfg_attr(doc, doc = "Coming from overcomplete: [`from_overcomplete`] has its names and ours.\n")]
//! # Features
//! `gpu` (default): the WGSL backend, through wgpu. `cli` (default): the `archetypal` command. `page`: the explorer page
//! inside that command. `web`: the JavaScript classes of the npm package, on wasm32 only. Without any of them there is
//! the library on the CPU.
//!
//! Functions that read back from a device are `async`; natively `pollster::block_on` is all they need.

mod as_text;
pub mod checkpoint;
pub mod data;
pub mod device;
mod error;
pub mod explore;
pub mod export;
pub mod expression;
pub mod metrics;
mod parallel;
pub mod points;
mod progress;
pub mod recipe;
pub mod sae;
pub mod train;
#[cfg(all(target_arch = "wasm32", feature = "web"))]
mod wasm;

#[cfg(doc)]
#[doc = include_str!("../docs/from-overcomplete.md")]
pub mod from_overcomplete {}

pub use device::{Device, Tensor};
pub use error::{Error, Result, human_bytes};
