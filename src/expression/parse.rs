//! From text to tree, by recursive descent: sum, product, minus, power, atom.

use super::tree::{Binary, Function, Node};
use crate::error::{Error, Result};

/// Parentheses, minuses and powers within one another.
const MAX_DEPTH: usize = 64;
/// Numbers, variables and operations.
const MAX_NODES: usize = 256;
/// The largest power, and its negative the smallest.
const MAX_POWER: f32 = 64.0;
/// Characters of a wrong text that the message repeats.
const SHOWN: usize = 80;

const ALLOWED: &str = "a function of v, made of numbers, v, + - * /, ^ with a constant power, parentheses, abs, sqrt, \
    exp, log (or ln), tanh, sin, cos, relu, max(a, b) and min(a, b)";

/// What is wrong, and where: from 0, in characters.
struct Problem {
    at: usize,
    what: String,
}

type Parsed<T> = std::result::Result<T, Problem>;

pub(super) fn parse(text: &str) -> Result<Node> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, depth: 0, nodes: 0 };
    parser.whole().map_err(|Problem { at, what }| {
        let mut shown: String = text.chars().take(SHOWN).collect();
        if shown.len() < text.len() {
            shown.push('…');
        }
        let hint = format!("At column {}: {what}.", at + 1);
        Error::setting("expression", format!("\"{shown}\""), ALLOWED, hint)
    })
}

struct Parser {
    text: Vec<char>,
    at: usize,
    depth: usize,
    nodes: usize,
}

impl Parser {
    fn whole(&mut self) -> Parsed<Node> {
        let tree = self.sum()?;
        match self.peek() {
            None => Ok(tree),
            Some(_) => self.unexpected("an operator"),
        }
    }

    fn sum(&mut self) -> Parsed<Node> {
        let start = self.start();
        let mut left = self.product()?;
        loop {
            let binary = match self.peek() {
                Some('+') => Binary::Add,
                Some('-') => Binary::Subtract,
                _ => return Ok(left),
            };
            self.at += 1;
            let right = self.product()?;
            left = self.made(start, Node::Binary(binary, left.into(), right.into()))?;
        }
    }

    fn product(&mut self) -> Parsed<Node> {
        let start = self.start();
        let mut left = self.signed()?;
        loop {
            let binary = match self.peek() {
                Some('*') => Binary::Multiply,
                Some('/') => Binary::Divide,
                _ => return Ok(left),
            };
            self.at += 1;
            let right_start = self.start();
            let right = self.signed()?;
            if binary == Binary::Divide && right.constant() == Some(0.0) {
                return problem(right_start, "this is a division by zero");
            }
            left = self.made(start, Node::Binary(binary, left.into(), right.into()))?;
        }
    }

    /// Every cycle of the grammar goes through here, so the depth is counted here.
    fn signed(&mut self) -> Parsed<Node> {
        let start = self.start();
        if self.depth == MAX_DEPTH {
            return problem(start, format!("this is nested more than {MAX_DEPTH} times"));
        }
        self.depth += 1;
        let node = if self.take('-') {
            let inner = self.signed()?;
            self.made(start, Node::Negate(inner.into()))
        } else {
            self.power()
        };
        self.depth -= 1;
        node
    }

    fn power(&mut self) -> Parsed<Node> {
        let start = self.start();
        let base = self.atom()?;
        if !self.take('^') {
            return Ok(base);
        }
        let power_start = self.start();
        let power = self.signed()?.constant();
        match power.filter(|power| power.abs() <= MAX_POWER) {
            Some(power) => self.made(start, Node::Power(base.into(), power)),
            None => problem(
                power_start,
                format!("a power must be a constant from -{MAX_POWER} to {MAX_POWER}"),
            ),
        }
    }

    fn atom(&mut self) -> Parsed<Node> {
        let start = self.start();
        match self.peek() {
            Some('(') => {
                self.at += 1;
                let inner = self.sum()?;
                self.expect(')')?;
                Ok(inner)
            }
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() => {
                let name = self.run(|c| c.is_alphanumeric() || c == '_');
                match name.as_str() {
                    "v" => self.made(start, Node::Variable),
                    "max" => self.extreme(start, Binary::Max),
                    "min" => self.extreme(start, Binary::Min),
                    _ => match Function::named(&name) {
                        Some(function) => {
                            self.expect('(')?;
                            let inner = self.sum()?;
                            self.expect(')')?;
                            self.made(start, Node::Call(function, inner.into()))
                        }
                        None => problem(start, format!("{name} is neither v nor a function")),
                    },
                }
            }
            _ => self.unexpected("a number, v, a function or a parenthesis"),
        }
    }

    /// The arguments of max or min.
    fn extreme(&mut self, start: usize, binary: Binary) -> Parsed<Node> {
        self.expect('(')?;
        let a = self.sum()?;
        self.expect(',')?;
        let b = self.sum()?;
        self.expect(')')?;
        self.made(start, Node::Binary(binary, a.into(), b.into()))
    }

    fn number(&mut self) -> Parsed<Node> {
        let start = self.at;
        let mut text = self.run(|c| c.is_ascii_digit() || c == '.');
        let ahead = |i: usize| self.text.get(self.at + i).copied();
        let sign = usize::from(matches!(ahead(1), Some('+' | '-')));
        if matches!(ahead(0), Some('e' | 'E'))
            && ahead(1 + sign).is_some_and(|c| c.is_ascii_digit())
        {
            text.extend(&self.text[self.at..=self.at + sign]);
            self.at += 1 + sign;
            text += &self.run(|c| c.is_ascii_digit());
        }
        match text.parse() {
            Ok(value) => self.made(start, Node::Number(value)),
            Err(_) => problem(start, format!("{text} is not a number")),
        }
    }

    /// Checks a node that starts at `start`: that it is not one too many, and finite if it is a constant.
    fn made(&mut self, start: usize, node: Node) -> Parsed<Node> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let what =
                format!("with this there are more than {MAX_NODES} numbers, v and operations");
            return problem(start, what);
        }
        match node.constant() {
            Some(value) if !value.is_finite() => {
                problem(start, "the value of this constant is not a finite 32-bit number")
            }
            _ => Ok(node),
        }
    }

    /// The place of the next character that is not a space.
    fn start(&mut self) -> usize {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.at
    }

    fn peek(&mut self) -> Option<char> {
        let start = self.start();
        self.text.get(start).copied()
    }

    fn take(&mut self, c: char) -> bool {
        let here = self.peek() == Some(c);
        self.at += usize::from(here);
        here
    }

    fn expect(&mut self, c: char) -> Parsed<()> {
        if self.take(c) { Ok(()) } else { self.unexpected(&format!("'{c}'")) }
    }

    /// The characters from here on that are `wanted`.
    fn run(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let found: String =
            self.text[self.at..].iter().copied().take_while(|&c| wanted(c)).collect();
        self.at += found.chars().count();
        found
    }

    fn unexpected<T>(&mut self, wanted: &str) -> Parsed<T> {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("'{c}'"));
        problem(self.at, format!("{wanted} is expected here, not {found}"))
    }
}

fn problem<T>(at: usize, what: impl Into<String>) -> Parsed<T> {
    Err(Problem { at, what: what.into() })
}
