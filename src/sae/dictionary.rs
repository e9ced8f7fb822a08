//! The archetypal dictionary D = (W C + R)·eᵐ (Fel et al. 2025, eq. 4): atoms that are blends of real points.

use super::Parameter;
use crate::{
    device::{Device, Gemm, Projection, Tensor},
    error::Result,
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
    pub points: Tensor,
    /// Log-multiplier m [1, 1]; fixed at its value where `use_multiplier` is false.
    pub multiplier: Parameter,
    /// Whether m is trained.
    pub use_multiplier: bool,
}

impl Archetypal {
    /// From its tensors: W [K, N], R [K, d], C [N, d], m [1, 1].
    pub fn new(
        mixing: Tensor,
        relax: Tensor,
        points: Tensor,
        multiplier: Tensor,
        delta: f32,
        use_multiplier: bool,
    ) -> Self {
        assert_eq!(mixing.shape(), [relax.rows(), points.rows()], "shape of W");
        assert_eq!(relax.cols(), points.cols(), "columns of R");
        Self {
            mixing: Parameter::matrix(names::MIXING, mixing, Projection::Simplex),
            relax: Parameter::matrix(names::RELAX, relax, Projection::Ball(delta)),
            points,
            multiplier: Parameter::scalar(names::MULTIPLIER, multiplier),
            use_multiplier,
        }
    }

    /// The trained tensors: W, R, and m if it is trained.
    pub fn parameters(&self) -> Vec<&Parameter> {
        let mut all = vec![&self.mixing, &self.relax];
        all.extend(self.use_multiplier.then_some(&self.multiplier));
        all
    }

    /// The same, to update; in the same order.
    pub fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        let mut all = vec![&mut self.mixing, &mut self.relax];
        all.extend(self.use_multiplier.then_some(&mut self.multiplier));
        all
    }

    /// Puts W on the simplex and R into its ball, as the reference does before every forward.
    pub fn project(&mut self, device: &Device) {
        for parameter in [&mut self.mixing, &mut self.relax] {
            device.project(&mut parameter.value, parameter.projection);
        }
    }

    /// atoms [K, d] = W C + R: the dictionary before the multiplier.
    pub fn atoms(&self, device: &Device, atoms: &mut Tensor) {
        device.gemm(&self.mixing.value, &self.points, atoms, Gemm::default());
        device.add_relaxation(atoms, &self.relax.value, None);
    }

    /// D [K, d] = (W C + R)·eᵐ.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    pub fn fused(&self, device: &Device) -> Result<Tensor> {
        let [concepts, width] = self.relax.value.shape();
        let mut fused = Tensor::zeros(device, concepts, width)?;
        device.gemm(&self.mixing.value, &self.points, &mut fused, Gemm::default());
        device.add_relaxation(&mut fused, &self.relax.value, Some(&self.multiplier.value));
        Ok(fused)
    }
}
