//! Memory for encoding one batch after the other.

use super::{Activations, Purpose, Room, Sae};
use crate::{
    data::Loader,
    device::{Tensor, TopKRoom},
    error::{Error, Result},
};

/// Inputs and codes of a batch, and what is needed on the way; made once for the largest batch of a pass and used for
/// all of them.
#[derive(Debug)]
pub struct EncodeBuffers {
    x: Tensor,
    way: Way,
    codes: Activations,
}

/// From inputs to codes.
#[derive(Debug)]
enum Way {
    /// Pre-codes first, [B, K].
    PreCodes { room: Room, pre_codes: Tensor },
    /// At once: top-k of a linear map.
    Fused(TopKRoom),
}

impl Way {
    fn new(sae: &Sae, batch: usize) -> Result<Self> {
        let (device, settings) = (sae.device(), sae.settings());
        let concepts = settings.nb_concepts;
        Ok(match sae.fused_top_k() {
            Some(k) => Self::Fused(TopKRoom::new(device, batch, k, concepts)?),
            None => Self::PreCodes {
                room: sae.encoder.room(device, batch, Purpose::Encode)?,
                pre_codes: Tensor::zeros(device, batch, concepts)?,
            },
        })
    }
}

impl EncodeBuffers {
    /// Room for batches of up to `batch` rows of `sae`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the device cannot hold it.
    pub fn new(sae: &Sae, batch: usize) -> Result<Self> {
        let (device, settings) = (sae.device(), sae.settings());
        Ok(Self {
            x: Tensor::zeros(device, batch, settings.input_shape)?,
            way: Way::new(sae, batch)?,
            codes: Activations::room(device, settings, batch)?,
        })
    }

    /// Room for the batches of `loader`.
    ///
    /// # Errors
    /// [`Error::Shape`] if its rows are not of the model's width, and as [`EncodeBuffers::new`].
    pub fn for_loader(sae: &Sae, loader: &Loader) -> Result<Self> {
        let (source, d) = (loader.source(), sae.settings().input_shape);
        if source.width() != d {
            return Err(Error::shape(
                source.locate(0).file,
                &[source.rows(), source.width()],
                &[source.rows(), d],
                "The data must come from the layer that the SAE was trained on.",
            ));
        }
        Self::new(sae, loader.batch_size().min(source.rows()))
    }

    /// The most rows that a batch may have.
    pub fn capacity(&self) -> usize {
        self.x.capacity_rows()
    }

    /// Encodes normalised `rows` [B, d] with the model that the buffers were made for. A GPU records it.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the model is in train mode and the device cannot hold what is built for the occasion.
    ///
    /// # Panics
    /// If `rows` are not whole rows, or more than there is room for.
    pub fn encode(&mut self, sae: &Sae, rows: &[f32]) -> Result<&Activations> {
        let Self { x, way, codes } = self;
        let count = rows.len() / x.cols();
        x.set_rows(count);
        codes.set_rows(count);
        x.write(rows);
        match (way, &mut *codes) {
            (Way::Fused(room), Activations::Sparse(codes)) => {
                room.set_rows(count);
                sae.top_k_into(x, room, codes);
            }
            (Way::PreCodes { room, pre_codes }, codes) => {
                pre_codes.set_rows(count);
                sae.encode_into(x, room, pre_codes)?;
                sae.select_into(pre_codes, codes)?;
            }
            (Way::Fused(_), Activations::Dense(_)) => unreachable!("top-k has sparse codes"),
        }
        Ok(codes)
    }

    /// Codes of the last batch.
    pub fn codes(&self) -> &Activations {
        &self.codes
    }
}
