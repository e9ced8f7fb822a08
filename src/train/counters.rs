//! Figures that the device counts as it goes, read some steps later.

use crate::{
    device::{Device, Tensor, log},
    error::Result,
};

/// Steps that the log holds between two reads.
pub(crate) const LOG_ROWS: usize = 16;

/// Counters on the device.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Rows of this epoch in which each concept fired, [K, 1].
    pub fired: Tensor<u32>,
    /// Figures of the last steps, [LOG_ROWS, log::WIDTH].
    pub log: Tensor,
    /// Row of the log that the next step writes to.
    pub log_row: usize,
}

impl Counters {
    pub fn new(device: &Device, concepts: usize) -> Result<Self> {
        let log = Tensor::zeros(device, LOG_ROWS, log::WIDTH)?;
        Ok(Self { fired: Tensor::zeros(device, concepts, 1)?, log, log_row: 0 })
    }
}
