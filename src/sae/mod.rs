//! The model: encoder, selection, dictionary, and the two put together.

mod archetypal;
mod buffers;
mod codes;
pub(crate) mod dictionary;
pub(crate) mod encoder;
mod init;
mod kernel;
pub(crate) mod model;
mod options;
mod parameter;
mod settings;

pub use archetypal::{RaJumpBuilder, RaJumpSae, RaTopKBuilder, RaTopKSae};
pub use buffers::EncodeBuffers;
pub use codes::{Activations, CodeRows, Encoded};
pub use dictionary::Archetypal;
pub use encoder::{Encoder, Linear, PreCodeGrad};
pub use init::Tensors;
pub use kernel::Kernel;
pub use model::Sae;
pub use options::ModelSettings;
pub use parameter::Parameter;
pub use settings::{EncoderKind, ModelKind, SaeSettings, Selection};
