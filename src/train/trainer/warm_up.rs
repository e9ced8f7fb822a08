//! What a GPU needs before the first step: its kernels, which a driver compiles for seconds.

use super::Trainer;
use crate::{error::Result, train::step};

impl Trainer {
    /// Makes the kernels of the coming steps on a GPU, one by one, and says how many are made, and of how many. Without it
    /// each is made when it is first used, so that the first steps of a program take some seconds with most drivers.
    ///
    /// It finds them by going through a step of which nothing is computed: the run goes on to the same bits. What is left
    /// out are the running statistics of norms, and what another path needs, should jump go over to it later. On the CPU
    /// there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the driver refused a kernel.
    pub async fn warm_up(&mut self, on_progress: &mut dyn FnMut(usize, usize)) -> Result<()> {
        self.settle();
        let device = self.sae.device().clone();
        let kernels = device.missing_kernels(|| self.rehearse());
        for (i, kernel) in kernels.iter().enumerate() {
            on_progress(i, kernels.len());
            device.make_kernel(kernel);
            // A browser compiles in a process of its own, and would be told of all at once.
            device.sync().await?;
        }
        if !kernels.is_empty() {
            on_progress(kernels.len(), kernels.len());
        }
        Ok(())
    }

    /// Goes through the coming step, through that of an epoch's last batch, and through what comes after a warm-up of
    /// thresholds, while the GPU lists what it is asked for.
    fn rehearse(&mut self) {
        let notes = self.adam.notes();
        let rates = self.settings.rates(self.learning_rate());
        let width = self.sae.settings().input_shape;
        let batch = self.settings.largest_batch(self.data.rows);
        for rows in [batch, self.data.rows % batch] {
            for followed in [self.followed_l0(), None] {
                if rows == 0 {
                    continue;
                }
                self.workspace.load(&vec![0.0; rows * width], followed);
                step::rehearse(self.parts(&rates));
                self.settle();
            }
        }
        self.adam.go_back(notes);
    }
}
