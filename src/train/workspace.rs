//! The memory of a training step: everything but the parameters and their moments, made once.

use super::Path;
use crate::{
    device::{ByAtom, Codes, Device, Tensor},
    error::Result,
    sae::{Sae, Selection},
};

/// Buffers that every path uses.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Normalised batch, [B, d].
    pub x: Tensor,
    /// A column of ones, [B, 1].
    pub ones: Tensor,
    /// Pre-codes, [B, K].
    pub pre: Tensor,
    /// Reconstruction, [B, d].
    pub x_hat: Tensor,
    /// eᵐ · ∂loss/∂x̂, [B, d].
    pub h: Tensor,
    /// ∂loss/∂m, [1, 1].
    pub grad_multiplier: Tensor,
    /// ∂loss/∂t, [K, 1]; one value for top-k, which has no thresholds.
    pub grad_thresholds: Tensor,
    /// Buffers of the path.
    pub route: Route,
}

/// Buffers that depend on the path.
#[derive(Debug)]
pub(crate) enum Route {
    Sparse(Box<SparseRoute>),
    Dense(Box<DenseRoute>),
}

/// Sparse codes.
#[derive(Debug)]
pub(crate) struct SparseRoute {
    pub codes: Codes,
    pub by_atom: ByAtom,
    /// ∂loss/∂z at the entries, [B, width].
    pub grad_codes: Tensor,
    pub product: SparseProduct,
}

/// How sparse codes meet the dictionary.
#[derive(Debug)]
pub(crate) enum SparseProduct {
    /// Z W, later eᵐ G Cᵀ, [B, N].
    Factored { mixed: Tensor },
    /// Over the built atoms.
    Atoms(BuiltAtoms),
}

/// The atoms and the dense gradients of W and R.
#[derive(Debug)]
pub(crate) struct BuiltAtoms {
    /// W C + R, [K, d].
    pub atoms: Tensor,
    /// ∂loss/∂W, [K, N].
    pub grad_mixing: Tensor,
    /// ∂loss/∂R, [K, d].
    pub grad_relax: Tensor,
}

/// Dense codes.
#[derive(Debug)]
pub(crate) struct DenseRoute {
    /// Codes, [B, K].
    pub z: Tensor,
    /// ∂loss/∂z, then ∂loss/∂pre, [B, K].
    pub grad_codes: Tensor,
    pub built: BuiltAtoms,
    /// The encoder's dense gradients.
    pub encoder: Vec<Tensor>,
}

impl Workspace {
    /// Room for batches of up to `batch` rows.
    pub fn new(sae: &Sae, batch: usize, path: Path) -> Result<Self> {
        let device = sae.device();
        let settings = sae.settings();
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let thresholds = if sae.thresholds.is_some() { k } else { 1 };
        Ok(Self {
            x: Tensor::zeros(device, batch, d)?,
            ones: Tensor::from_slice(device, batch, 1, &vec![1.0; batch])?,
            pre: Tensor::zeros(device, batch, k)?,
            x_hat: Tensor::zeros(device, batch, d)?,
            h: Tensor::zeros(device, batch, d)?,
            grad_multiplier: Tensor::zeros(device, 1, 1)?,
            grad_thresholds: Tensor::zeros(device, thresholds, 1)?,
            route: Route::new(sae, batch, path)?,
        })
    }

    /// Takes the next batch, row by row, of at most as many rows as there is room for.
    pub fn load(&mut self, batch: &[f32]) {
        let rows = batch.len() / self.x.cols();
        let all = [&mut self.x, &mut self.ones, &mut self.pre, &mut self.x_hat, &mut self.h];
        for tensor in all {
            tensor.set_rows(rows);
        }
        self.route.set_rows(rows);
        self.x.write(batch);
    }
}

impl Route {
    /// Buffers for `path`.
    pub fn new(sae: &Sae, batch: usize, path: Path) -> Result<Self> {
        let device = sae.device();
        let k = sae.settings().nb_concepts;
        Ok(match path {
            Path::Dense => Self::Dense(Box::new(DenseRoute {
                z: Tensor::zeros(device, batch, k)?,
                grad_codes: Tensor::zeros(device, batch, k)?,
                built: BuiltAtoms::new(sae, device)?,
                encoder: sae.encoder.scratch(device)?,
            })),
            Path::Factored => {
                let mixed = Tensor::zeros(device, batch, sae.settings().nb_points)?;
                Self::sparse(sae, batch, SparseProduct::Factored { mixed })?
            }
            Path::Atoms => {
                let built = BuiltAtoms::new(sae, device)?;
                Self::sparse(sae, batch, SparseProduct::Atoms(built))?
            }
        })
    }

    fn sparse(sae: &Sae, batch: usize, product: SparseProduct) -> Result<Self> {
        let device = sae.device();
        let k = sae.settings().nb_concepts;
        // A jump row may hold any number of codes.
        let width = match sae.settings().selection {
            Selection::TopK { k } => k,
            Selection::Jump { .. } => k,
        };
        Ok(Self::Sparse(Box::new(SparseRoute {
            codes: Codes::new(device, batch, width, k)?,
            by_atom: ByAtom::new(device, batch, width, k)?,
            grad_codes: Tensor::zeros(device, batch, width)?,
            product,
        })))
    }

    fn set_rows(&mut self, rows: usize) {
        match self {
            Self::Sparse(sparse) => {
                sparse.codes.set_rows(rows);
                sparse.grad_codes.set_rows(rows);
                if let SparseProduct::Factored { mixed } = &mut sparse.product {
                    mixed.set_rows(rows);
                }
            }
            Self::Dense(dense) => {
                dense.z.set_rows(rows);
                dense.grad_codes.set_rows(rows);
            }
        }
    }
}

impl BuiltAtoms {
    fn new(sae: &Sae, device: &Device) -> Result<Self> {
        let settings = sae.settings();
        let (k, d, n) = (settings.nb_concepts, settings.input_shape, settings.nb_points);
        Ok(Self {
            atoms: Tensor::zeros(device, k, d)?,
            grad_mixing: Tensor::zeros(device, k, n)?,
            grad_relax: Tensor::zeros(device, k, d)?,
        })
    }
}
