//! Adam's state: two moments for each parameter and the number of steps taken.

use super::{Clip, rates::Rates, resting::Resting};
use crate::{
    device::{AdamStep, ByAtom, Device, Grad, Projection, Tensor},
    error::Result,
    sae::{Group, Parameter},
};

/// Adam as PyTorch's, bias-corrected; with weight decay as AdamW has it.
#[derive(Debug)]
pub struct Adam {
    /// First and second moment of each parameter, in the order of the model's parameters.
    pub(crate) moments: Vec<(Tensor, Tensor)>,
    /// Steps taken.
    pub(crate) steps: u64,
    /// Of the parameters whose rows rest while their atom does not fire.
    resting: Vec<Option<Resting>>,
}

/// What [`Adam::step`] changes on the host while all rows are settled.
#[derive(Debug)]
pub(crate) struct Notes {
    steps: u64,
    last: Vec<Option<(AdamStep, Projection)>>,
}

impl Adam {
    /// Moments of zero for these parameters.
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold them.
    pub fn new(device: &Device, parameters: &[&Parameter]) -> Result<Self> {
        let zeros = |parameter: &&Parameter| {
            let [rows, cols] = parameter.value.shape();
            Ok((Tensor::zeros(device, rows, cols)?, Tensor::zeros(device, rows, cols)?))
        };
        let moments = parameters.iter().map(zeros).collect::<Result<_>>()?;
        let resting = parameters.iter().map(|_| None).collect();
        Ok(Self { moments, steps: 0, resting })
    }

    /// Lets rows of the dictionary rest whose gradient has no entries; with `every_row` none. All rows must be
    /// [settled](Adam::settle).
    ///
    /// # Errors
    /// [`crate::Error::TooLarge`] if the device cannot hold what that takes.
    pub(crate) fn let_rest(
        &mut self,
        device: &Device,
        parameters: &[&Parameter],
        grads: &[Grad<'_>],
        every_row: bool,
    ) -> Result<()> {
        for ((parameter, grad), resting) in parameters.iter().zip(grads).zip(&mut self.resting) {
            let atoms =
                matches!(parameter.group, Group::Mixing | Group::Relaxation | Group::Dictionary);
            let rests =
                !every_row && atoms && device.can_rest(grad) && !parameter.projection.is_global();
            *resting = match rests {
                true => Some(Resting::new(device, parameter.value.rows())?),
                false => None,
            };
        }
        Ok(())
    }

    /// Brings the rows of the atoms that fire up to date, before they are used.
    pub(crate) fn wake(
        &mut self,
        device: &Device,
        parameters: Vec<&mut Parameter>,
        firing: &ByAtom,
    ) {
        let moments = self.moments.iter_mut().zip(&mut self.resting);
        for (parameter, ((first, second), resting)) in parameters.into_iter().zip(moments) {
            if let Some(resting) = resting {
                resting.wake(device, &mut parameter.value, (first, second), firing);
            }
        }
    }

    /// Brings all rows up to date, so that parameters and moments are what they say.
    pub(crate) fn settle(&mut self, device: &Device, parameters: Vec<&mut Parameter>) {
        let moments = self.moments.iter_mut().zip(&mut self.resting);
        for (parameter, ((first, second), resting)) in parameters.into_iter().zip(moments) {
            if let Some(resting) = resting {
                resting.settle(device, &mut parameter.value, (first, second));
            }
        }
    }

    /// Whether no row has missed a step.
    pub(crate) fn is_settled(&self) -> bool {
        self.resting.iter().flatten().all(Resting::is_settled)
    }

    /// What to give to [`Adam::go_back`] after steps that were none. All rows must be settled, then and now.
    pub(crate) fn notes(&self) -> Notes {
        let last = self.resting.iter().map(|resting| resting.as_ref().and_then(Resting::last));
        Notes { steps: self.steps, last: last.collect() }
    }

    /// Forgets the steps since these notes, which have changed nothing on the device.
    pub(crate) fn go_back(&mut self, notes: Notes) {
        self.steps = notes.steps;
        for (resting, last) in self.resting.iter_mut().zip(notes.last) {
            if let Some(resting) = resting {
                resting.set_last(last);
            }
        }
    }

    /// One step of every parameter along its clipped gradient, each then projected into its set.
    pub(crate) fn step(
        &mut self,
        device: &Device,
        parameters: Vec<&mut Parameter>,
        grads: &[Grad<'_>],
        clip: &Clip,
        rates: &Rates,
    ) {
        self.steps += 1;
        let moments = self.moments.iter_mut().zip(&mut self.resting);
        for ((parameter, grad), ((first, second), resting)) in
            parameters.into_iter().zip(grads).zip(moments)
        {
            let Parameter { value, projection, group, .. } = parameter;
            let (scale, step) = (clip.scale(*group), rates.coefficients(self.steps, *group));
            let projection = match rates.factors.of(*group) {
                // What is held still is in its set already, and would move by roundings.
                0.0 => Projection::None,
                _ => *projection,
            };
            if let Some(resting) = resting {
                device.adam_active(value, first, second, *grad, scale, step, projection);
                resting.took(step, projection);
                if resting.is_full() {
                    resting.settle(device, value, (first, second));
                }
                continue;
            }
            // What needs all rows at once comes after the update of the last one.
            let at_once = if projection.is_global() { Projection::None } else { projection };
            device.adam(value, first, second, *grad, scale, step, at_once);
            if projection.is_global() {
                device.project(value, projection);
            }
        }
    }
}
