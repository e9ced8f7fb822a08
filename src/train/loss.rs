//! The losses that have a name, as the command line and files say them.

use super::{
    Criterion, Needs, Term,
    terms::{AuxK, Over, Pointwise, Reanimation, RowTerm, TargetL0, TopKAuxiliary},
};
use crate::{
    as_text::as_text,
    device::{RowPenalty, log},
    error::{Error, Result},
    expression::Expression,
    sae::SaeSettings,
};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A sum of terms, as text: NAME[=WEIGHT], with commas between. `mse` alone unless said otherwise.
///
/// | term | what it adds | weight unless given |
/// |---|---|---|
/// | `mse=w` | w · mean((x − x̂)²) | 1 |
/// | `l1=λ` | λ · Σ\|z\| | 1 |
/// | `elastic=α` | (1 − α) · mean\|z\| + α · mean(D²), 0 ≤ α ≤ 1 | 0.5 |
/// | `hoyer=λ` | λ · mean over rows of (√K − ‖z‖₁/‖z‖₂)/(√K − 1) | 1 |
/// | `kappa_4=λ` | λ · mean over rows of Σz⁴/(Σz²)² | 1 |
/// | `auxiliary=λ` | λ · mean((x − x̂ − A D)²), A the K/2 largest codes that were not chosen | 0.1 |
/// | `reanimation=λ` | −λ · mean pre-code of the concepts that did not fire in the batch, summed over its rows | 0.1 |
/// | `auxk=λ[:K_AUX[:ROWS]]` | Gao's AuxK over concepts that have not fired for ROWS rows | 1/32 : d/2 : 5000 |
/// | `l0=λ:TARGET` | λ · (L0/TARGET − 1)², for jump | – |
/// | `codes(f)=λ`, `pre_codes(f)=λ`, `residual(f)=λ`, `dictionary(f)=λ` | λ · mean f(v), f an [`Expression`] | 1 |
///
/// The reference's `mse_l1`, `mse_elastic`, `mse_hoyer`, `mse_kappa_4` and `top_k_auxiliary` are `mse` and the term
/// together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Loss {
    terms: Vec<Part>,
}

/// One term of the text.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Mse(f32),
    L1(f32),
    Elastic(f32),
    Row(RowPenalty, f32),
    Auxiliary(f32),
    Reanimation(f32),
    AuxK { weight: f32, k_aux: Option<usize>, after: u32 },
    TargetL0 { weight: f32, target: f32 },
    Pointwise { over: Over, f: Expression, weight: f32 },
}

/// The names, for messages.
const NAMES: &str = "mse, l1, elastic, hoyer, kappa_4, auxiliary, reanimation, auxk, l0, codes(…), pre_codes(…), \
                     residual(…), dictionary(…), mse_l1, mse_elastic, mse_hoyer, mse_kappa_4 and top_k_auxiliary";

impl Default for Loss {
    fn default() -> Self {
        Self { terms: vec![Part::Mse(1.0)] }
    }
}

impl Loss {
    /// What computes it.
    pub fn criterion(&self) -> Criterion {
        let mut criterion = Criterion::new(0.0, Vec::new());
        for part in &self.terms {
            match part {
                Part::Mse(weight) => criterion.mse += weight,
                other => criterion.terms.extend(other.terms()),
            }
        }
        criterion
    }

    /// Checks that a model of these settings has what the terms look at.
    ///
    /// # Errors
    /// [`Error::Setting`] for one that has not.
    pub fn check_model(&self, settings: &SaeSettings) -> Result<()> {
        self.criterion().check_model(settings)
    }

    /// What its terms look at.
    pub fn needs(&self) -> Needs {
        self.criterion().needs()
    }

    /// The same with a target for L0, which it must not have yet, at λ = 20: a target missed by a tenth then counts like
    /// a fifth of the variance of standardised data.
    ///
    /// # Errors
    /// [`Error::Setting`] if it has one, or if the target is not above 0.
    pub fn with_target_l0(mut self, target: f32) -> Result<Self> {
        if self.terms.iter().any(|part| matches!(part, Part::TargetL0 { .. })) {
            let allowed = "left out where the loss has a target of its own";
            return Err(Error::setting("target-l0", target, allowed, "Drop l0 from --loss."));
        }
        if !(target.is_finite() && target > 0.0) {
            let hint = "It is the mean number of active codes a row.";
            return Err(Error::setting("target-l0", target, "a number > 0", hint));
        }
        self.terms.push(Part::TargetL0 { weight: 20.0, target });
        self.check()
    }

    fn check(self) -> Result<Self> {
        let criterion = self.criterion();
        if criterion.terms.len() > log::MAX_TERMS {
            let allowed = format!("at most {} terms (elastic counts twice)", log::MAX_TERMS);
            return Err(Error::setting("loss", criterion.terms.len(), allowed, ""));
        }
        let names: Vec<_> = criterion.terms.iter().map(|term| term.name()).collect();
        let twice = (1..names.len()).find(|&i| names[..i].contains(&names[i]));
        let squared = self.terms.iter().filter(|part| matches!(part, Part::Mse(_))).count();
        if twice.is_some() || squared > 1 {
            let name = twice.map_or("mse".to_owned(), |i| names[i].clone());
            let hint = "Add up its weights.";
            return Err(Error::setting("loss", format!("{name} twice"), "each term once", hint));
        }
        if criterion.mse == 0.0 && !criterion.needs().residual {
            let allowed = "a loss that looks at the reconstruction";
            return Err(Error::setting("loss", self.to_string(), allowed, "Add mse to it."));
        }
        Ok(self)
    }
}

/// The expressions of the reference's penalties.
fn expression(text: &str) -> Expression {
    text.parse().expect("an expression that is written here")
}

impl Part {
    fn terms(&self) -> Vec<Box<dyn Term>> {
        match self {
            Self::Mse(_) => Vec::new(),
            Self::L1(weight) => {
                let l1 = Pointwise::sum(Over::Codes, expression("abs(v)"), *weight);
                vec![Box::new(l1.named("l1"))]
            }
            Self::Elastic(alpha) => {
                let l1 = Pointwise::mean(Over::Codes, expression("abs(v)"), 1.0 - alpha);
                let l2 = Pointwise::mean(Over::Dictionary, expression("v*v"), *alpha);
                vec![Box::new(l1.named("elastic_l1")), Box::new(l2.named("elastic_l2"))]
            }
            Self::Row(penalty, weight) => vec![Box::new(RowTerm::new(*penalty, *weight))],
            Self::Auxiliary(weight) => vec![Box::new(TopKAuxiliary::new(*weight))],
            Self::Reanimation(weight) => vec![Box::new(Reanimation::new(*weight))],
            Self::AuxK { weight, k_aux, after } => {
                vec![Box::new(AuxK::new(*weight, *k_aux, *after))]
            }
            Self::TargetL0 { weight, target } => vec![Box::new(TargetL0::new(*weight, *target))],
            Self::Pointwise { over, f, weight } => {
                vec![Box::new(Pointwise::mean(*over, f.clone(), *weight))]
            }
        }
    }

    fn parse(text: &str) -> Result<Self> {
        if let Some(pointwise) = Self::pointwise(text) {
            return pointwise;
        }
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.trim(), Some(value.trim())),
            None => (text, None),
        };
        let weight = |default: f32| value.map_or(Ok(default), |value| number(text, value));
        Ok(match name {
            "mse" => Self::Mse(weight(1.0)?),
            "l1" => Self::L1(weight(1.0)?),
            "elastic" => {
                let alpha = weight(0.5)?;
                if !(0.0..=1.0).contains(&alpha) {
                    return Err(wrong(text, "elastic=α with α from 0 to 1"));
                }
                Self::Elastic(alpha)
            }
            "hoyer" => Self::Row(RowPenalty::Hoyer, weight(1.0)?),
            "kappa_4" => Self::Row(RowPenalty::Kappa4, weight(1.0)?),
            "auxiliary" => Self::Auxiliary(weight(0.1)?),
            "reanimation" => Self::Reanimation(weight(0.1)?),
            "auxk" => Self::auxk(text, value.unwrap_or(""))?,
            "l0" => Self::target(text, value.unwrap_or(""))?,
            _ => return Err(wrong(text, format!("terms NAME[=WEIGHT] of the names {NAMES}"))),
        })
    }

    /// `over(f)` or `over(f)=weight`; nothing if the text is not of that form.
    fn pointwise(text: &str) -> Option<Result<Self>> {
        let (head, rest) = text.split_once('(')?;
        let over = Over::ALL.into_iter().find(|over| over.name() == head.trim())?;
        let (f, weight) = match rest.rsplit_once('=') {
            Some((f, weight)) => (f.trim(), number(text, weight.trim())),
            None => (rest, Ok(1.0)),
        };
        Some(match f.strip_suffix(')') {
            None => Err(wrong(text, format!("{}(f)=WEIGHT", over.name()))),
            Some(f) => f.parse().and_then(|f| Ok(Self::Pointwise { over, f, weight: weight? })),
        })
    }

    fn auxk(text: &str, value: &str) -> Result<Self> {
        let form = "auxk=WEIGHT[:K_AUX[:ROWS]] with whole numbers of 1 or more";
        let whole = |part: &str| match part.parse::<u32>() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(wrong(text, form)),
        };
        let mut parts = value.split(':');
        let weight = match parts.next() {
            None | Some("") => AuxK::WEIGHT,
            Some(weight) => number(text, weight)?,
        };
        let k_aux = parts.next().map(whole).transpose()?.map(|k| k as usize);
        let after = parts.next().map(whole).transpose()?.unwrap_or(AuxK::AFTER);
        match parts.next() {
            None => Ok(Self::AuxK { weight, k_aux, after }),
            Some(_) => Err(wrong(text, form)),
        }
    }

    fn target(text: &str, value: &str) -> Result<Self> {
        let form = "l0=WEIGHT:TARGET with a target > 0";
        let (weight, target) = value.split_once(':').ok_or_else(|| wrong(text, form))?;
        let (weight, target) = (number(text, weight)?, number(text, target)?);
        match target > 0.0 {
            true => Ok(Self::TargetL0 { weight, target }),
            false => Err(wrong(text, form)),
        }
    }
}

fn number(text: &str, value: &str) -> Result<f32> {
    match value.parse::<f32>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err(wrong(text, "a number as the weight")),
    }
}

fn wrong(text: &str, allowed: impl Into<String>) -> Error {
    Error::setting("loss", text, allowed, "For example mse,reanimation=0.1.")
}

/// The parts of a text between commas that stand in no parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i64, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text[start..].trim());
    parts
}

/// A term under its own name, and whether it was called by the name of a loss of the reference.
fn reference_name(part: &str) -> (String, bool) {
    let name = part.split('=').next().unwrap_or("").trim();
    let own = match name {
        "top_k_auxiliary" => "auxiliary",
        "mse_l1" => "l1",
        "mse_elastic" => "elastic",
        "mse_hoyer" => "hoyer",
        "mse_kappa_4" => "kappa_4",
        _ => return (part.to_owned(), false),
    };
    (part.replacen(name, own, 1), true)
}

impl FromStr for Loss {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (mut terms, mut whole) = (Vec::new(), false);
        for part in split(text) {
            let (term, of_reference) = reference_name(part);
            terms.push(Part::parse(&term)?);
            whole |= of_reference;
        }
        // The reference's losses hold the squared error; one that is said counts instead.
        if whole && !terms.iter().any(|term| matches!(term, Part::Mse(_))) {
            terms.insert(0, Part::Mse(1.0));
        }
        Self { terms }.check()
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.terms.iter().enumerate() {
            f.write_str(if i > 0 { "," } else { "" })?;
            part.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mse(1.0) => f.write_str("mse"),
            Self::Mse(weight) => write!(f, "mse={weight}"),
            Self::L1(weight) => write!(f, "l1={weight}"),
            Self::Elastic(alpha) => write!(f, "elastic={alpha}"),
            Self::Row(RowPenalty::Hoyer, weight) => write!(f, "hoyer={weight}"),
            Self::Row(RowPenalty::Kappa4, weight) => write!(f, "kappa_4={weight}"),
            Self::Auxiliary(weight) => write!(f, "auxiliary={weight}"),
            Self::Reanimation(weight) => write!(f, "reanimation={weight}"),
            Self::AuxK { weight, k_aux: None, .. } => write!(f, "auxk={weight}"),
            Self::AuxK { weight, k_aux: Some(k), after } => write!(f, "auxk={weight}:{k}:{after}"),
            Self::TargetL0 { weight, target } => write!(f, "l0={weight}:{target}"),
            Self::Pointwise { over, f: expression, weight } => {
                write!(f, "{}({expression})={weight}", over.name())
            }
        }
    }
}

as_text!(Loss);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for text in [
            "mse",
            "mse=0.5",
            "mse,reanimation=0.1",
            "mse,elastic=0.3",
            "mse,auxk=0.5:64:1000",
            "mse,auxk=0.03125",
            "mse,l0=1:32",
            "mse,codes(max(v, 0.5))=0.25,hoyer=-0.2",
            "residual(abs(v))=1",
        ] {
            assert_eq!(text.parse::<Loss>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn names_of_the_reference_bring_the_squared_error() {
        let loss: Loss = "mse_l1=0.003".parse().unwrap();
        assert_eq!(loss.to_string(), "mse,l1=0.003");
        for text in ["mse=0.5,mse_l1=0.1", "mse_l1=0.1,mse=0.5"] {
            assert_eq!(text.parse::<Loss>().unwrap().criterion().mse, 0.5, "{text}");
        }
        let loss: Loss = "mse,top_k_auxiliary".parse().unwrap();
        assert_eq!(loss.to_string(), "mse,auxiliary=0.1");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "l2",
            "mse,",
            "mse=x",
            "mse=NaN",
            "reanimation=0.1",
            "mse,elastic=2",
            "mse,l0=1",
            "mse,l0=1:0",
            "mse,auxk=1:0",
            "mse,codes(abs(v)",
            "mse,codes()=1",
            "mse,l1=1,l1=2",
            "mse,mse=2",
            "mse_mse",
            "mse_auxk",
            "mse,codes(v)=1,codes(2*v)=1,codes(3*v)=1,codes(4*v)=1,codes(5*v)=1,hoyer,kappa_4,l1,reanimation",
        ] {
            assert!(text.parse::<Loss>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_sparse_codes_cannot_serve() {
        let dense = |text: &str| text.parse::<Loss>().unwrap().needs().dense();
        assert!(!dense("mse,l1=1,hoyer=1,kappa_4=1,codes(v*v)=1,l0=1:32"));
        for text in ["mse_elastic", "mse,auxk", "mse,reanimation", "mse,codes(exp(v))"] {
            assert!(dense(text), "{text}");
        }
    }
}
