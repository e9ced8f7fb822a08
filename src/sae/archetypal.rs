//! The reference's two classes, with its arguments under its names.

use super::{EncoderKind, Kernel, Sae, SaeSettings, Selection};
use crate::{device::Device, error::Result};
use std::ops::{Deref, DerefMut};

/// Arguments that both classes share, with the reference's defaults.
#[derive(Clone, Debug)]
struct Common {
    input_shape: usize,
    nb_concepts: usize,
    points: Vec<f32>,
    delta: f32,
    use_multiplier: bool,
    seed: u64,
}

impl Common {
    fn build(self, device: &Device, selection: Selection) -> Result<Sae> {
        let settings = SaeSettings {
            input_shape: self.input_shape,
            nb_concepts: self.nb_concepts,
            nb_points: self.points.len() / self.input_shape.max(1),
            selection,
            delta: self.delta,
            use_multiplier: self.use_multiplier,
            encoder: EncoderKind::Linear,
        };
        Sae::initial(device, settings, self.points, self.seed)
    }
}

macro_rules! common_arguments {
    () => {
        /// Radius δ ≥ 0 within which an atom may leave the hull of the points; default 1.
        pub fn delta(mut self, delta: f32) -> Self {
            self.common.delta = delta;
            self
        }

        /// Whether the dictionary has a trainable scale eᵐ; default true.
        pub fn use_multiplier(mut self, use_multiplier: bool) -> Self {
            self.common.use_multiplier = use_multiplier;
            self
        }

        /// Seed of the encoder's initial values; default 0.
        pub fn seed(mut self, seed: u64) -> Self {
            self.common.seed = seed;
            self
        }
    };
}

macro_rules! is_an_sae {
    ($name:ident) => {
        impl $name {
            /// The model itself, without the name of its class.
            pub fn into_inner(self) -> Sae {
                self.0
            }
        }

        impl Deref for $name {
            type Target = Sae;

            fn deref(&self) -> &Sae {
                &self.0
            }
        }

        impl DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Sae {
                &mut self.0
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

is_an_sae!(RaTopKSae);

impl RaTopKSae {
    /// For rows of `input_shape` values, `nb_concepts` concepts, and `points` [N, d] row by row, in the space of the
    /// rows that it will be trained on.
    pub fn builder(input_shape: usize, nb_concepts: usize, points: &[f32]) -> RaTopKBuilder {
        RaTopKBuilder { common: common(input_shape, nb_concepts, points), top_k: None }
    }
}

/// Builds a [`RaTopKSae`].
#[derive(Clone, Debug)]
pub struct RaTopKBuilder {
    common: Common,
    top_k: Option<usize>,
}

impl RaTopKBuilder {
    common_arguments!();

    /// Codes a row; default max(K // 10, 1).
    pub fn top_k(mut self, top_k: usize) -> Self {
        self.top_k = Some(top_k);
        self
    }

    /// Makes the model.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] or [`crate::Error::Shape`] where an argument is out of range;
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    pub fn build(self, device: &Device) -> Result<RaTopKSae> {
        let k = self.top_k.unwrap_or(Selection::default_top_k(self.common.nb_concepts));
        self.common.build(device, Selection::TopK { k }).map(RaTopKSae)
    }
}

/// An archetypal SAE that keeps the codes above learned thresholds: the reference's `RAJumpSAE`.
#[derive(Debug)]
pub struct RaJumpSae(Sae);

is_an_sae!(RaJumpSae);

impl RaJumpSae {
    /// As [`RaTopKSae::builder`].
    pub fn builder(input_shape: usize, nb_concepts: usize, points: &[f32]) -> RaJumpBuilder {
        let common = common(input_shape, nb_concepts, points);
        RaJumpBuilder { common, bandwidth: 1e-3, kernel: Kernel::default() }
    }
}

/// Builds a [`RaJumpSae`].
#[derive(Clone, Debug)]
pub struct RaJumpBuilder {
    common: Common,
    bandwidth: f32,
    kernel: Kernel,
}

impl RaJumpBuilder {
    common_arguments!();

    /// Width > 0 of the kernel that stands in for the step's derivative; default 1e-3.
    pub fn bandwidth(mut self, bandwidth: f32) -> Self {
        self.bandwidth = bandwidth;
        self
    }

    /// That kernel; default silverman.
    pub fn kernel(mut self, kernel: Kernel) -> Self {
        self.kernel = kernel;
        self
    }

    /// Makes the model.
    ///
    /// # Errors
    /// As [`RaTopKBuilder::build`].
    pub fn build(self, device: &Device) -> Result<RaJumpSae> {
        let selection = Selection::Jump { kernel: self.kernel, bandwidth: self.bandwidth };
        self.common.build(device, selection).map(RaJumpSae)
    }
}

fn common(input_shape: usize, nb_concepts: usize, points: &[f32]) -> Common {
    Common {
        input_shape,
        nb_concepts,
        points: points.to_vec(),
        delta: 1.0,
        use_multiplier: true,
        seed: 0,
    }
}
