//! The archetypal dictionary D = (W C + R)·eᵐ (Fel et al. 2025, eq. 4): atoms that are blends of real points.

use crate::{
    device::{Device, Gemm, Projection, Tensor},
    error::Result,
    sae::{Group, Parameter, SaeSettings, StateDict},
};

/// State-dict names of W, R, C and m.
pub(crate) mod names {
    pub const MIXING: &str = "dictionary.W";
    pub const RELAX: &str = "dictionary.Relax";
    pub const POINTS: &str = "dictionary.C";
    pub const MULTIPLIER: &str = "dictionary.multiplier";
}

/// W, R and m over the fixed points C.
#[derive(Debug)]
pub struct Archetypal {
    /// Mixing weights W [K, N]: each row non-negative, summing to one.
    pub mixing: Parameter,
    /// Relaxation R [K, d]: each row of norm at most δ.
    pub relax: Parameter,
    /// Points C [N, d].
    pub points: Parameter,
    /// Log-multiplier m [1, 1]; fixed at its value where `use_multiplier` is false.
    pub multiplier: Parameter,
    /// Whether m is trained.
    pub use_multiplier: bool,
}

impl Archetypal {
    pub(super) fn from_state(
        device: &Device,
        settings: &SaeSettings,
        nb_points: usize,
        delta: f32,
        state: &StateDict,
    ) -> Result<Self> {
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, nb_points);
        let mixing = state.upload(device, names::MIXING, &[k, n])?;
        let relax = state.upload(device, names::RELAX, &[k, d])?;
        let points = state.upload(device, names::POINTS, &[n, d])?;
        let multiplier = state.upload(device, names::MULTIPLIER, &[])?;
        Ok(Self {
            mixing: Parameter::matrix(names::MIXING, mixing, Group::Mixing)
                .held(Projection::Simplex),
            relax: Parameter::matrix(names::RELAX, relax, Group::Relaxation)
                .held(Projection::Ball(delta)),
            points: Parameter::matrix(names::POINTS, points, Group::Mixing),
            multiplier: Parameter::scalar(names::MULTIPLIER, multiplier, Group::Multiplier),
            use_multiplier: settings.use_multiplier,
        })
    }

    /// out [K, d] = (W C + R)·eᵐ, or W C + R without a multiplier.
    pub fn atoms(&self, device: &Device, out: &mut Tensor, multiplier: Option<&Tensor>) {
        device.gemm(&self.mixing.value, &self.points.value, out, Gemm::default());
        device.add_relaxation(out, &self.relax.value, multiplier);
    }
}
