//! Losses: the squared error, and the terms that are added to it.

use crate::{
    device::{Device, Entries, Tensor, log},
    error::{Error, Result},
    sae::{SaeSettings, Selection},
};

/// What a term looks at beside x and the codes. It decides how a step can be computed: a term that needs nothing here
/// costs the sparse step next to nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// x̂, and its gradient.
    pub residual: bool,
    /// The gradient of the pre-codes.
    pub pre_codes: bool,
    /// The codes as a dense matrix.
    pub dense_codes: bool,
    /// The dictionary, and its gradient.
    pub dictionary: bool,
    /// The gradient of the thresholds.
    pub thresholds: bool,
}

impl Needs {
    /// Whether only the dense step can serve it.
    pub fn dense(self) -> bool {
        self.residual || self.pre_codes || self.dense_codes || self.dictionary
    }

    /// What either needs.
    pub fn or(self, other: Self) -> Self {
        Self {
            residual: self.residual || other.residual,
            pre_codes: self.pre_codes || other.pre_codes,
            dense_codes: self.dense_codes || other.dense_codes,
            dictionary: self.dictionary || other.dictionary,
            thresholds: self.thresholds || other.thresholds,
        }
    }
}

/// A forward pass as a term of the loss sees it. Gradients are added to (+=), none is overwritten.
///
/// B rows, d dimensions, K concepts. What a term did not ask for in its [`Needs`] may be missing.
#[derive(Debug)]
pub struct Forward<'a> {
    /// Where it is computed.
    pub device: &'a Device,
    /// The model's settings.
    pub settings: &'a SaeSettings,
    /// Normalised inputs X [B, d].
    pub x: &'a Tensor,
    /// x̂ [B, d]; with [`Needs::residual`].
    pub x_hat: Option<&'a Tensor>,
    /// ∂loss/∂x̂ [B, d]; with [`Needs::residual`].
    pub grad_x_hat: Option<&'a mut Tensor>,
    /// Pre-codes [B, K].
    pub pre_codes: &'a Tensor,
    /// ∂loss/∂pre-codes [B, K] beside what comes through the codes; with [`Needs::pre_codes`].
    pub grad_pre_codes: Option<&'a mut Tensor>,
    /// The codes: all places [B, K], or the entries [B, width] only.
    pub codes: Entries<'a>,
    /// ∂loss/∂codes, of the shape of the codes.
    pub grad_codes: &'a mut Tensor,
    /// Codes [B, K]; with [`Needs::dense_codes`].
    pub dense_codes: Option<&'a Tensor>,
    /// D [K, d]; with [`Needs::dictionary`].
    pub dictionary: Option<&'a Tensor>,
    /// ∂loss/∂D [K, d]; with [`Needs::dictionary`].
    pub grad_dictionary: Option<&'a mut Tensor>,
    /// t of jump, [K, 1].
    pub log_thresholds: Option<&'a Tensor>,
    /// ∂loss/∂t [K, 1]; with [`Needs::thresholds`].
    pub grad_thresholds: Option<&'a mut Tensor>,
    /// For how many rows each concept has not fired, this batch included, [K, 1].
    pub idle: &'a Tensor<u32>,
    /// Where the term's value goes.
    pub cell: log::Cell<'a>,
}

/// A term of a loss: records its value and its gradient on the device.
///
/// Its gradient is checked by [`check_gradients`](super::check_gradients), which any term should pass.
pub trait Term: std::fmt::Debug + Send + Sync {
    /// Its name in the log.
    fn name(&self) -> String;

    /// What it looks at.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// The mean number of active codes a row that it pulls to, if it does.
    fn target_l0(&self) -> Option<f32> {
        None
    }

    /// How many numbers of 4 bytes [`Term::prepare`] makes room for.
    fn room(&self, settings: &SaeSettings, batch: usize) -> u64 {
        let _ = (settings, batch);
        0
    }

    /// Makes the memory that it works in, for batches of up to `batch` rows. Called once, before the first pass.
    ///
    /// # Errors
    /// [`crate::Error::Setting`] if the model is not one that it can be used with, [`crate::Error::TooLarge`] if the
    /// device cannot hold it.
    fn prepare(&mut self, device: &Device, settings: &SaeSettings, batch: usize) -> Result<()> {
        let _ = (device, settings, batch);
        Ok(())
    }

    /// Writes its value to the pass's cell and adds its gradients.
    fn differentiate(&mut self, forward: Forward<'_>);
}

/// A loss: weight · MSE + the sum of its terms, with MSE = mean over every element of (x − x̂)².
#[derive(Debug)]
pub struct Criterion {
    /// Weight of the squared error; 1 in all of the reference's losses.
    pub mse: f32,
    /// What is added.
    pub terms: Vec<Box<dyn Term>>,
}

impl Default for Criterion {
    /// The squared error alone.
    fn default() -> Self {
        Self { mse: 1.0, terms: Vec::new() }
    }
}

impl Criterion {
    /// The squared error and these terms, at most [`log::MAX_TERMS`].
    pub fn new(mse: f32, terms: Vec<Box<dyn Term>>) -> Self {
        assert!(terms.len() <= log::MAX_TERMS, "more than {} terms", log::MAX_TERMS);
        Self { mse, terms }
    }

    /// What its terms look at.
    pub fn needs(&self) -> Needs {
        self.terms.iter().map(|term| term.needs()).fold(Needs::default(), Needs::or)
    }

    /// The first target that a term has for the mean number of active codes a row.
    pub fn target_l0(&self) -> Option<f32> {
        self.terms.iter().find_map(|term| term.target_l0())
    }

    /// As [`Term::prepare`], of every term.
    pub(crate) fn prepare(
        &mut self,
        device: &Device,
        settings: &SaeSettings,
        batch: usize,
    ) -> Result<()> {
        self.check_model(settings)?;
        self.terms.iter_mut().try_for_each(|term| term.prepare(device, settings, batch))
    }

    /// Checks that a model of these settings has what the terms look at.
    pub(crate) fn check_model(&self, settings: &SaeSettings) -> Result<()> {
        let jump = matches!(settings.selection, Selection::Jump { .. });
        match self.terms.iter().find(|term| term.needs().thresholds && !jump) {
            None => Ok(()),
            Some(term) => Err(Error::setting(
                "loss",
                format!("one with the term {}", term.name()),
                "left to models with thresholds, if it has this term",
                "Choose --model ra-jump or jump, or leave the term out.",
            )),
        }
    }

    /// The loss from a row of the step log, for a batch [rows, width].
    pub fn loss(&self, figures: &[f32], rows: usize, width: usize) -> f32 {
        let mse = f64::from(figures[log::SSE]) / (rows * width) as f64;
        let terms = self.term_values(figures).map(|(_, value)| f64::from(value)).sum::<f64>();
        (f64::from(self.mse) * mse + terms) as f32
    }

    /// The name of each term and its value in a row of the step log.
    pub fn term_values<'a>(
        &'a self,
        figures: &'a [f32],
    ) -> impl Iterator<Item = (String, f32)> + 'a {
        self.terms.iter().zip(&figures[log::TERMS..]).map(|(term, &value)| (term.name(), value))
    }
}
