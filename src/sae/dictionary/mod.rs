//! Dictionaries: what atoms are made of, and how their gradient reaches what they are made of.

mod archetypal;
mod free;

pub use archetypal::Archetypal;
pub use free::{Free, Normalization};

pub(crate) use archetypal::names;
pub(crate) use free::WEIGHTS;

use super::{DictionaryKind, Parameter, SaeSettings, StateDict};
use crate::{
    device::{Device, Gemm, Grad, Tensor},
    error::Result,
};

/// The dictionary of a model, D [K, d] = eᵐ · atoms.
#[derive(Debug)]
pub enum Dictionary {
    /// Atoms W C + R.
    Archetypal(Box<Archetypal>),
    /// Atoms V.
    Free(Box<Free>),
}

/// Room for what depends on a dictionary while it is trained densely.
#[derive(Debug)]
pub(crate) struct DictionaryGradient {
    /// ∂loss/∂D, then ∂loss/∂atoms, [K, d].
    pub atoms: Tensor,
    /// ∂loss/∂W, [K, N]; none for a free dictionary.
    pub mixing: Option<Tensor>,
}

impl DictionaryGradient {
    pub fn new(device: &Device, settings: &SaeSettings) -> Result<Self> {
        let k = settings.nb_concepts;
        Ok(Self {
            atoms: Tensor::zeros(device, k, settings.input_shape)?,
            mixing: settings.nb_points().map(|n| Tensor::zeros(device, k, n)).transpose()?,
        })
    }
}

impl Dictionary {
    /// From the values of its tensors.
    pub(crate) fn new(device: &Device, settings: &SaeSettings, state: &StateDict) -> Result<Self> {
        Ok(match settings.dictionary {
            DictionaryKind::Archetypal { nb_points, delta } => {
                let archetypal = Archetypal::from_state(device, settings, nb_points, delta, state)?;
                Self::Archetypal(Box::new(archetypal))
            }
            DictionaryKind::Free { normalization } => {
                Self::Free(Box::new(Free::from_state(device, settings, normalization, state)?))
            }
        })
    }

    /// The trained tensors, the multiplier last if it is trained.
    pub fn parameters(&self) -> Vec<&Parameter> {
        let (mut all, multiplier, trained) = match self {
            Self::Archetypal(a) => (vec![&a.mixing, &a.relax], &a.multiplier, a.use_multiplier),
            Self::Free(f) => (vec![&f.weights], &f.multiplier, f.use_multiplier),
        };
        all.extend(trained.then_some(multiplier));
        all
    }

    /// The same, to update; in the same order.
    pub fn parameters_mut(&mut self) -> Vec<&mut Parameter> {
        let (mut all, multiplier, trained) = match self {
            Self::Archetypal(a) => {
                (vec![&mut a.mixing, &mut a.relax], &mut a.multiplier, a.use_multiplier)
            }
            Self::Free(f) => (vec![&mut f.weights], &mut f.multiplier, f.use_multiplier),
        };
        all.extend(trained.then_some(multiplier));
        all
    }

    /// What is kept beside: the points, and the multiplier if it is not trained.
    pub fn buffers(&self) -> Vec<&Parameter> {
        let (mut all, multiplier, trained) = match self {
            Self::Archetypal(a) => (vec![&a.points], &a.multiplier, a.use_multiplier),
            Self::Free(f) => (vec![], &f.multiplier, f.use_multiplier),
        };
        all.extend((!trained).then_some(multiplier));
        all
    }

    /// m [1, 1].
    pub fn multiplier(&self) -> &Tensor {
        match self {
            Self::Archetypal(archetypal) => &archetypal.multiplier.value,
            Self::Free(free) => &free.multiplier.value,
        }
    }

    /// Whether m is trained.
    pub fn use_multiplier(&self) -> bool {
        match self {
            Self::Archetypal(archetypal) => archetypal.use_multiplier,
            Self::Free(free) => free.use_multiplier,
        }
    }

    /// Writes D [K, d] to `out`.
    pub fn fuse_into(&self, device: &Device, out: &mut Tensor) {
        match self {
            Self::Archetypal(archetypal) => {
                archetypal.atoms(device, out, Some(&archetypal.multiplier.value));
            }
            Self::Free(free) => {
                device.scale_atoms(&free.weights.value, Some(&free.multiplier.value), out);
            }
        }
    }

    /// D [K, d].
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold it.
    pub fn fused(&self, device: &Device) -> Result<Tensor> {
        let [concepts, width] = self.parameters()[0].value.shape();
        let width = match self {
            Self::Archetypal(archetypal) => archetypal.points.value.cols(),
            Self::Free(_) => width,
        };
        let mut fused = Tensor::zeros(device, concepts, width)?;
        self.fuse_into(device, &mut fused);
        Ok(fused)
    }

    /// From ∂loss/∂D in `grad.atoms` to the gradients of the parameters but the multiplier, in their order, and
    /// ∂loss/∂m in `grad_multiplier` [1, 1].
    pub(crate) fn backward<'a>(
        &self,
        device: &Device,
        fused: &Tensor,
        grad: &'a mut DictionaryGradient,
        grad_multiplier: &mut Tensor,
    ) -> Vec<Grad<'a>> {
        let DictionaryGradient { atoms, mixing } = grad;
        device.dictionary_backward(fused, Some(self.multiplier()), atoms, grad_multiplier);
        match (self, mixing) {
            (Self::Archetypal(archetypal), Some(mixing)) => {
                archetypal.mixing_gradient(device, atoms, mixing);
                vec![Grad::Dense(mixing), Grad::Dense(atoms)]
            }
            _ => vec![Grad::Dense(atoms)],
        }
    }
}

impl Archetypal {
    /// ∂loss/∂W [K, N] = ∂loss/∂atoms · Cᵀ.
    pub(crate) fn mixing_gradient(&self, device: &Device, atoms: &Tensor, mixing: &mut Tensor) {
        let spec = Gemm { transpose_b: true, ..Gemm::default() };
        device.gemm(atoms, &self.points.value, mixing, spec);
    }
}
