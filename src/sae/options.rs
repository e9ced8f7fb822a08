//! What a user says of a model before its data are known: one struct for the command line and the library.

use super::{
    DictionaryKind, EncoderKind, Kernel, ModelKind, Normalization, SaeSettings, Selection,
    Thresholds, settings::MOMENTUM,
};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which model to make. What is not given takes its default, or the value of the model that one starts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct ModelSettings {
    /// Dictionary and codes. Atoms near the data's points (ra-…), or free ones; the largest codes of each row (topk), of
    /// each batch (batch-topk), or those above learned thresholds (jump) [default: ra-topk]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub model: Option<ModelKind>,
    /// Concepts (atoms of the dictionary), K [default: 4 × the width of the data, at most 16384]
    #[cfg_attr(feature = "cli", arg(long, value_name = "K"))]
    pub concepts: Option<usize>,
    /// Codes that a row keeps, at most K, on average over a batch for …batch-topk; not for …jump [default: K / 10, at
    /// least 1 and at most 32; no upper limit with --preset reference]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub top_k: Option<usize>,
    /// Distance, in units of the normalised data, that an atom may lie outside the hull of the points, 0 or more;
    /// for ra-… [default: by --delta-relative; 1 with --preset reference]
    #[cfg_attr(feature = "cli", arg(long, value_name = "X", allow_negative_numbers = true))]
    pub delta: Option<f32>,
    /// The same distance as a share of the points' mean norm, 0 or more; for ra-… [default: 0.27; none with --preset
    /// reference]
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "X", allow_negative_numbers = true, conflicts_with_all = ["delta", "init"])
    )]
    pub delta_relative: Option<f32>,
    /// Leave out the dictionary's trainable scale [default: the scale is trained for ra-…, left out else]
    #[cfg_attr(feature = "cli", arg(long, conflicts_with = "multiplier"))]
    pub no_multiplier: bool,
    /// Train the scale of a free dictionary too [default: the scale is left out for a free dictionary]
    #[cfg_attr(feature = "cli", arg(long))]
    pub multiplier: bool,
    /// What the atoms of a free dictionary are held to [default: l2]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub normalization: Option<Normalization>,
    /// Weight of the old value in the running threshold, 0 to 1; for …batch-topk [default: 0.9]
    #[cfg_attr(feature = "cli", arg(long, value_name = "X", allow_negative_numbers = true))]
    pub threshold_momentum: Option<f32>,
    /// Width of the kernel around a threshold, in units of the codes, > 0; for …jump [default: 0.5, or 0.001
    /// with --thresholds reference]
    #[cfg_attr(feature = "cli", arg(long, value_name = "X", allow_negative_numbers = true))]
    pub bandwidth: Option<f32>,
    /// Kernel that stands in for the threshold's derivative; for …jump [default: rectangle, or silverman with
    /// --thresholds reference]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub kernel: Option<Kernel>,
    /// How thresholds learn: as in the reference, or trained directly and clipped apart; for …jump [default: direct;
    /// reference with --preset reference]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub thresholds: Option<Thresholds>,
    /// How rows become pre-codes [default: linear]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub encoder: Option<EncoderKind>,
    /// Give a tied or untied encoder a bias [default: none]
    #[cfg_attr(feature = "cli", arg(long))]
    pub encoder_bias: bool,
}

/// The reference's δ.
const DELTA: f32 = 1.0;
/// Concepts a dimension of the data, unless said otherwise …
const CONCEPTS_PER_DIMENSION: usize = 4;
/// … and at most.
const MOST_CONCEPTS: usize = 16_384;
/// The models with thresholds …
const JUMP: &str = "ra-jump or jump";
/// … and those with an archetypal dictionary, for messages.
const ARCHETYPAL: &str = "ra-topk, ra-jump or ra-batch-topk";

impl ModelSettings {
    /// Concepts for data of this width.
    pub fn nb_concepts(&self, input_shape: usize) -> usize {
        let usual = match self.encoder {
            Some(EncoderKind::Identity) => input_shape,
            _ => input_shape.saturating_mul(CONCEPTS_PER_DIMENSION).min(MOST_CONCEPTS),
        };
        self.concepts.unwrap_or(usual)
    }

    /// Whether the dictionary is archetypal, so that points are needed.
    pub fn is_archetypal(&self) -> bool {
        self.model.unwrap_or_default().is_archetypal()
    }

    /// Points for a set of `rows` rows of this width, unless their number is given: half as many as concepts, so that
    /// atoms share points, and no more than there are rows.
    pub fn nb_points(&self, input_shape: usize, rows: usize) -> usize {
        (self.nb_concepts(input_shape) / 2).min(rows).max(1)
    }

    /// The settings of a fresh model for data of width `input_shape`; `nb_points` counts for archetypal ones only.
    ///
    /// # Errors
    /// [`Error::Setting`] where one is out of range, or does not belong to this kind of model.
    pub fn resolve(&self, input_shape: usize, nb_points: usize) -> Result<SaeSettings> {
        let nb_concepts = self.nb_concepts(input_shape);
        let kind = self.model.unwrap_or_default();
        let k = Selection::default_top_k(nb_concepts);
        let selection = match kind {
            ModelKind::RaTopK | ModelKind::TopK => Selection::TopK { k },
            ModelKind::RaBatchTopK | ModelKind::BatchTopK => {
                Selection::BatchTopK { k, momentum: MOMENTUM }
            }
            ModelKind::RaJump | ModelKind::Jump => {
                let thresholds = Thresholds::default();
                let (kernel, bandwidth) = thresholds.window();
                Selection::Jump { kernel, bandwidth, thresholds }
            }
        };
        let dictionary = match kind.is_archetypal() {
            true => DictionaryKind::Archetypal { nb_points, delta: DELTA },
            false => DictionaryKind::Free { normalization: Normalization::default() },
        };
        self.applied_to(SaeSettings {
            input_shape,
            nb_concepts,
            selection,
            dictionary,
            use_multiplier: kind.is_archetypal(),
            encoder: self.encoder.unwrap_or_default(),
            encoder_bias: self.encoder_bias,
        })
    }

    /// The settings of a model that starts from the parameters of another: what is given here replaces what `base`
    /// says, as long as every parameter keeps its shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of concepts or the kind is another one; otherwise as
    /// [`ModelSettings::resolve`].
    pub fn resolve_over(&self, base: &SaeSettings) -> Result<SaeSettings> {
        let wrong_kind = self.model.is_some_and(|kind| kind != base.kind());
        let wrong_encoder = self.encoder.is_some_and(|encoder| encoder != base.encoder)
            || self.encoder_bias && !base.encoder_bias;
        if wrong_kind || wrong_encoder {
            let (setting, has) = if wrong_kind {
                ("model", base.kind().name())
            } else {
                ("encoder", base.encoder.name())
            };
            return Err(Error::setting(
                setting,
                "of another kind",
                format!("{has}, as in the file that it starts from"),
                "Leave the option out, or start from another file.",
            ));
        }
        match self.concepts {
            Some(concepts) if concepts != base.nb_concepts => Err(Error::shape(
                "the dictionary of the file that it starts from",
                &[base.nb_concepts, base.input_shape],
                &[concepts, base.input_shape],
                "Leave out --concepts, or start from a file with as many.",
            )),
            _ => self.applied_to(base.clone()),
        }
    }

    /// The settings given here that `settings` does not have, each as "--name".
    pub fn conflicts(&self, settings: &SaeSettings) -> Vec<&'static str> {
        let (kernel, bandwidth, thresholds) = match settings.selection {
            Selection::Jump { kernel, bandwidth, thresholds } => {
                (Some(kernel), Some(bandwidth), Some(thresholds))
            }
            _ => (None, None, None),
        };
        let (top_k, momentum) = match settings.selection {
            Selection::TopK { k } => (Some(k), None),
            Selection::BatchTopK { k, momentum } => (Some(k), Some(momentum)),
            Selection::Jump { .. } => (None, None),
        };
        let (delta, normalization) = match settings.dictionary {
            DictionaryKind::Archetypal { delta, .. } => (Some(delta), None),
            DictionaryKind::Free { normalization } => (None, Some(normalization)),
        };
        let differs = [
            ("--model", is_other(self.model, Some(settings.kind()))),
            ("--concepts", is_other(self.concepts, Some(settings.nb_concepts))),
            ("--top-k", is_other(self.top_k, top_k)),
            ("--threshold-momentum", is_other(self.threshold_momentum, momentum)),
            ("--delta", is_other(self.delta, delta)),
            ("--delta-relative", self.delta_relative.is_some()),
            ("--normalization", is_other(self.normalization, normalization)),
            ("--no-multiplier", self.no_multiplier && settings.use_multiplier),
            ("--multiplier", self.multiplier && !settings.use_multiplier),
            ("--bandwidth", is_other(self.bandwidth, bandwidth)),
            ("--kernel", is_other(self.kernel, kernel)),
            ("--thresholds", is_other(self.thresholds, thresholds)),
            ("--encoder", is_other(self.encoder, Some(settings.encoder))),
            ("--encoder-bias", self.encoder_bias && !settings.encoder_bias),
        ];
        differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }

    fn applied_to(&self, mut settings: SaeSettings) -> Result<SaeSettings> {
        if !matches!(settings.selection, Selection::Jump { .. }) {
            self.refuse("kernel", self.kernel.is_some(), JUMP)?;
            self.refuse("bandwidth", self.bandwidth.is_some(), JUMP)?;
            self.refuse("thresholds", self.thresholds.is_some(), JUMP)?;
        }
        if !matches!(settings.selection, Selection::BatchTopK { .. }) {
            self.refuse(
                "threshold-momentum",
                self.threshold_momentum.is_some(),
                "ra-batch-topk or batch-topk",
            )?;
        }
        match &mut settings.selection {
            Selection::TopK { k } => *k = self.top_k.unwrap_or(*k),
            Selection::BatchTopK { k, momentum } => {
                *k = self.top_k.unwrap_or(*k);
                *momentum = self.threshold_momentum.unwrap_or(*momentum);
            }
            Selection::Jump { kernel, bandwidth, thresholds } => {
                self.refuse(
                    "top-k",
                    self.top_k.is_some(),
                    "ra-topk, topk, ra-batch-topk or batch-topk",
                )?;
                let asked = self.thresholds.unwrap_or(*thresholds);
                if asked != *thresholds {
                    *thresholds = asked;
                    (*kernel, *bandwidth) = asked.window();
                }
                *kernel = self.kernel.unwrap_or(*kernel);
                *bandwidth = self.bandwidth.unwrap_or(*bandwidth);
            }
        }
        match &mut settings.dictionary {
            DictionaryKind::Archetypal { delta, .. } => {
                self.refuse(
                    "normalization",
                    self.normalization.is_some(),
                    "topk, jump or batch-topk",
                )?;
                *delta = self.delta.unwrap_or(*delta);
                if let Some(share) = self.delta_relative.filter(|x| !(x.is_finite() && *x >= 0.0)) {
                    let hint =
                        "0 keeps every atom in the convex hull of the points; 0.27 is the default.";
                    return Err(Error::setting("delta-relative", share, "a number ≥ 0", hint));
                }
            }
            DictionaryKind::Free { normalization } => {
                self.refuse("delta", self.delta.is_some(), ARCHETYPAL)?;
                self.refuse("delta-relative", self.delta_relative.is_some(), ARCHETYPAL)?;
                *normalization = self.normalization.unwrap_or(*normalization);
            }
        }
        settings.use_multiplier =
            (settings.use_multiplier || self.multiplier) && !self.no_multiplier;
        settings.validate()?;
        Ok(settings)
    }

    fn refuse(&self, setting: &'static str, given: bool, model: &str) -> Result<()> {
        if !given {
            return Ok(());
        }
        let allowed = format!("left out, for it belongs to the models {model}");
        Err(Error::setting(
            setting,
            "given",
            allowed,
            format!("Choose --model {model}, or drop it."),
        ))
    }
}

/// Whether something was asked for that is not there.
fn is_other<T: PartialEq>(asked: Option<T>, there: Option<T>) -> bool {
    asked.is_some() && asked != there
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_references() {
        let settings = ModelSettings::default().resolve(320, 640).unwrap();
        assert_eq!((settings.nb_concepts, settings.nb_points()), (1280, Some(640)));
        assert_eq!(settings.selection, Selection::TopK { k: 128 });
        let dictionary = DictionaryKind::Archetypal { nb_points: 640, delta: 1.0 };
        assert_eq!((settings.dictionary, settings.use_multiplier), (dictionary, true));
        assert_eq!(ModelSettings::default().nb_points(320, 100), 100);
        assert_eq!(ModelSettings::default().nb_concepts(1 << 20), 16_384);
    }

    #[test]
    fn settings_of_the_other_kind_are_refused() {
        let top_k = ModelSettings { kernel: Some(Kernel::Cauchy), ..Default::default() };
        assert!(top_k.resolve(8, 4).unwrap_err().to_string().contains("--model ra-jump or jump"));
        let jump =
            ModelSettings { model: Some(ModelKind::RaJump), top_k: Some(3), ..Default::default() };
        assert!(jump.resolve(8, 4).unwrap_err().to_string().contains("--model ra-topk, topk"));
    }

    #[test]
    fn another_model_gives_what_is_not_said() {
        let base = ModelSettings { delta: Some(3.0), top_k: Some(2), ..Default::default() }
            .resolve(8, 4)
            .unwrap();
        let over = ModelSettings { top_k: Some(5), ..Default::default() };
        let settings = over.resolve_over(&base).unwrap();
        let dictionary = DictionaryKind::Archetypal { nb_points: 4, delta: 3.0 };
        assert_eq!(
            (settings.selection, settings.dictionary),
            (Selection::TopK { k: 5 }, dictionary)
        );
        assert_eq!(over.conflicts(&base), ["--top-k"]);
        assert_eq!(over.conflicts(&settings), [""; 0]);
        let wider = ModelSettings { concepts: Some(33), ..Default::default() };
        assert!(matches!(wider.resolve_over(&base), Err(Error::Shape { .. })));
    }
}
