//! The memory of a training step: everything but the parameters and their moments, made once.

use super::{Criterion, Needs, Path, halves::HalfOperands};
use crate::{
    device::{ByAtom, Codes, Device, Tensor, TopKRoom},
    error::Result,
    sae::{Purpose, Room, Sae, Selection, Thresholds, dictionary::DictionaryGradient},
};

/// Buffers that every path uses.
#[derive(Debug)]
pub(crate) struct Workspace {
    /// Normalised batch, [B, d].
    pub x: Tensor,
    /// What the encoder's product reads, where that is float16.
    pub halves: Option<HalfOperands>,
    /// A column of ones, [B, 1].
    pub ones: Tensor,
    /// Pre-codes, or what codes are selected in without them.
    pub pre: PreCodes,
    /// Reconstruction, [B, d].
    pub x_hat: Tensor,
    /// ∂loss/∂(atoms' product): eᵐ · ∂loss/∂x̂ on the sparse paths, ∂loss/∂x̂ on the dense one; [B, d].
    pub h: Tensor,
    /// ∂loss/∂m, [1, 1].
    pub grad_multiplier: Tensor,
    /// Of thresholds; only for jump.
    pub thresholds: Option<ThresholdRoom>,
    /// The threshold of this batch for batch top-k, or which jump's follow, [1, 1].
    pub threshold: Tensor,
    /// What the encoder works in.
    pub room: Room,
    /// Buffers of the path.
    pub route: Route,
}

/// Pre-codes on their way to codes.
#[derive(Debug)]
pub(crate) enum PreCodes {
    /// [B, K].
    Kept(Tensor),
    /// Selected from as they are made: top-k of a linear map, at which nothing else looks.
    Passing(TopKRoom),
}

impl PreCodes {
    /// For `path`. Any term of the loss may look at them.
    fn new(sae: &Sae, batch: usize, path: Path, criterion: &Criterion) -> Result<Self> {
        let (device, concepts) = (sae.device(), sae.settings().nb_concepts);
        Ok(match sae.fused_top_k() {
            Some(k) if Self::pass(path, criterion) => {
                Self::Passing(TopKRoom::new(device, batch, k, concepts)?)
            }
            _ => Self::Kept(Tensor::zeros(device, batch, concepts)?),
        })
    }

    /// Whether nothing on `path` looks at pre-codes but a selection that can do without.
    pub fn pass(path: Path, criterion: &Criterion) -> bool {
        path != Path::Dense && criterion.terms.is_empty()
    }

    /// What another path needs in their place, if it is of the other kind.
    fn rerouted(
        &self,
        sae: &Sae,
        batch: usize,
        path: Path,
        criterion: &Criterion,
    ) -> Result<Option<Self>> {
        let passing = sae.fused_top_k().is_some() && Self::pass(path, criterion);
        match self {
            Self::Kept(_) if !passing => Ok(None),
            Self::Passing(_) if passing => Ok(None),
            _ => Self::new(sae, batch, path, criterion).map(Some),
        }
    }

    fn set_rows(&mut self, rows: usize) {
        match self {
            Self::Kept(pre) => pre.set_rows(rows),
            Self::Passing(room) => room.set_rows(rows),
        }
    }

    /// The pre-codes of a step at which something looks.
    pub fn kept(&mut self) -> &mut Tensor {
        match self {
            Self::Kept(pre) => pre,
            Self::Passing(_) => unreachable!("what looks at pre-codes keeps them"),
        }
    }
}

/// t and its gradient.
#[derive(Debug)]
pub(crate) struct ThresholdRoom {
    /// t = ln θ, [K, 1].
    pub logarithms: Tensor,
    /// ∂loss/∂t, or ∂loss/∂θ in the end, [K, 1].
    pub grad: Tensor,
    /// The part of ∂loss/∂t that terms of the loss add, [K, 1].
    pub of_terms: Option<Tensor>,
    /// A column of ones, [K, 1], for thresholds that can follow: those that are trained directly.
    pub ones: Option<Tensor>,
    /// The L0 for which all thresholds follow the batch, where they do.
    pub follow: Option<f32>,
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
    /// Over the built atoms of an archetypal dictionary: W C + R [K, d], and the stored gradients.
    Atoms { atoms: Tensor, grad: DictionaryGradient },
    /// Over the atoms of a free dictionary, which need not be built.
    Free,
}

/// Dense codes.
#[derive(Debug)]
pub(crate) struct DenseRoute {
    /// Codes, [B, K].
    pub z: Tensor,
    /// The same as they are selected, for top-k.
    pub codes: Option<Codes>,
    /// ∂loss/∂z, then ∂loss/∂pre, [B, K].
    pub grad_codes: Tensor,
    /// The part of ∂loss/∂pre that terms of the loss add, [B, K].
    pub grad_pre: Option<Tensor>,
    /// D = eᵐ · atoms, [K, d].
    pub dictionary: Tensor,
    /// ∂loss/∂D, and what it becomes.
    pub grad: DictionaryGradient,
}

impl Workspace {
    /// Room for batches of up to `batch` rows; with `half` the encoder, a linear map, reads float16.
    pub fn new(
        sae: &Sae,
        batch: usize,
        path: Path,
        criterion: &Criterion,
        half: bool,
    ) -> Result<Self> {
        let needs = criterion.needs();
        let device = sae.device();
        let settings = sae.settings();
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let column = || Tensor::zeros(device, k, 1);
        let ones = || Tensor::from_slice(device, k, 1, &vec![1.0; k]);
        let direct =
            matches!(settings.selection, Selection::Jump { thresholds: Thresholds::Direct, .. });
        let thresholds = match &sae.thresholds {
            None => None,
            Some(_) => Some(ThresholdRoom {
                logarithms: column()?,
                grad: column()?,
                of_terms: needs.thresholds.then(column).transpose()?,
                ones: direct.then(ones).transpose()?,
                follow: None,
            }),
        };
        let halves = match sae.encoder.linear_map().filter(|_| half) {
            Some(map) => Some(HalfOperands::new(device, map.weight, batch)?),
            None => None,
        };
        Ok(Self {
            x: Tensor::zeros(device, batch, d)?,
            halves,
            ones: Tensor::from_slice(device, batch, 1, &vec![1.0; batch])?,
            pre: PreCodes::new(sae, batch, path, criterion)?,
            x_hat: Tensor::zeros(device, batch, d)?,
            h: Tensor::zeros(device, batch, d)?,
            grad_multiplier: Tensor::zeros(device, 1, 1)?,
            thresholds,
            threshold: Tensor::zeros(device, 1, 1)?,
            room: sae.encoder.room(device, batch, path.purpose())?,
            route: Route::new(sae, batch, path, needs)?,
        })
    }

    /// Goes over to another path.
    pub fn reroute(
        &mut self,
        sae: &Sae,
        batch: usize,
        path: Path,
        criterion: &Criterion,
    ) -> Result<()> {
        let pre = self.pre.rerouted(sae, batch, path, criterion)?;
        let room = sae.encoder.room(sae.device(), batch, path.purpose())?;
        self.route = Route::new(sae, batch, path, criterion.needs())?;
        self.room = room;
        if let Some(pre) = pre {
            self.pre = pre;
        }
        Ok(())
    }

    /// Takes the next batch, row by row, of at most as many rows as there is room for. Thresholds that are trained
    /// directly follow it, given an L0 to do so for.
    pub fn load(&mut self, batch: &[f32], follow: Option<f32>) {
        let rows = batch.len() / self.x.cols();
        if let Some(room) = &mut self.thresholds {
            room.follow = follow.filter(|_| room.ones.is_some());
        }
        for tensor in [&mut self.x, &mut self.ones, &mut self.x_hat, &mut self.h] {
            tensor.set_rows(rows);
        }
        if let Some(halves) = &mut self.halves {
            halves.set_rows(rows);
        }
        self.pre.set_rows(rows);
        self.room.set_rows(rows);
        self.route.set_rows(rows);
        self.x.write(batch);
    }
}

impl Path {
    fn purpose(self) -> Purpose {
        match self {
            Self::Dense => Purpose::TrainDense,
            Self::Factored | Self::Atoms => Purpose::TrainSparse,
        }
    }
}

impl Route {
    /// Buffers for `path`.
    fn new(sae: &Sae, batch: usize, path: Path, needs: Needs) -> Result<Self> {
        let device = sae.device();
        let settings = sae.settings();
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        Ok(match (path, settings.nb_points()) {
            (Path::Dense, _) => Self::Dense(Box::new(DenseRoute::new(sae, device, batch, needs)?)),
            (Path::Factored, Some(n)) => {
                let mixed = Tensor::zeros(device, batch, n)?;
                Self::sparse(sae, batch, SparseProduct::Factored { mixed })?
            }
            (Path::Atoms, Some(_)) => {
                let atoms = Tensor::zeros(device, k, d)?;
                let grad = DictionaryGradient::new(device, settings)?;
                Self::sparse(sae, batch, SparseProduct::Atoms { atoms, grad })?
            }
            (Path::Factored | Path::Atoms, None) => Self::sparse(sae, batch, SparseProduct::Free)?,
        })
    }

    fn sparse(sae: &Sae, batch: usize, product: SparseProduct) -> Result<Self> {
        let device = sae.device();
        let k = sae.settings().nb_concepts;
        // A row of jump's may hold any number of codes.
        let width = match sae.settings().selection {
            Selection::TopK { k } => k,
            Selection::Jump { .. } | Selection::BatchTopK { .. } => k,
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
                if let Some(codes) = &mut dense.codes {
                    codes.set_rows(rows);
                }
                if let Some(grad_pre) = &mut dense.grad_pre {
                    grad_pre.set_rows(rows);
                }
            }
        }
    }
}

impl DenseRoute {
    fn new(sae: &Sae, device: &Device, batch: usize, needs: Needs) -> Result<Self> {
        let settings = sae.settings();
        let (k, d) = (settings.nb_concepts, settings.input_shape);
        let dense = || Tensor::zeros(device, batch, k);
        let codes = match settings.selection {
            Selection::TopK { k: width } => Some(Codes::new(device, batch, width, k)?),
            _ => None,
        };
        Ok(Self {
            z: dense()?,
            codes,
            grad_codes: dense()?,
            grad_pre: needs.pre_codes.then(dense).transpose()?,
            dictionary: Tensor::zeros(device, k, d)?,
            grad: DictionaryGradient::new(device, settings)?,
        })
    }
}
