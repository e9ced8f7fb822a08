//! The kernels that stand in for the derivative of jump's step.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_PI_4, PI};

/// κ(x) of bandwidth bw: how much a code at distance x from its threshold counts in the threshold's gradient.
///
/// With h = bw/2 and u = |x|/h. Each κ holds its own 1/bw, as in the reference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Kernel {
    /// 1/bw for |x| ≤ h.
    Rectangle,
    /// exp(−u²/2) / (bw·√(2π)).
    Gaussian,
    /// (1 − u)/h for |x| ≤ h.
    Triangular,
    /// (1 + cos(πx/bw))/2 for |x| ≤ bw.
    Cosine,
    /// ¾(1 − u²)/h for u ≤ 1.
    Epanechnikov,
    /// 15/16·(1 − u²)²/h for u ≤ 1.
    Quartic,
    /// exp(−u/√2)·sin(u/√2 + π/4)/h.
    #[default]
    Silverman,
    /// 1/((1 + u²)·π·h).
    Cauchy,
}

/// Relative weight below which a tail is left out: far below what Adam, whose ε is 1e-8 beside clipped gradients of norm 1, can still notice.
const NEGLIGIBLE: f32 = 1e-14;

impl Kernel {
    /// All of them, in the order of their numbers in the shader.
    pub const ALL: [Self; 8] = [
        Self::Rectangle,
        Self::Gaussian,
        Self::Triangular,
        Self::Cosine,
        Self::Epanechnikov,
        Self::Quartic,
        Self::Silverman,
        Self::Cauchy,
    ];

    /// Its name on the command line, in the settings and in the reference.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rectangle => "rectangle",
            Self::Gaussian => "gaussian",
            Self::Triangular => "triangular",
            Self::Cosine => "cosine",
            Self::Epanechnikov => "epanechnikov",
            Self::Quartic => "quartic",
            Self::Silverman => "silverman",
            Self::Cauchy => "cauchy",
        }
    }

    /// The kernel of that name.
    ///
    /// # Errors
    /// [`Error::Setting`] with the names that exist.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kernel| kernel.name()).collect();
            Error::setting("kernel", name, format!("one of {}", names.join(", ")), "")
        })
    }

    /// κ(x).
    #[inline]
    pub fn value(self, x: f32, bandwidth: f32) -> f32 {
        let h = 0.5 * bandwidth;
        let u = x.abs() / h;
        let inside = |value: f32| if u <= 1.0 { value } else { 0.0 };
        match self {
            Self::Rectangle => inside(1.0 / bandwidth),
            Self::Gaussian => (-0.5 * u * u).exp() / (bandwidth * (2.0 * PI).sqrt()),
            Self::Triangular => inside((1.0 - u) / h),
            Self::Cosine if u <= 2.0 => 0.5 * (1.0 + (PI * x / bandwidth).cos()),
            Self::Cosine => 0.0,
            Self::Epanechnikov => inside(0.75 * (1.0 - u * u) / h),
            Self::Quartic => inside(0.9375 * (1.0 - u * u) * (1.0 - u * u) / h),
            Self::Silverman => {
                let s = u * FRAC_1_SQRT_2;
                (-s).exp() * (s + FRAC_PI_4).sin() / h
            }
            Self::Cauchy => 1.0 / ((1.0 + u * u) * PI * h),
        }
    }

    /// |x| beyond which κ is zero or negligible in float32; infinite for cauchy, whose tail never is.
    pub fn reach(self, bandwidth: f32) -> f32 {
        let h = 0.5 * bandwidth;
        let decay = -NEGLIGIBLE.ln();
        match self {
            Self::Cosine => bandwidth,
            Self::Gaussian => h * (2.0 * decay).sqrt(),
            Self::Silverman => h * decay / FRAC_1_SQRT_2,
            Self::Cauchy => f32::INFINITY,
            Self::Rectangle | Self::Triangular | Self::Epanechnikov | Self::Quartic => h,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_reach_is_negligible() {
        for kernel in Kernel::ALL {
            for bandwidth in [1e-3, 0.3] {
                let reach = kernel.reach(bandwidth);
                if reach.is_finite() {
                    let tail = kernel.value(reach * 1.001, bandwidth).abs();
                    assert!(tail <= 2e-14 * kernel.value(0.0, bandwidth), "{kernel:?}: {tail}");
                }
            }
        }
    }

    #[test]
    fn names_round_trip() {
        for kernel in Kernel::ALL {
            assert_eq!(Kernel::from_name(kernel.name()).unwrap(), kernel);
        }
        assert!(Kernel::from_name("square").unwrap_err().to_string().contains("silverman"));
    }
}
