//! Penalties on single values, and on the codes of each row.

use crate::{
    device::{Device, Entries, RowPenalty, Tensor},
    error::Result,
    expression::Expression,
    sae::SaeSettings,
    train::{Forward, Needs, Term},
};

/// What a pointwise penalty looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Codes Z [B, K]. Where sparse codes serve, values that are zero are left out: f(0) must be 0 then, and f′(0)
    /// never counts.
    Codes,
    /// Pre-codes [B, K].
    PreCodes,
    /// x − x̂ [B, d].
    Residual,
    /// The dictionary D [K, d].
    Dictionary,
}

impl Over {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Codes, Self::PreCodes, Self::Residual, Self::Dictionary];

    /// Its name in the text of a loss.
    pub fn name(self) -> &'static str {
        match self {
            Self::Codes => "codes",
            Self::PreCodes => "pre_codes",
            Self::Residual => "residual",
            Self::Dictionary => "dictionary",
        }
    }
}

/// weight · mean over every element of f(v), or weight · Σ f(v).
#[derive(Debug)]
pub struct Pointwise {
    name: String,
    over: Over,
    f: Expression,
    weight: f32,
    summed: bool,
    room: Option<Room>,
}

/// What the residual takes: a copy of x̂, x̂ − x, and a number that nobody looks at.
#[derive(Debug)]
struct Room {
    copy: Tensor,
    difference: Tensor,
    unused: Tensor,
}

impl Pointwise {
    /// weight · mean f(v).
    pub fn mean(over: Over, f: Expression, weight: f32) -> Self {
        let name = format!("{}({f})", over.name());
        Self { name, over, f, weight, summed: false, room: None }
    }

    /// weight · Σ f(v).
    pub fn sum(over: Over, f: Expression, weight: f32) -> Self {
        Self { summed: true, ..Self::mean(over, f, weight) }
    }

    /// The same under another name in the log.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    fn factor(&self, elements: usize) -> f32 {
        if self.summed { self.weight } else { (f64::from(self.weight) / elements as f64) as f32 }
    }

    fn residual(&mut self, forward: Forward<'_>) {
        let (f, factor) = (self.f.mirrored(), self.factor(forward.x.len()));
        let Forward { device, x, x_hat, grad_x_hat, cell, .. } = forward;
        let (Some(x_hat), Some(grad)) = (x_hat, grad_x_hat) else { return missing(self.over) };
        let Some(Room { copy, difference, unused }) = &mut self.room else {
            return missing(self.over);
        };
        copy.set_rows(x.rows());
        difference.set_rows(x.rows());
        device.copy(x_hat, copy);
        // At this weight the gradient of the squared error is x̂ − x itself.
        let weight = x.len() as f32 / 2.0;
        device.mse(x, copy, None, weight, difference, unused, cell.log, cell.row);
        let at = Entries { values: difference, counts: None };
        device.pointwise(&f, factor, at, grad, cell);
    }
}

impl Term for Pointwise {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn needs(&self) -> Needs {
        Needs {
            residual: self.over == Over::Residual,
            pre_codes: self.over == Over::PreCodes,
            // Places without an entry count as soon as f(0) or f′(0) is not 0.
            dense_codes: self.over == Over::Codes && self.f.at(0.0) != (0.0, 0.0),
            dictionary: self.over == Over::Dictionary,
            ..Needs::default()
        }
    }

    fn room(&self, settings: &SaeSettings, batch: usize) -> u64 {
        let rows = (batch as u64).saturating_mul(settings.input_shape as u64);
        if self.over == Over::Residual { 2 * rows } else { 0 }
    }

    fn prepare(&mut self, device: &Device, settings: &SaeSettings, batch: usize) -> Result<()> {
        if self.over == Over::Residual {
            let rows = || Tensor::zeros(device, batch, settings.input_shape);
            let (copy, difference) = (rows()?, rows()?);
            self.room = Some(Room { copy, difference, unused: Tensor::zeros(device, 1, 1)? });
        }
        Ok(())
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let (values, grad, elements) = match self.over {
            Over::Residual => return self.residual(forward),
            Over::Codes => {
                let elements = forward.x.rows() * forward.settings.nb_concepts;
                (Some(forward.codes), Some(forward.grad_codes), elements)
            }
            Over::PreCodes => {
                let at = Entries { values: forward.pre_codes, counts: None };
                (Some(at), forward.grad_pre_codes, forward.pre_codes.len())
            }
            Over::Dictionary => {
                let at = forward.dictionary.map(|values| Entries { values, counts: None });
                (at, forward.grad_dictionary, forward.dictionary.map_or(0, Tensor::len))
            }
        };
        let (Some(at), Some(grad)) = (values, grad) else { return missing(self.over) };
        let factor = self.factor(elements);
        forward.device.pointwise(&self.f, factor, at, grad, forward.cell);
    }
}

fn missing(over: Over) {
    unreachable!("{over:?} was asked for and is not there")
}

/// weight · mean over the rows of a [`RowPenalty`] of the codes.
#[derive(Debug)]
pub struct RowTerm {
    penalty: RowPenalty,
    weight: f32,
}

impl RowTerm {
    /// The penalty, times `weight`.
    pub fn new(penalty: RowPenalty, weight: f32) -> Self {
        Self { penalty, weight }
    }
}

impl Term for RowTerm {
    fn name(&self) -> String {
        match self.penalty {
            RowPenalty::Hoyer => "hoyer".into(),
            RowPenalty::Kappa4 => "kappa_4".into(),
        }
    }

    fn differentiate(&mut self, forward: Forward<'_>) {
        let Forward { device, settings, x, codes, grad_codes, cell, .. } = forward;
        let factor = (f64::from(self.weight) / x.rows() as f64) as f32;
        device.row_penalty(self.penalty, factor, settings.nb_concepts, codes, grad_codes, cell);
    }
}
