//! A function of one variable, written once as text, from which both backends make its value and its derivative.
//!
//! The text is made of numbers (`2`, `0.5`, `1e-3`), `v`, `+ - * /`, `^` with a constant power of −64 to 64, a minus
//! in front, parentheses, and the functions `abs`, `sqrt`, `exp`, `log` (natural, also written `ln`), `tanh`, `sin`,
//! `cos`, `relu`, `max(a, b)` and `min(a, b)`. As usual `-v^2` is −(v²) and `2^3^2` is 2⁹.
//!
//! Where f has a corner the derivative is a choice: that of `abs` and `relu` at 0 is 0, that of `max` and `min` of
//! equal arguments is the first one's. Where f or its derivative does not exist or overflows (`log`, `/` or `sqrt` at
//! 0, a fractional power below it, `exp` of 100) the result is infinite or not a number on the CPU and anything on a
//! GPU, and a training that comes there is lost: write `sqrt(v^2 + 1e-6)`.

mod parse;
mod program;
mod tree;
#[cfg(feature = "gpu")]
mod wgsl;

pub(crate) use program::{LANES, Program};

use crate::{as_text::as_text, error::Result};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use tree::Node;

/// f(v), for a pointwise penalty. Its text, as `Display` gives it, parses to an equal expression.
///
/// ```
/// let f: archetypal::expression::Expression = "sqrt(v^2+1e-3)".parse()?;
/// assert_eq!(f.to_string(), "sqrt(v^2 + 0.001)");
/// assert_eq!(f.at(0.0).1, 0.0);
/// # Ok::<(), archetypal::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression {
    tree: Node,
}

impl Expression {
    /// f(v) and f′(v).
    pub fn at(&self, v: f32) -> (f32, f32) {
        self.program().at(v)
    }

    /// f(−v).
    pub(crate) fn mirrored(&self) -> Self {
        Self { tree: self.tree.mirrored() }
    }

    /// What the CPU evaluates.
    pub(crate) fn program(&self) -> Program {
        Program::new(&self.tree)
    }

    /// `fn f(v: f32) -> vec2<f32>`, its value and its derivative.
    #[cfg(feature = "gpu")]
    pub(crate) fn wgsl(&self) -> String {
        wgsl::function(&self.tree)
    }
}

impl FromStr for Expression {
    type Err = crate::Error;

    /// # Errors
    /// [`Error::Setting`](crate::Error::Setting) with the column at which the text is wrong, and what is allowed.
    fn from_str(text: &str) -> Result<Self> {
        Ok(Self { tree: parse::parse(text)? })
    }
}

as_text!(Expression);

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tree.fmt(f)
    }
}

#[cfg(test)]
mod tests;
