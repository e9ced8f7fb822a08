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
    /// `fired` as it was a step ago, [K, 1].
    pub seen: Tensor<u32>,
    /// Rows for which each concept has not fired, [K, 1].
    pub idle: Tensor<u32>,
    /// Figures of the last steps, [LOG_ROWS, log::WIDTH].
    pub log: Tensor,
    /// Row of the log that the next step writes to.
    pub log_row: usize,
}

impl Counters {
    pub fn new(device: &Device, concepts: usize) -> Result<Self> {
        Ok(Self {
            fired: Tensor::zeros(device, concepts, 1)?,
            seen: Tensor::zeros(device, concepts, 1)?,
            idle: Tensor::zeros(device, concepts, 1)?,
            log: Tensor::zeros(device, LOG_ROWS, log::WIDTH)?,
            log_row: 0,
        })
    }

    /// Counts on from what a checkpoint holds.
    pub fn restore(&mut self, fired: &[u32], idle: &[u32]) {
        self.fired.write(fired);
        self.seen.write(fired);
        self.idle.write(idle);
    }

    /// A new epoch: nothing has fired in it.
    pub fn start_epoch(&mut self) {
        let none = vec![0; self.fired.len()];
        self.fired.write(&none);
        self.seen.write(&none);
    }

    /// A place in the current row of the log.
    pub fn cell(&mut self, column: usize) -> log::Cell<'_> {
        log::Cell { log: &mut self.log, row: self.log_row, column }
    }

    /// Brings `idle` up to date after the codes of `rows` rows were counted.
    pub fn count_idle(&mut self, device: &Device, rows: usize) {
        device.count_idle(&self.fired, rows, &mut self.seen, &mut self.idle);
    }
}
