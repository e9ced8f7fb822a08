//! An expression as a tree, and its text.

use super::Program;
use std::fmt;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// At least 0, and finite.
    Number(f32),
    Variable,
    Negate(Box<Node>),
    Binary(Binary, Box<Node>, Box<Node>),
    /// To a constant power.
    Power(Box<Node>, f32),
    Call(Function, Box<Node>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    Max,
    Min,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Abs,
    Sqrt,
    Exp,
    Log,
    Tanh,
    Sin,
    Cos,
    Relu,
}

impl Function {
    /// The function of that name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "abs" => Self::Abs,
            "sqrt" => Self::Sqrt,
            "exp" => Self::Exp,
            "log" | "ln" => Self::Log,
            "tanh" => Self::Tanh,
            "sin" => Self::Sin,
            "cos" => Self::Cos,
            "relu" => Self::Relu,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Sqrt => "sqrt",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Tanh => "tanh",
            Self::Sin => "sin",
            Self::Cos => "cos",
            Self::Relu => "relu",
        }
    }
}

impl Node {
    /// The same with −v in place of v.
    pub fn mirrored(&self) -> Self {
        let mirrored = |node: &Self| Box::new(node.mirrored());
        match self {
            Self::Number(value) => Self::Number(*value),
            Self::Variable => Self::Negate(Box::new(Self::Variable)),
            Self::Negate(a) => Self::Negate(mirrored(a)),
            Self::Binary(how, a, b) => Self::Binary(*how, mirrored(a), mirrored(b)),
            Self::Power(a, power) => Self::Power(mirrored(a), *power),
            Self::Call(function, a) => Self::Call(*function, mirrored(a)),
        }
    }

    fn varies(&self) -> bool {
        match self {
            Self::Number(_) => false,
            Self::Variable => true,
            Self::Negate(a) | Self::Power(a, _) | Self::Call(_, a) => a.varies(),
            Self::Binary(_, a, b) => a.varies() || b.varies(),
        }
    }

    /// Its value, unless that depends on v.
    pub fn constant(&self) -> Option<f32> {
        (!self.varies()).then(|| Program::new(self).at(0.0).0)
    }

    /// How tightly its parts hold together, in text.
    fn level(&self) -> u8 {
        match self {
            Self::Binary(Binary::Add | Binary::Subtract, ..) => 1,
            Self::Binary(Binary::Multiply | Binary::Divide, ..) => 2,
            Self::Negate(_) => 3,
            Self::Power(..) => 4,
            Self::Binary(Binary::Max | Binary::Min, ..) => 5,
            Self::Number(_) | Self::Variable | Self::Call(..) => 5,
        }
    }
}

/// A node where one of at least this level must stand.
struct At<'a>(u8, &'a Node);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(level, node) = self;
        if node.level() < *level { write!(f, "({node})") } else { write!(f, "{node}") }
    }
}

/// The shortest text that reads back as this number.
struct Number(f32);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        f.write_str(text.strip_suffix(".0").unwrap_or(&text))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{}", Number(*value)),
            Self::Variable => f.write_str("v"),
            Self::Negate(a) => write!(f, "-{}", At(3, a)),
            Self::Power(a, power) => write!(f, "{}^{}", At(5, a), Number(*power)),
            Self::Call(function, a) => write!(f, "{}({a})", function.name()),
            Self::Binary(binary, a, b) => match binary {
                Binary::Add => write!(f, "{} + {}", At(1, a), At(2, b)),
                Binary::Subtract => write!(f, "{} - {}", At(1, a), At(2, b)),
                Binary::Multiply => write!(f, "{} * {}", At(2, a), At(3, b)),
                Binary::Divide => write!(f, "{} / {}", At(2, a), At(3, b)),
                Binary::Max => write!(f, "max({a}, {b})"),
                Binary::Min => write!(f, "min({a}, {b})"),
            },
        }
    }
}
