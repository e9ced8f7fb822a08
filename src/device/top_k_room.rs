//! What the fused encoder product and top-k work in.

use super::{
    Device, Tensor,
    cpu::{select, shortlist},
};
use crate::error::Result;

/// Pre-codes that are made and selected from at once on the CPU. A batch of 1 024 rows of them takes 8 MiB, which stays in
/// the cache; with fewer, the product packs its operands too often.
const CPU_COLUMNS: usize = 2048;
/// With more codes than this share of the concepts, the candidates would take as much memory as the pre-codes.
const CPU_SHARE: usize = 16;

/// Memory for [`Backend::linear_top_k`](super::Backend::linear_top_k), which keeps no pre-codes: on a GPU room for all
/// of a batch, on the CPU for a block of concepts and for the candidates among them.
#[derive(Debug)]
pub struct TopKRoom {
    /// Pre-codes, [B, columns].
    pub(crate) pre: Tensor,
    /// `capacity` candidates for each row, where the columns are not all concepts or there is a shortlist.
    pub(crate) keys: Vec<u64>,
    pub(crate) kept: Vec<select::Kept>,
    pub(crate) capacity: usize,
    /// What makes shortlists, where this machine has it and there are enough concepts.
    pub(crate) shortlist: Option<shortlist::Kernel>,
}

impl TopKRoom {
    /// Room for batches of up to `batch` rows and k codes out of `concepts`.
    ///
    /// # Errors
    /// As [`Tensor::zeros`].
    pub fn new(device: &Device, batch: usize, k: usize, concepts: usize) -> Result<Self> {
        let columns = Self::columns(device, k, concepts);
        let shortlist = Self::shortlist(device, k, concepts);
        let capacity = Self::capacity(device, k, concepts);
        let rows = if capacity == 0 { 0 } else { batch };
        Ok(Self {
            pre: Tensor::zeros(device, batch, columns)?,
            keys: vec![0; rows * capacity],
            kept: vec![select::Kept::default(); rows],
            capacity,
            shortlist,
        })
    }

    /// Bytes that [`TopKRoom::new`] asks for.
    pub(crate) fn bytes(device: &Device, batch: usize, k: usize, concepts: usize) -> f64 {
        let columns = Self::columns(device, k, concepts);
        let candidates = match Self::capacity(device, k, concepts) {
            0 => 0,
            capacity => capacity * size_of::<u64>() + size_of::<select::Kept>(),
        };
        batch as f64 * (columns as f64 * size_of::<f32>() as f64 + candidates as f64)
    }

    /// Candidates that a row has room for.
    fn capacity(device: &Device, k: usize, concepts: usize) -> usize {
        match Self::shortlist(device, k, concepts) {
            Some(_) => shortlist::capacity(k),
            None if Self::columns(device, k, concepts) < concepts => select::capacity(k),
            None => 0,
        }
    }

    fn shortlist(device: &Device, k: usize, concepts: usize) -> Option<shortlist::Kernel> {
        let fits = Self::in_blocks(device, k, concepts) && concepts >= shortlist::FEWEST_CONCEPTS;
        match device {
            Device::Cpu(cpu) => cpu.shortlist.filter(|_| fits),
            #[cfg(feature = "gpu")]
            Device::Gpu(_) => None,
        }
    }

    /// Whether pre-codes can be selected from block by block.
    fn in_blocks(device: &Device, k: usize, concepts: usize) -> bool {
        !device.is_gpu() && k <= concepts / CPU_SHARE
    }

    /// How many pre-codes a row are held at once.
    fn columns(device: &Device, k: usize, concepts: usize) -> usize {
        match Self::in_blocks(device, k, concepts) {
            true => concepts.min(CPU_COLUMNS),
            false => concepts,
        }
    }

    /// Whether few products are made in float32: where [`Cpu::shortlists`](super::cpu::Cpu::shortlists) says by what, and there
    /// are enough concepts.
    pub fn makes_shortlists(&self) -> bool {
        self.shortlist.is_some()
    }

    /// Uses only the first `rows` rows.
    pub fn set_rows(&mut self, rows: usize) {
        self.pre.set_rows(rows);
    }
}
