//! A term of a loss that no expression of one variable can be: it looks at pairs of atoms.

use archetypal::{
    Device, Result, Tensor,
    device::{Entries, Gemm},
    expression::Expression,
    sae::SaeSettings,
    train::{Forward, Needs, Term},
};

/// λ · mean over all pairs of atoms of (Dᵢ·Dⱼ − δᵢⱼ)²: where atoms have length one, what their squared cosines come to.
#[derive(Debug)]
pub struct Crowding {
    weight: f32,
    square: Expression,
    room: Option<Room>,
}

/// Three matrices [K, K].
#[derive(Debug)]
struct Room {
    minus_identity: Tensor,
    /// G = D Dᵀ − I.
    gram: Tensor,
    /// ∂loss/∂G.
    grad: Tensor,
}

impl Crowding {
    /// With λ = `weight`.
    pub fn new(weight: f32) -> Result<Self> {
        Ok(Self { weight, square: "v^2".parse()?, room: None })
    }
}

impl Term for Crowding {
    fn name(&self) -> String {
        "crowding".into()
    }

    /// The dictionary and its gradient are there on request only, for the step is faster without.
    fn needs(&self) -> Needs {
        Needs { dictionary: true, ..Needs::default() }
    }

    fn prepare(&mut self, device: &Device, settings: &SaeSettings, _batch: usize) -> Result<()> {
        let k = settings.nb_concepts;
        let mut diagonal = vec![0.0; k * k];
        diagonal.iter_mut().step_by(k + 1).for_each(|value| *value = -1.0);
        self.room = Some(Room {
            minus_identity: Tensor::from_slice(device, k, k, &diagonal)?,
            gram: Tensor::zeros(device, k, k)?,
            grad: Tensor::zeros(device, k, k)?,
        });
        Ok(())
    }

    /// Operations of the device only: a GPU records them, so nothing can be read here, and the CPU does them at once.
    fn differentiate(&mut self, forward: Forward<'_>) {
        let Forward { device, dictionary, grad_dictionary, cell, .. } = forward;
        let (Some(room), Some(d), Some(grad_d)) = (&mut self.room, dictionary, grad_dictionary)
        else {
            unreachable!("prepared, and given what it needs")
        };
        let Room { minus_identity, gram, grad } = room;
        device.gemm(d, d, gram, Gemm { transpose_b: true, ..Gemm::default() });
        device.add(gram, minus_identity);

        // The value goes to the log, its gradient is added to what stands in `grad`.
        let factor = self.weight / gram.len() as f32;
        device.fill(grad, 0.0);
        device.pointwise(&self.square, factor, Entries { values: gram, counts: None }, grad, cell);

        // With G' = ∂loss/∂G, ∂loss/∂D = (G' + G'ᵀ) D.
        let add = Gemm { accumulate: true, ..Gemm::default() };
        device.gemm(grad, d, grad_d, add);
        device.gemm(grad, d, grad_d, Gemm { transpose_a: true, ..add });
    }
}
