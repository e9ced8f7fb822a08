//! Models in the forms of other programs.
//!
//! ```
//! # pollster::block_on(async {
//! use archetypal::{Device, export, sae::TopKSae};
//! let sae = TopKSae::builder(4, 16).top_k(2).build(&Device::cpu())?;
//! let exported = export::saelens(&sae).await?;
//! assert_eq!(exported.config()["architecture"], "topk");
//! # Ok::<(), archetypal::Error>(()) }).unwrap();
//! ```

mod linear;
mod saelens;

pub use saelens::{Activation, SaeLens, saelens};
