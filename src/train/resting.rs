//! Rows of a parameter that rest: while its atom does not fire, a row is left out of Adam's updates, and it takes the
//! steps that it missed when the atom fires next. The result is that of updating every row at every step, but for what
//! [`REST`](crate::device::REST) leaves out.

use crate::{
    device::{AdamStep, ByAtom, Device, Projection, Tensor},
    error::Result,
};

/// Steps after which all rows catch up. A row takes its missed steps one after the other, which a GPU has to wait for: so
/// many take it less than a product does.
const WINDOW: usize = 64;

/// Which steps the rows of a parameter have yet to take.
#[derive(Debug)]
pub(crate) struct Resting {
    /// Steps of the window that each row has taken, [K, 1].
    done: Tensor<u32>,
    /// The steps of the window so far but the last, [WINDOW, 3].
    steps: Tensor,
    /// How many there are.
    now: usize,
    /// The last one, whose β and ε are those of all, and the projection after it.
    last: Option<(AdamStep, Projection)>,
}

impl Resting {
    pub fn new(device: &Device, concepts: usize) -> Result<Self> {
        Ok(Self {
            done: Tensor::zeros(device, concepts, 1)?,
            steps: Tensor::zeros(device, WINDOW, 3)?,
            now: 0,
            last: None,
        })
    }

    /// Brings the rows that fire up to date before the step that [`Resting::took`] tells of.
    pub fn wake(
        &mut self,
        device: &Device,
        param: &mut Tensor,
        (first, second): (&mut Tensor, &mut Tensor),
        firing: &ByAtom,
    ) {
        // Before the first step of a window nothing was missed, but who fires in it has still to be noted.
        let (numbers, projection) = self.last.unwrap_or((NO_STEP, Projection::None));
        let (done, steps, now) = (&mut self.done, &mut self.steps, self.now as u32);
        let firing = Some(firing);
        device.catch_up(param, first, second, done, firing, steps, now, numbers, projection);
    }

    /// Takes down the step that the rows that fire have just taken.
    pub fn took(&mut self, step: AdamStep, projection: Projection) {
        self.now += 1;
        self.last = Some((step, projection));
    }

    /// The last step, and back to it.
    pub fn last(&self) -> Option<(AdamStep, Projection)> {
        self.last
    }

    pub fn set_last(&mut self, last: Option<(AdamStep, Projection)>) {
        self.last = last;
    }

    /// Whether the window is full.
    pub fn is_full(&self) -> bool {
        self.now == WINDOW
    }

    /// Whether no row has missed a step.
    pub fn is_settled(&self) -> bool {
        self.now == 0
    }

    /// Brings all rows up to date.
    pub fn settle(
        &mut self,
        device: &Device,
        param: &mut Tensor,
        (first, second): (&mut Tensor, &mut Tensor),
    ) {
        let Some((numbers, projection)) = self.last.filter(|_| self.now > 0) else { return };
        let (done, steps, now) = (&mut self.done, &mut self.steps, self.now as u32);
        device.catch_up(param, first, second, done, None, steps, now, numbers, projection);
        self.done.write(&vec![0; self.done.len()]);
        self.now = 0;
    }
}

/// What stands for β and ε where no step has to be taken.
const NO_STEP: AdamStep = AdamStep {
    one_minus_beta1: 1.0,
    beta2: 0.0,
    one_minus_beta2: 1.0,
    eps: 1.0,
    step_size: 0.0,
    inv_sqrt_bias2: 1.0,
    decay: 1.0,
};
