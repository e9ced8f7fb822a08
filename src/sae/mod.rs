//! The model: encoder, selection, dictionary, and the three put together.

mod buffers;
mod classes;
mod codes;
pub(crate) mod dictionary;
pub(crate) mod encoder;
mod init;
mod kernel;
pub(crate) mod model;
mod options;
mod parameter;
mod settings;
mod start;
mod state;

pub use buffers::EncodeBuffers;
pub use classes::{
    BatchTopKBuilder, BatchTopKSae, JumpBuilder, JumpSae, RaJumpBuilder, RaJumpSae, RaTopKBuilder,
    RaTopKSae, TopKBuilder, TopKSae,
};
pub use codes::{Activations, CodeRows, Encoded};
pub use dictionary::{Archetypal, Dictionary, Free, Normalization};
pub use encoder::{
    Encoder, Identity, Linear, LinearMap, Mlp, NormKind, Pass, PreCodeGrad, Purpose, Room, Tied,
};
pub use kernel::Kernel;
pub use model::Sae;
pub use options::ModelSettings;
pub use parameter::{Group, Parameter};
pub use settings::{DictionaryKind, EncoderKind, ModelKind, SaeSettings, Selection, Thresholds};
pub use start::{Samples, Start};
pub use state::{HostTensor, StateDict};
