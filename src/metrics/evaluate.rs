//! One pass over the data that finds every figure.

use super::{
    Evaluation, dictionary::UnitAtoms, mixing::Mixing, ood::Nearest,
    reconstruction::Reconstruction, sparsity::Sparsity,
};
use crate::{
    data::Loader,
    device::Tensor,
    error::{Error, Result},
    sae::{CodeRows, EncodeBuffers, Sae},
};

/// Evaluates `sae` on all rows of `loader` in the order of the files, batch by batch. The loader has to normalise as
/// the model was trained: with [`Sae::normalizer`]. `on_progress` gets the number of rows done.
///
/// Memory is bounded by the model and one batch, whatever the size of the data.
///
/// # Errors
/// [`Error::Shape`] if the rows are not of the model's width, [`Error::NotFinite`] at a NaN or infinity in the data,
/// [`Error::TooLarge`] if the device cannot hold what is needed, [`Error::Device`], and those of reading.
pub async fn evaluate(
    sae: &Sae,
    loader: &Loader,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    evaluate_seeing(sae, loader, None, on_progress).await
}

/// As [`evaluate`], showing the codes of every batch to `see`, for who needs them too and would otherwise encode all
/// rows once more.
pub(crate) async fn evaluate_seeing(
    sae: &Sae,
    loader: &Loader,
    mut see: Option<&mut dyn FnMut(CodeRows) -> Result<()>>,
    on_progress: &mut dyn FnMut(usize),
) -> Result<Evaluation> {
    let mut pass = Pass::new(sae, loader).await?;
    let (mut batches, mut rows) = (loader.in_order()?, 0);
    while let Some(batch) = batches.next() {
        let batch = batch?;
        pass.add(sae, &batch.data).await?;
        if let Some(see) = &mut see {
            see(pass.buffers.codes().rows().await?)?;
        }
        rows += batch.rows.len();
        batches.recycle(batch);
        on_progress(rows);
    }
    pass.finish(sae, rows).await
}

/// What is counted and summed on the way.
#[derive(Debug)]
struct Pass {
    buffers: EncodeBuffers,
    /// D [K, d].
    dictionary: Tensor,
    /// x̂ of a batch, [B, d].
    x_hat: Tensor,
    atoms: UnitAtoms,
    reconstruction: Reconstruction,
    sparsity: Sparsity,
    nearest: Nearest,
}

impl Pass {
    async fn new(sae: &Sae, loader: &Loader) -> Result<Self> {
        let (device, width) = (sae.device(), sae.settings().input_shape);
        let buffers = EncodeBuffers::for_loader(sae, loader)?;
        let batch = buffers.capacity();
        let dictionary = sae.dictionary.fused(device)?;
        let atoms = UnitAtoms::new(device, dictionary.read().await?, width)?;
        Ok(Self {
            x_hat: Tensor::zeros(device, batch, width)?,
            reconstruction: Reconstruction::new(width),
            sparsity: Sparsity::new(device, buffers.codes())?,
            nearest: Nearest::new(device, &atoms, batch)?,
            buffers,
            dictionary,
            atoms,
        })
    }

    /// Takes in the next normalised rows, [B, d].
    async fn add(&mut self, sae: &Sae, rows: &[f32]) -> Result<()> {
        let device = sae.device();
        let codes = self.buffers.encode(sae, rows)?;
        self.sparsity.add(device, codes);
        self.x_hat.set_rows(rows.len() / self.x_hat.cols());
        codes.times(device, &self.dictionary, &mut self.x_hat);
        self.nearest.add(device, &self.atoms, rows);
        self.reconstruction.add(rows, &self.x_hat.read().await?);
        Ok(())
    }

    async fn finish(self, sae: &Sae, rows: usize) -> Result<Evaluation> {
        let Some(reconstruction) = self.reconstruction.finish() else {
            return Err(Error::Empty { what: "the data".into(), hint: String::new() });
        };
        let sparsity = self.sparsity.finish(rows).await?;
        let mixing = Mixing::of(sae).await?;
        Ok(Evaluation {
            rows,
            r2: reconstruction.r2,
            r2_scalar_mean: reconstruction.r2_scalar_mean,
            mse: reconstruction.mse,
            l0: sparsity.l0,
            dead_share: sparsity.dead_share,
            density_quantiles: sparsity.density_quantiles,
            coherence: self.atoms.coherence(sae.device()).await?,
            ood: self.nearest.finish(&self.atoms).await?,
            max_weight_mean: mixing.max_weight_mean,
            weight_entropy_mean: mixing.weight_entropy_mean,
            relaxation_ratio_mean: mixing.relaxation_ratio_mean,
            multiplier: mixing.multiplier,
        })
    }
}
