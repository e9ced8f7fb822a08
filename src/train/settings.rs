//! The settings of a training run: one struct for the command line, the library and the checkpoint.

use super::{ClipGrad, Loss, RateFactors, Revive, Schedule, rates::Rates};
use crate::{
    data::Normalize,
    error::{Error, Result},
    sae::{EncoderKind, SaeSettings, Selection, Start, Thresholds},
};
use serde::{Deserialize, Serialize};

/// Thresholds follow the batches for this part of a run …
const WARMUP_DIVISOR: u64 = 8;
/// … and for no more steps than this.
const LONGEST_WARMUP: u64 = 1000;

/// How to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct TrainSettings {
    /// Passes over the data
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 20, value_name = "N"))]
    pub epochs: u64,
    /// Rows in a step
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1024, value_name = "N"))]
    pub batch_size: usize,
    /// Learning rate of Adam [default: 0.001; 0.0005 with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 5e-4,
            hide_default_value = true,
            value_name = "X",
            allow_negative_numbers = true
        )
    )]
    pub lr: f64,
    /// Factors on the learning rate of groups of parameters, as GROUP=FACTOR[,…]; groups are encoder, mixing (W),
    /// relaxation (R), dictionary (of free ones), multiplier and thresholds [default: encoder=0.9, mixing=0.01 (0.04 with
    /// fewer points than concepts), relaxation=10, multiplier=20 for ra-…; 1 each with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, hide_default_value = true, value_name = "GROUP=X")
    )]
    pub lr_factors: RateFactors,
    /// Adam's β₁, the decay of the mean of gradients, from 0 up to but not 1
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.9, value_name = "X"))]
    pub beta1: f64,
    /// Adam's β₂, the decay of the mean of squared gradients, from 0 up to but not 1 [default: 0.99 for ra-…, 0.999 else
    /// and with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t = 0.999, hide_default_value = true, value_name = "X")
    )]
    pub beta2: f64,
    /// Adam's ε, added to the root of the mean square, > 0
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1e-8, value_name = "X"))]
    pub eps: f64,
    /// Share of each parameter, times the learning rate, that a step takes off it (AdamW), 0 or more
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0.0, value_name = "X"))]
    pub weight_decay: f64,
    /// Learning rate over the steps: constant, `cosine[:WARMUP[:FINAL]]` or `linear[:WARMUP[:FINAL]]` with WARMUP in
    /// steps and FINAL, the last value, as a share of --lr (unless given 0.1 for cosine, 0 for linear) [default:
    /// cosine:50, or a tenth of a run that is shorter than 500 steps; constant with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, hide_default_value = true, value_name = "NAME")
    )]
    pub schedule: Schedule,
    /// Largest norm of all gradients together; larger ones are scaled down. A number > 0, or none
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, value_name = "X", allow_negative_numbers = true)
    )]
    pub clip_grad: ClipGrad,
    /// Raise the encoder's bias of concepts that have not fired for ROWS rows (unless given 5000), as `RATE[:ROWS]`, by RATE
    /// times the encoder's learning rate at every step until they do; or none [default: 1:ROWS with 50 times the rows in which
    /// a concept fires once on average, 50·K/k, for ra-topk and ra-batch-topk; none else and with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, hide_default_value = true, value_name = "RATE[:ROWS]")
    )]
    pub revive: Revive,
    /// Seed of everything that is random: initial encoder, points, order of the rows
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 0, value_name = "N"))]
    pub seed: u64,
    /// Initial values: the reference's random encoder, or one matched to the atoms, and blends of points where there are
    /// more concepts than points [default: matched for ra-…, reference else and with --preset reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, value_enum, default_value_t, hide_default_value = true, value_name = "NAME")
    )]
    pub start: Start,
    /// What is done to each dimension of the data; its statistics are kept with the model
    #[cfg_attr(feature = "cli", arg(long, value_enum, default_value_t, value_name = "HOW"))]
    pub normalize: Normalize,
    /// What is minimised: terms as NAME[=WEIGHT], with commas between
    ///
    /// mse, the squared error; l1, hoyer and kappa_4, penalties on the codes; elastic=α, (1 − α)·mean|z| +
    /// α·mean(D²); auxiliary and reanimation, for codes that do not fire; `auxk=λ[:K_AUX[:ROWS]]`, for concepts that have not
    /// fired for so many rows; l0=λ:TARGET, codes a row, for …jump; codes(f), pre_codes(f), residual(f) and
    /// dictionary(f), the mean of a function of your own, as in codes(log(1 + v^2))=0.1. The reference's mse_l1,
    /// mse_elastic, mse_hoyer, mse_kappa_4 and top_k_auxiliary are mse and the term together
    #[cfg_attr(feature = "cli", arg(long, default_value_t, value_name = "TERMS"))]
    pub loss: Loss,
    /// Mean number of active codes a row that a jump model is trained for, > 0: adds l0=20:N to the loss. With
    /// --thresholds direct it needs nothing else [default: K / 10, at most 32, where --loss is not given; none with
    /// --preset reference]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N", allow_negative_numbers = true))]
    pub target_l0: Option<f32>,
    /// Steps in which all thresholds follow the batches, so that L0 starts at its target, before each is trained; with
    /// --thresholds direct and a target [default: an eighth of all steps, at most 1000; 0 with --init from such a model]
    #[cfg_attr(feature = "cli", arg(long, value_name = "STEPS"))]
    pub threshold_warmup: Option<u64>,
    /// Update every row of the dictionary's parameters at every step: slower, and the same but for rounding [default: a
    /// row is updated when its concept fires, and then takes the steps that it missed]
    #[cfg_attr(feature = "cli", arg(long))]
    #[serde(default)]
    pub every_row: bool,
    /// Let the encoder's product read batch and weights as float16 and sum in float32: half the memory to read on a
    /// GPU, but slower on the CPU, which widens them again. All else stays float32. For --encoder linear and untied
    /// [default: float32]
    #[cfg_attr(feature = "cli", arg(long))]
    #[serde(default)]
    pub half: bool,
    /// What goes into the log: 0 neither steps nor epochs, 1 loss, R², L0, norms and times, 2 also the norms of codes,
    /// dictionary, every parameter and its gradient (reads all of them back at each step)
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t = 1, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(0..=2))
    )]
    pub monitoring: u8,
    /// Rows without firing after which a concept counts as dead in `dead_in_window` of the log
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 5000, value_name = "ROWS"))]
    pub dead_window: u32,
    /// Take the rows in the order of the files [default: a new order in every epoch]
    #[cfg_attr(feature = "cli", arg(long))]
    pub no_shuffle: bool,
    /// Data shuffled at once, in MiB of the files; larger sets are shuffled in windows of this size, so that memory
    /// stays bounded
    #[cfg_attr(feature = "cli", arg(long, default_value_t = 1024, value_name = "MIB"))]
    pub shuffle_buffer: u64,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self {
            epochs: 20,
            batch_size: 1024,
            lr: 5e-4,
            lr_factors: RateFactors::default(),
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            schedule: Schedule::default(),
            clip_grad: ClipGrad::default(),
            revive: Revive::default(),
            seed: 0,
            start: Start::default(),
            normalize: Normalize::default(),
            loss: Loss::default(),
            target_l0: None,
            threshold_warmup: None,
            every_row: false,
            half: false,
            monitoring: 1,
            dead_window: 5000,
            no_shuffle: false,
            shuffle_buffer: 1024,
        }
    }
}

impl TrainSettings {
    /// Checks every setting against its range.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first that is out of range.
    pub fn validate(&self) -> Result<()> {
        let at_least_one = [
            ("epochs", self.epochs),
            ("batch-size", self.batch_size as u64),
            ("shuffle-buffer", self.shuffle_buffer),
            ("dead-window", self.dead_window.into()),
        ];
        for (setting, value) in at_least_one {
            if value == 0 {
                return Err(Error::setting(setting, 0, "at least 1", ""));
            }
        }
        if !(self.lr.is_finite() && self.lr > 0.0) {
            return Err(Error::setting(
                "lr",
                self.lr,
                "a number > 0",
                "0.0005 is the reference's.",
            ));
        }
        for (setting, beta) in [("beta1", self.beta1), ("beta2", self.beta2)] {
            if !(0.0..1.0).contains(&beta) {
                let hint = "0.9 and 0.999 are the reference's.";
                return Err(Error::setting(setting, beta, "a number from 0 up to but not 1", hint));
            }
        }
        // A subnormal one is 0 to processors that flush these: 0 / 0 for what has no gradient.
        if !(self.eps.is_finite() && self.eps as f32 >= f32::MIN_POSITIVE) {
            let allowed = "a number ≥ 1.2e-38, the smallest float32";
            return Err(Error::setting("eps", self.eps, allowed, "1e-8 is the default."));
        }
        if !(self.weight_decay.is_finite() && self.weight_decay >= 0.0) {
            let hint = "0 is the default.";
            return Err(Error::setting("weight-decay", self.weight_decay, "a number ≥ 0", hint));
        }
        if self.monitoring > 2 {
            return Err(Error::setting("monitoring", self.monitoring, "0, 1 or 2", ""));
        }
        self.whole_loss().map(|_| ())
    }

    /// Checks that a model of these settings can be trained so.
    ///
    /// # Errors
    /// [`Error::Setting`] if its loss or its warm-up looks at what the model has not, or its encoder is none that reads
    /// float16.
    pub fn check_model(&self, model: &SaeSettings) -> Result<()> {
        // An encoder of one's own is asked by the trainer.
        let reads_halves = matches!(
            model.encoder,
            EncoderKind::Linear | EncoderKind::Untied | EncoderKind::Custom
        );
        if self.half && !reads_halves {
            return Err(Self::no_half(model));
        }
        let directly =
            matches!(model.selection, Selection::Jump { thresholds: Thresholds::Direct, .. });
        if let Some(steps) = self.threshold_warmup.filter(|&steps| steps > 0 && !directly) {
            let allowed = "left out for models without thresholds that are trained directly";
            let hint = "Drop it, or train a jump model with --thresholds direct.";
            return Err(Error::setting("threshold-warmup", steps, allowed, hint));
        }
        self.revive.check_model(model)?;
        self.whole_loss()?.check_model(model)
    }

    /// The error for a model whose encoder does not read float16.
    pub(crate) fn no_half(model: &SaeSettings) -> Error {
        let given = format!("given for the encoder {}", model.encoder.name());
        let allowed = "left out for encoders that are not linear or untied";
        Error::setting("half", given, allowed, "Drop it, or train with --encoder linear.")
    }

    /// All that is minimised: the loss, and the target for L0 if one is given.
    ///
    /// # Errors
    /// [`Error::Setting`] if the two do not go together.
    pub fn whole_loss(&self) -> Result<Loss> {
        match self.target_l0 {
            Some(target) => self.loss.clone().with_target_l0(target),
            None => Ok(self.loss.clone()),
        }
    }

    /// The numbers of Adam for a step at the learning rate `lr`.
    pub(crate) fn rates(&self, lr: f64) -> Rates {
        let Self { beta1, beta2, eps, weight_decay, lr_factors, .. } = self.clone();
        Rates { lr, beta1, beta2, eps, weight_decay, factors: lr_factors }
    }

    /// Steps in which thresholds follow the batches, over `rows` rows.
    pub fn threshold_warmup_steps(&self, rows: usize) -> u64 {
        let usual = (self.total_steps(rows) / WARMUP_DIVISOR).min(LONGEST_WARMUP);
        self.threshold_warmup.unwrap_or(usual)
    }

    /// Steps of the whole run over `rows` rows.
    pub fn total_steps(&self, rows: usize) -> u64 {
        self.epochs.saturating_mul(self.steps_per_epoch(rows))
    }

    /// The fields in which `other` differs, by name.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let fields = |settings: &Self| match serde_json::to_value(settings) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => unreachable!("settings are a struct of plain data"),
        };
        let other = fields(other);
        let differs =
            fields(self).into_iter().filter(|(name, value)| other.get(name) != Some(value));
        differs.map(|(name, _)| name).collect()
    }

    /// The most rows that a step over `rows` rows of data takes.
    pub fn largest_batch(&self, rows: usize) -> usize {
        self.batch_size.min(rows)
    }

    /// Steps in one epoch over `rows` rows; the last one may be shorter.
    pub fn steps_per_epoch(&self, rows: usize) -> u64 {
        rows.div_ceil(self.batch_size) as u64
    }
}
