//! Codes that were not chosen, trained to tell what the chosen ones left over.

use crate::{
    device::{Codes, Device, Gemm, Tensor},
    error::{Error, Result},
    sae::{SaeSettings, Selection},
    train::{Forward, Needs, Term},
};

/// λ · mean((r − A D)²), with r = x − x̂ and A the K//2 largest of each row of relu(pre) − Z: overcomplete's
/// `top_k_auxiliary_loss` less its squared error. Nothing is detached.
#[derive(Debug)]
pub struct TopKAuxiliary {
    weight: f32,
    room: Option<Room>,
}

impl TopKAuxiliary {
    /// With λ = `weight`; the reference's default is 0.1.
    pub fn new(weight: f32) -> Self {
        Self { weight, room: None }
    }
}

/// λ · min(dead/k_aux, 1) · mean((r − A D)²), with r detached and A the k_aux largest of each row of relu(pre) − Z among
/// dead concepts: AuxK of Gao et al. 2024, arXiv 2406.04093, A.2. A concept is dead once it has not fired for `after`
/// rows.
#[derive(Debug)]
pub struct AuxK {
    weight: f32,
    k_aux: Option<usize>,
    after: u32,
    room: Option<Room>,
}

impl AuxK {
    /// Weight in Gao et al.
    pub const WEIGHT: f32 = 1.0 / 32.0;
    /// Rows after which a concept counts as dead, unless said otherwise.
    pub const AFTER: u32 = 5000;

    /// With λ = `weight`, `k_aux` codes a row (d/2 unless given, at most K), and concepts dead after `after` rows.
    pub fn new(weight: f32, k_aux: Option<usize>, after: u32) -> Self {
        Self { weight, k_aux, after, room: None }
    }

    /// Codes a row.
    fn width(&self, settings: &SaeSettings) -> usize {
        self.k_aux.unwrap_or(settings.input_shape / 2).clamp(1, settings.nb_concepts)
    }
}

/// What both work in.
#[derive(Debug)]
struct Room {
    /// relu(pre) − Z, later A and ∂loss/∂A as dense matrices, [B, K].
    dense: Tensor,
    /// A.
    codes: Codes,
    /// ∂loss/∂A at its entries.
    grad: Tensor,
    /// A D, then ∂loss/∂(A D), [B, d].
    e_hat: Tensor,
    /// min(dead/k_aux, 1), [1, 1].
    scale: Tensor,
}

impl Room {
    fn new(device: &Device, settings: &SaeSettings, batch: usize, width: usize) -> Result<Self> {
        let SaeSettings { nb_concepts, input_shape, .. } = *settings;
        Ok(Self {
            dense: Tensor::zeros(device, batch, nb_concepts)?,
            codes: Codes::new(device, batch, width, nb_concepts)?,
            grad: Tensor::zeros(device, batch, width)?,
            e_hat: Tensor::zeros(device, batch, input_shape)?,
            scale: Tensor::zeros(device, 1, 1)?,
        })
    }

    /// How many numbers it holds.
    fn numbers(settings: &SaeSettings, batch: usize, width: usize) -> u64 {
        let each = settings.nb_concepts + settings.input_shape + 3 * width;
        (batch as u64).saturating_mul(each as u64)
    }

    fn set_rows(&mut self, rows: usize) {
        self.dense.set_rows(rows);
        self.codes.set_rows(rows);
        self.grad.set_rows(rows);
        self.e_hat.set_rows(rows);
    }
}

/// The term of either, `dead` saying after how many rows a concept is dead where only dead ones count.
fn differentiate(room: &mut Room, weight: f32, dead: Option<u32>, forward: Forward<'_>) {
    let Forward { device, x, pre_codes, idle, cell, .. } = forward;
    let (Some(x_hat), Some(grad_x_hat)) = (forward.x_hat, forward.grad_x_hat) else {
        unreachable!("the residual was asked for")
    };
    let (Some(z), Some(grad_pre)) = (forward.dense_codes, forward.grad_pre_codes) else {
        unreachable!("codes and the gradient of the pre-codes were asked for")
    };
    let (Some(dictionary), Some(grad_dictionary)) = (forward.dictionary, forward.grad_dictionary)
    else {
        unreachable!("the dictionary was asked for")
    };
    room.set_rows(x.rows());
    let Room { dense, codes, grad, e_hat, scale } = room;
    device.remainder(pre_codes, z, dead.map(|after| (idle, after)), dense);
    device.top_k(dense, codes);
    device.spmm(codes, dictionary, e_hat, false);
    if let Some(after) = dead {
        device.dead_share(idle, after, codes.width(), scale);
    }
    let (scale, attached) = match dead {
        Some(_) => (Some(&*scale), None),
        None => (None, Some(grad_x_hat)),
    };
    device.residual_error(x, x_hat, weight, scale, e_hat, attached, cell);
    device.sddmm(codes, dictionary, e_hat, grad, false);
    device.scatter_add(codes, grad, 1.0, grad_pre);
    if dead.is_none() && matches!(forward.settings.selection, Selection::Jump { .. }) {
        // −Z reaches the thresholds; of top-k the chosen codes are not among A, and the others do not move Z.
        device.scatter_add(codes, grad, -1.0, forward.grad_codes);
    }
    device.scatter(codes, dense);
    let spec = Gemm { transpose_a: true, accumulate: true, ..Gemm::default() };
    device.gemm(dense, e_hat, grad_dictionary, spec);
}

const NEEDS: Needs = Needs {
    residual: true,
    pre_codes: true,
    dense_codes: true,
    dictionary: true,
    thresholds: false,
};

impl Term for TopKAuxiliary {
    fn name(&self) -> String {
        "top_k_auxiliary".into()
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn room(&self, settings: &SaeSettings, batch: usize) -> u64 {
        Room::numbers(settings, batch, settings.nb_concepts / 2)
    }

    fn prepare(&mut self, device: &Device, settings: &SaeSettings, batch: usize) -> Result<()> {
        if settings.nb_concepts < 2 {
            let hint = "It takes half of the concepts.";
            return Err(Error::setting("loss", "top_k_auxiliary", "two concepts or more", hint));
        }
        self.room = Some(Room::new(device, settings, batch, settings.nb_concepts / 2)?);
        Ok(())
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let room = self.room.as_mut().expect("the term was prepared");
        differentiate(room, self.weight, None, forward);
    }
}

impl Term for AuxK {
    fn name(&self) -> String {
        "auxk".into()
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn room(&self, settings: &SaeSettings, batch: usize) -> u64 {
        Room::numbers(settings, batch, self.width(settings))
    }

    fn prepare(&mut self, device: &Device, settings: &SaeSettings, batch: usize) -> Result<()> {
        self.room = Some(Room::new(device, settings, batch, self.width(settings))?);
        Ok(())
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let room = self.room.as_mut().expect("the term was prepared");
        differentiate(room, self.weight, Some(self.after), forward);
    }
}
