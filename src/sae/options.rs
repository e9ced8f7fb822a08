//! What a user says of a model before its data are known: one struct for the command line and the library.

use super::{EncoderKind, Kernel, ModelKind, SaeSettings, Selection};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Which model to make. What is not given takes its default, or the value of the model that one starts from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default)]
pub struct ModelSettings {
    /// Which codes a row keeps: the largest (ra-topk), or those above a learned threshold (ra-jump) [default: ra-topk]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub model: Option<ModelKind>,
    /// Concepts (atoms of the dictionary), K [default: 4 × the width of the data, at most 16384]
    #[cfg_attr(feature = "cli", arg(long, value_name = "K"))]
    pub concepts: Option<usize>,
    /// Codes that a row keeps, at most K; for ra-topk [default: K / 10, at least 1]
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub top_k: Option<usize>,
    /// Distance, in units of the normalised data, that an atom may lie outside the hull of the points; 0 or more
    /// [default: 1]
    #[cfg_attr(feature = "cli", arg(long, value_name = "X", allow_negative_numbers = true))]
    pub delta: Option<f32>,
    /// Leave out the dictionary's trainable scale [default: the scale is trained]
    #[cfg_attr(feature = "cli", arg(long))]
    pub no_multiplier: bool,
    /// Width of the kernel around a threshold, in units of the codes, > 0; for ra-jump [default: 0.001]
    #[cfg_attr(feature = "cli", arg(long, value_name = "X", allow_negative_numbers = true))]
    pub bandwidth: Option<f32>,
    /// Kernel that stands in for the threshold's derivative; for ra-jump [default: silverman]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub kernel: Option<Kernel>,
    /// How rows become pre-codes [default: linear]
    #[cfg_attr(feature = "cli", arg(long, value_enum, value_name = "NAME"))]
    pub encoder: Option<EncoderKind>,
}

/// The reference's δ.
const DELTA: f32 = 1.0;
/// The reference's bandwidth.
const BANDWIDTH: f32 = 1e-3;
/// Concepts a dimension of the data, unless said otherwise …
const CONCEPTS_PER_DIMENSION: usize = 4;
/// … and at most.
const MOST_CONCEPTS: usize = 16_384;

impl ModelSettings {
    /// Concepts for data of this width.
    pub fn nb_concepts(&self, input_shape: usize) -> usize {
        let usual = input_shape.saturating_mul(CONCEPTS_PER_DIMENSION).min(MOST_CONCEPTS);
        self.concepts.unwrap_or(usual)
    }

    /// Points for a set of `rows` rows of this width, unless their number is given: half as many as concepts, so that
    /// atoms share points, and no more than there are rows.
    pub fn nb_points(&self, input_shape: usize, rows: usize) -> usize {
        (self.nb_concepts(input_shape) / 2).min(rows).max(1)
    }

    /// The settings of a fresh model for data of width `input_shape`.
    ///
    /// # Errors
    /// [`Error::Setting`] where one is out of range, or does not belong to this kind of model.
    pub fn resolve(&self, input_shape: usize, nb_points: usize) -> Result<SaeSettings> {
        let nb_concepts = self.nb_concepts(input_shape);
        let selection = match self.model.unwrap_or_default() {
            ModelKind::RaTopK => Selection::TopK { k: Selection::default_top_k(nb_concepts) },
            ModelKind::RaJump => {
                Selection::Jump { kernel: Kernel::default(), bandwidth: BANDWIDTH }
            }
        };
        self.applied_to(SaeSettings {
            input_shape,
            nb_concepts,
            nb_points,
            selection,
            delta: DELTA,
            use_multiplier: true,
            encoder: EncoderKind::default(),
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
        let wrong_encoder = self.encoder.is_some_and(|encoder| encoder != base.encoder);
        if wrong_kind || wrong_encoder {
            let (setting, has) = if wrong_kind {
                ("model", format!("{:?}", base.kind()))
            } else {
                ("encoder", format!("{:?}", base.encoder))
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
        let differs = [
            ("--model", self.model.is_some_and(|kind| kind != settings.kind())),
            ("--concepts", self.concepts.is_some_and(|k| k != settings.nb_concepts)),
            ("--top-k", self.top_k.is_some_and(|k| settings.selection != Selection::TopK { k })),
            ("--delta", self.delta.is_some_and(|delta| delta != settings.delta)),
            ("--no-multiplier", self.no_multiplier && settings.use_multiplier),
            (
                "--bandwidth",
                self.bandwidth.is_some_and(|given| {
                    !matches!(settings.selection, Selection::Jump { bandwidth, .. } if bandwidth == given)
                }),
            ),
            (
                "--kernel",
                self.kernel.is_some_and(|given| {
                    !matches!(settings.selection, Selection::Jump { kernel, .. } if kernel == given)
                }),
            ),
            ("--encoder", self.encoder.is_some_and(|encoder| encoder != settings.encoder)),
        ];
        differs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }

    fn applied_to(&self, mut settings: SaeSettings) -> Result<SaeSettings> {
        match &mut settings.selection {
            Selection::TopK { k } => {
                self.refuse("kernel", self.kernel.is_some(), "ra-jump")?;
                self.refuse("bandwidth", self.bandwidth.is_some(), "ra-jump")?;
                *k = self.top_k.unwrap_or(*k);
            }
            Selection::Jump { kernel, bandwidth } => {
                self.refuse("top-k", self.top_k.is_some(), "ra-topk")?;
                *kernel = self.kernel.unwrap_or(*kernel);
                *bandwidth = self.bandwidth.unwrap_or(*bandwidth);
            }
        }
        settings.delta = self.delta.unwrap_or(settings.delta);
        settings.use_multiplier &= !self.no_multiplier;
        settings.validate()?;
        Ok(settings)
    }

    fn refuse(&self, setting: &'static str, given: bool, model: &str) -> Result<()> {
        if !given {
            return Ok(());
        }
        let allowed = format!("left out, for it belongs to {model}");
        Err(Error::setting(setting, "given", allowed, format!("Add --model {model}, or drop it.")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_the_references() {
        let settings = ModelSettings::default().resolve(320, 640).unwrap();
        assert_eq!((settings.nb_concepts, settings.nb_points), (1280, 640));
        assert_eq!(settings.selection, Selection::TopK { k: 128 });
        assert_eq!((settings.delta, settings.use_multiplier), (1.0, true));
        assert_eq!(ModelSettings::default().nb_points(320, 100), 100);
        assert_eq!(ModelSettings::default().nb_concepts(1 << 20), 16_384);
    }

    #[test]
    fn settings_of_the_other_kind_are_refused() {
        let top_k = ModelSettings { kernel: Some(Kernel::Cauchy), ..Default::default() };
        assert!(top_k.resolve(8, 4).unwrap_err().to_string().contains("--model ra-jump"));
        let jump =
            ModelSettings { model: Some(ModelKind::RaJump), top_k: Some(3), ..Default::default() };
        assert!(jump.resolve(8, 4).unwrap_err().to_string().contains("ra-topk"));
    }

    #[test]
    fn another_model_gives_what_is_not_said() {
        let base = ModelSettings { delta: Some(3.0), top_k: Some(2), ..Default::default() }
            .resolve(8, 4)
            .unwrap();
        let over = ModelSettings { top_k: Some(5), ..Default::default() };
        let settings = over.resolve_over(&base).unwrap();
        assert_eq!((settings.selection, settings.delta), (Selection::TopK { k: 5 }, 3.0));
        assert_eq!(over.conflicts(&base), ["--top-k"]);
        assert_eq!(over.conflicts(&settings), [""; 0]);
        let wider = ModelSettings { concepts: Some(33), ..Default::default() };
        assert!(matches!(wider.resolve_over(&base), Err(Error::Shape { .. })));
    }
}
