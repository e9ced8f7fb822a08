//! An expression as straight-line WGSL, on top of shaders/shared/functions.wgsl.

use super::tree::{Binary, Function, Node};
use std::fmt::Write;

/// `fn f(v: f32) -> vec2<f32>`: the value and the derivative.
pub(super) fn function(tree: &Node) -> String {
    let mut body = Body { text: String::new(), names: 0 };
    let Dual { value, slope } = body.dual(tree);
    // The derivative starts from a variable: of constants alone a compiler may make an overflow, and refuse it.
    format!(
        "\nfn f(v: f32) -> vec2<f32> {{\n    var unit = 1.0;\n{}    return vec2<f32>({value}, {});\n}}\n",
        body.text,
        slope.unwrap_or(zero()),
    )
}

/// Names or literals of a value and of its derivative; none if that is zero.
struct Dual {
    value: String,
    slope: Option<String>,
}

struct Body {
    text: String,
    names: usize,
}

fn literal(value: f32) -> String {
    format!("({value:?}f)")
}

fn zero() -> String {
    literal(0.0)
}

impl Body {
    /// A new name for `value`.
    fn named(&mut self, value: String) -> String {
        let name = format!("t{}", self.names);
        self.names += 1;
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "    let {name} = {value};");
        name
    }

    fn dual(&mut self, node: &Node) -> Dual {
        if let Some(value) = node.constant() {
            return Dual { value: literal(value), slope: None };
        }
        match node {
            Node::Number(value) => Dual { value: literal(*value), slope: None },
            Node::Variable => Dual { value: "v".to_owned(), slope: Some("unit".to_owned()) },
            Node::Negate(a) => {
                let a = self.dual(a);
                let value = self.named(format!("-{}", a.value));
                let slope = a.slope.map(|slope| self.named(format!("-{slope}")));
                Dual { value, slope }
            }
            Node::Binary(binary, a, b) => {
                let (a, b) = (self.dual(a), self.dual(b));
                self.binary(*binary, a, b)
            }
            Node::Power(a, power) => {
                let a = self.dual(a);
                let x = &a.value;
                let value = raised(x, *power);
                let slope = format!("{} * {}", literal(*power), raised(x, *power - 1.0));
                self.chained(a.slope, value, if *power == 0.0 { zero() } else { slope })
            }
            Node::Call(function, a) => {
                let a = self.dual(a);
                self.call(*function, a)
            }
        }
    }

    /// g(x), given the texts of g(x) and g′(x) and the name of x′.
    fn chained(&mut self, inner: Option<String>, value: String, slope: String) -> Dual {
        let value = self.named(value);
        let slope = inner.map(|inner| self.named(format!("({slope}) * {inner}")));
        Dual { value, slope }
    }

    fn binary(&mut self, binary: Binary, a: Dual, b: Dual) -> Dual {
        let (x, y) = (a.value, b.value);
        match binary {
            Binary::Add => {
                let slope = match (a.slope, b.slope) {
                    (Some(a), Some(b)) => Some(self.named(format!("{a} + {b}"))),
                    (a, b) => a.or(b),
                };
                Dual { value: self.named(format!("{x} + {y}")), slope }
            }
            Binary::Subtract => {
                let slope = match (a.slope, b.slope) {
                    (Some(a), Some(b)) => Some(self.named(format!("{a} - {b}"))),
                    (a, b) => a.or_else(|| b.map(|b| self.named(format!("-{b}")))),
                };
                Dual { value: self.named(format!("{x} - {y}")), slope }
            }
            Binary::Multiply => {
                let left = a.slope.map(|slope| self.named(format!("{slope} * {y}")));
                let right = b.slope.map(|slope| self.named(format!("{x} * {slope}")));
                let slope = match (left, right) {
                    (Some(left), Some(right)) => Some(self.named(format!("{left} + {right}"))),
                    (left, right) => left.or(right),
                };
                Dual { value: self.named(format!("{x} * {y}")), slope }
            }
            Binary::Divide => {
                let value = self.named(format!("{x} / {y}"));
                let above = a.slope.unwrap_or(zero());
                let below = b.slope.map_or(zero(), |slope| format!("{value} * {slope}"));
                let slope = self.named(format!("({above} - {below}) / {y}"));
                Dual { value, slope: Some(slope) }
            }
            Binary::Max => self.either(x, a.slope, y, b.slope, ">"),
            Binary::Min => self.either(x, a.slope, y, b.slope, "<"),
        }
    }

    /// The second where it compares so with the first, else the first.
    fn either(
        &mut self,
        x: String,
        dx: Option<String>,
        y: String,
        dy: Option<String>,
        compares: &str,
    ) -> Dual {
        let second = self.named(format!("{y} {compares} {x}"));
        let value = self.named(format!("select({x}, {y}, {second})"));
        let [dx, dy] = [dx, dy].map(|slope| slope.unwrap_or(zero()));
        let slope = self.named(format!("select({dx}, {dy}, {second})"));
        Dual { value, slope: Some(slope) }
    }

    fn call(&mut self, function: Function, a: Dual) -> Dual {
        let x = &a.value;
        let (value, slope) = match function {
            Function::Abs => (format!("abs({x})"), format!("sign({x})")),
            Function::Sqrt => (format!("sqrt({x})"), format!("0.5 / sqrt({x})")),
            Function::Exp => (format!("exp_exact({x})"), format!("exp_exact({x})")),
            Function::Log => (format!("ln_exact({x})"), format!("1.0 / {x}")),
            Function::Tanh => (format!("tanh_exact({x})"), format!("tanh_slope({x})")),
            Function::Sin => (format!("sin_exact({x})"), format!("cos_exact({x})")),
            Function::Cos => (format!("cos_exact({x})"), format!("-sin_exact({x})")),
            Function::Relu => (format!("relu({x})"), format!("select(0.0, 1.0, {x} > 0.0)")),
        };
        self.chained(a.slope, value, slope)
    }
}

/// x^power.
fn raised(x: &str, power: f32) -> String {
    let whole = power.abs() as u32;
    if power == 1.0 {
        x.to_owned()
    } else if power == 2.0 {
        format!("({x} * {x})")
    } else if power != power.trunc() {
        format!("real_power({x}, {})", literal(power))
    } else if power < 0.0 {
        format!("(1.0 / whole_power({x}, {whole}u))")
    } else {
        format!("whole_power({x}, {whole}u)")
    }
}
