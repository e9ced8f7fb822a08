//! The reference's classes, with its arguments under its names.

use super::{
    DictionaryKind, Encoder, EncoderKind, Kernel, Normalization, Sae, SaeSettings, Selection,
    StateDict, Thresholds, settings::MOMENTUM,
};
use crate::{device::Device, error::Result};
use std::ops::{Deref, DerefMut};

/// Arguments of all classes, with the reference's defaults.
#[derive(Clone, Debug)]
struct Arguments {
    settings: SaeSettings,
    points: Vec<f32>,
    initializer: Option<Vec<f32>>,
    seed: u64,
}

impl Arguments {
    fn archetypal(input_shape: usize, nb_concepts: usize, points: &[f32], top: Selection) -> Self {
        let nb_points = points.len() / input_shape.max(1);
        let dictionary = DictionaryKind::Archetypal { nb_points, delta: 1.0 };
        let arguments = Self::new(input_shape, nb_concepts, dictionary, true, top);
        Self { points: points.to_vec(), ..arguments }
    }

    fn free(input_shape: usize, nb_concepts: usize, selection: Selection) -> Self {
        let dictionary = DictionaryKind::Free { normalization: Normalization::default() };
        Self::new(input_shape, nb_concepts, dictionary, false, selection)
    }

    fn new(
        input_shape: usize,
        nb_concepts: usize,
        dictionary: DictionaryKind,
        use_multiplier: bool,
        selection: Selection,
    ) -> Self {
        let settings = SaeSettings {
            input_shape,
            nb_concepts,
            selection,
            dictionary,
            use_multiplier,
            encoder: EncoderKind::Linear,
            encoder_bias: false,
        };
        Self { settings, points: Vec::new(), initializer: None, seed: 0 }
    }

    fn build(self, device: &Device, encoder: Option<Box<dyn Encoder>>) -> Result<Sae> {
        let Self { mut settings, points, initializer, seed } = self;
        if let Some(encoder) = &encoder {
            settings.encoder = encoder.kind();
        }
        let state = StateDict::initial_from(&settings, points, initializer, seed)?;
        let mut sae = match encoder {
            Some(encoder) => Sae::with_encoder(device, settings, encoder, &state)?,
            None => Sae::new(device, settings, &state)?,
        };
        sae.project();
        Ok(sae)
    }
}

fn top_k(nb_concepts: usize) -> Selection {
    Selection::TopK { k: Selection::default_top_k(nb_concepts) }
}

fn jump(thresholds: Thresholds) -> Selection {
    let (kernel, bandwidth) = thresholds.window();
    Selection::Jump { kernel, bandwidth, thresholds }
}

fn batch_top_k(nb_concepts: usize) -> Selection {
    Selection::BatchTopK { k: Selection::default_top_k(nb_concepts), momentum: MOMENTUM }
}

macro_rules! class {
    ($sae:ident, $builder:ident) => {
        impl $sae {
            /// The model itself, without the name of its class.
            pub fn into_inner(self) -> Sae {
                self.0
            }
        }

        impl Deref for $sae {
            type Target = Sae;

            fn deref(&self) -> &Sae {
                &self.0
            }
        }

        impl DerefMut for $sae {
            fn deref_mut(&mut self) -> &mut Sae {
                &mut self.0
            }
        }

        #[doc = concat!("Builds a [`", stringify!($sae), "`].")]
        #[derive(Clone, Debug)]
        pub struct $builder(Arguments);

        impl $builder {
            /// Whether the dictionary has a trainable scale eᵐ; default true for an archetypal dictionary, false for a
            /// free one.
            pub fn use_multiplier(mut self, use_multiplier: bool) -> Self {
                self.0.settings.use_multiplier = use_multiplier;
                self
            }

            /// How inputs become pre-codes; default linear.
            pub fn encoder(mut self, encoder: EncoderKind) -> Self {
                self.0.settings.encoder = encoder;
                self
            }

            /// The reference's `tied(bias)`: the dictionary itself as encoder.
            pub fn tied(mut self, bias: bool) -> Self {
                self.0.settings.encoder = EncoderKind::Tied;
                self.0.settings.encoder_bias = bias;
                self
            }

            /// The reference's `untied(bias)`: an encoder that starts as a copy of the dictionary.
            pub fn untied(mut self, bias: bool) -> Self {
                self.0.settings.encoder = EncoderKind::Untied;
                self.0.settings.encoder_bias = bias;
                self
            }

            /// Seed of the random initial values; default 0.
            pub fn seed(mut self, seed: u64) -> Self {
                self.0.seed = seed;
                self
            }

            /// Makes the model.
            ///
            /// # Errors
            /// [`crate::Error::Setting`] or [`crate::Error::Shape`] where an argument is out of range;
            /// [`crate::Error::TooLarge`] if the device cannot hold it.
            pub fn build(self, device: &Device) -> Result<$sae> {
                self.0.build(device, None).map($sae)
            }

            /// Makes the model with an encoder of one's own, the reference's `encoder_module`.
            ///
            /// # Errors
            /// As `build`.
            pub fn build_with(self, device: &Device, encoder: Box<dyn Encoder>) -> Result<$sae> {
                self.0.build(device, Some(encoder)).map($sae)
            }
        }
    };
}

macro_rules! archetypal_arguments {
    ($builder:ident) => {
        impl $builder {
            /// Radius δ ≥ 0 within which an atom may leave the hull of the points; default 1.
            pub fn delta(mut self, delta: f32) -> Self {
                if let DictionaryKind::Archetypal { delta: radius, .. } =
                    &mut self.0.settings.dictionary
                {
                    *radius = delta;
                }
                self
            }
        }
    };
}

macro_rules! free_arguments {
    ($builder:ident) => {
        impl $builder {
            /// What the rows of the dictionary are held to; default l2.
            pub fn normalization(mut self, normalization: Normalization) -> Self {
                self.0.settings.dictionary = DictionaryKind::Free { normalization };
                self
            }

            /// The dictionary to start from, [K, d] row by row; default Xavier uniform. It is normalised at once.
            pub fn initializer(mut self, atoms: &[f32]) -> Self {
                self.0.initializer = Some(atoms.to_vec());
                self
            }
        }
    };
}

macro_rules! top_k_arguments {
    ($builder:ident) => {
        impl $builder {
            /// Codes a row (for batch top-k: on average); default max(K // 10, 1).
            pub fn top_k(mut self, top_k: usize) -> Self {
                if let Selection::TopK { k } | Selection::BatchTopK { k, .. } =
                    &mut self.0.settings.selection
                {
                    *k = top_k;
                }
                self
            }
        }
    };
}

macro_rules! jump_arguments {
    ($builder:ident) => {
        impl $builder {
            /// Width > 0 of the kernel that stands in for the step's derivative; default 1e-3.
            pub fn bandwidth(mut self, width: f32) -> Self {
                if let Selection::Jump { bandwidth, .. } = &mut self.0.settings.selection {
                    *bandwidth = width;
                }
                self
            }

            /// That kernel; default silverman.
            pub fn kernel(mut self, stand_in: Kernel) -> Self {
                if let Selection::Jump { kernel, .. } = &mut self.0.settings.selection {
                    *kernel = stand_in;
                }
                self
            }

            /// How thresholds are parametrised and learn; default as in the reference. It brings the kernel and the
            /// bandwidth of [`Thresholds::window`], so other ones are set afterwards.
            pub fn thresholds(mut self, how: Thresholds) -> Self {
                if let Selection::Jump { .. } = self.0.settings.selection {
                    self.0.settings.selection = jump(how);
                }
                self
            }
        }
    };
}

/// An archetypal SAE that keeps the k largest codes of each row: the reference's `RATopKSAE`.
///
/// ```
/// # pollster::block_on(async {
/// use archetypal::{Device, sae::RaTopKSae};
/// let points = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0]; // three points of two dimensions
/// let sae = RaTopKSae::builder(2, 8, &points).top_k(3).build(&Device::cpu())?;
/// let codes = sae.codes(&[0.5, 0.25]).await?;
/// assert!(codes.row(0).count() <= 3);
/// # Ok::<(), archetypal::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct RaTopKSae(Sae);

class!(RaTopKSae, RaTopKBuilder);
archetypal_arguments!(RaTopKBuilder);
top_k_arguments!(RaTopKBuilder);

impl RaTopKSae {
    /// For rows of `input_shape` values, `nb_concepts` concepts, and `points` [N, d] row by row, in the space of the
    /// rows that it will be trained on.
    pub fn builder(input_shape: usize, nb_concepts: usize, points: &[f32]) -> RaTopKBuilder {
        let selection = top_k(nb_concepts);
        RaTopKBuilder(Arguments::archetypal(input_shape, nb_concepts, points, selection))
    }
}

/// An archetypal SAE that keeps the codes above learned thresholds: the reference's `RAJumpSAE`.
#[derive(Debug)]
pub struct RaJumpSae(Sae);

class!(RaJumpSae, RaJumpBuilder);
archetypal_arguments!(RaJumpBuilder);
jump_arguments!(RaJumpBuilder);

impl RaJumpSae {
    /// As [`RaTopKSae::builder`].
    pub fn builder(input_shape: usize, nb_concepts: usize, points: &[f32]) -> RaJumpBuilder {
        RaJumpBuilder(Arguments::archetypal(
            input_shape,
            nb_concepts,
            points,
            jump(Thresholds::Reference),
        ))
    }
}

/// An SAE with a free dictionary that keeps the k largest codes of each row: the reference's `TopKSAE`.
#[derive(Debug)]
pub struct TopKSae(Sae);

class!(TopKSae, TopKBuilder);
free_arguments!(TopKBuilder);
top_k_arguments!(TopKBuilder);

impl TopKSae {
    /// For rows of `input_shape` values and `nb_concepts` concepts.
    pub fn builder(input_shape: usize, nb_concepts: usize) -> TopKBuilder {
        TopKBuilder(Arguments::free(input_shape, nb_concepts, top_k(nb_concepts)))
    }
}

/// An SAE with a free dictionary that keeps the codes above learned thresholds: the reference's `JumpSAE`.
#[derive(Debug)]
pub struct JumpSae(Sae);

class!(JumpSae, JumpBuilder);
free_arguments!(JumpBuilder);
jump_arguments!(JumpBuilder);

impl JumpSae {
    /// As [`TopKSae::builder`].
    pub fn builder(input_shape: usize, nb_concepts: usize) -> JumpBuilder {
        JumpBuilder(Arguments::free(input_shape, nb_concepts, jump(Thresholds::Reference)))
    }
}

/// An SAE with a free dictionary that keeps the k·B largest codes of each batch: the reference's `BatchTopKSAE`,
/// whose own `top_k` counts the codes of the whole batch, k·B.
#[derive(Debug)]
pub struct BatchTopKSae(Sae);

class!(BatchTopKSae, BatchTopKBuilder);
free_arguments!(BatchTopKBuilder);
top_k_arguments!(BatchTopKBuilder);

impl BatchTopKSae {
    /// As [`TopKSae::builder`].
    pub fn builder(input_shape: usize, nb_concepts: usize) -> BatchTopKBuilder {
        BatchTopKBuilder(Arguments::free(input_shape, nb_concepts, batch_top_k(nb_concepts)))
    }
}

impl BatchTopKBuilder {
    /// Weight of the old value in the running threshold, 0 to 1; default 0.9.
    pub fn threshold_momentum(mut self, weight: f32) -> Self {
        if let Selection::BatchTopK { momentum, .. } = &mut self.0.settings.selection {
            *momentum = weight;
        }
        self
    }
}
