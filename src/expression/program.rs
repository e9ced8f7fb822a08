//! An expression as a list of operations on a stack of blocks of dual numbers (f, f′): each runs over a whole block,
//! so that the compiler makes vector instructions of it, and nothing is allocated for an element.

use super::tree::{Binary, Function, Node};

/// Elements that an operation works on at once: a few blocks stay in the first-level cache.
pub(crate) const LANES: usize = 256;

/// A value and its derivative.
type Dual = (f32, f32);

#[derive(Clone, Copy, Debug)]
enum Op {
    Variable,
    Constant(f32),
    Negate,
    Binary(Binary),
    Power(f32),
    Call(Function),
}

/// What is run over blocks of elements.
#[derive(Debug)]
pub(crate) struct Program {
    ops: Vec<Op>,
    /// The most dual numbers on the stack.
    height: usize,
}

impl Program {
    pub(super) fn new(tree: &Node) -> Self {
        let mut program = Self { ops: Vec::new(), height: 0 };
        program.compile(tree, 0);
        program
    }

    /// Adds what puts `node` on a stack of `below` dual numbers.
    fn compile(&mut self, node: &Node, below: usize) {
        self.height = self.height.max(below + 1);
        let op = match node {
            Node::Number(value) => Op::Constant(*value),
            Node::Variable => Op::Variable,
            Node::Negate(a) => {
                self.compile(a, below);
                Op::Negate
            }
            Node::Binary(binary, a, b) => {
                self.compile(a, below);
                self.compile(b, below + 1);
                Op::Binary(*binary)
            }
            Node::Power(a, power) => {
                self.compile(a, below);
                Op::Power(*power)
            }
            Node::Call(function, a) => {
                self.compile(a, below);
                Op::Call(*function)
            }
        };
        self.ops.push(op);
    }

    /// Elements of the stack that [`Program::run`] needs.
    pub(crate) fn stack_len(&self) -> usize {
        2 * self.height * LANES
    }

    /// f(v) and f′(v).
    pub(super) fn at(&self, v: f32) -> Dual {
        let mut stack = vec![0.0; self.stack_len()];
        let (value, slope) = self.run(&[v], &mut stack);
        (value[0], slope[0])
    }

    /// f and f′ of at most [`LANES`] elements.
    #[inline(always)]
    pub(crate) fn run<'s>(&self, v: &[f32], stack: &'s mut [f32]) -> (&'s [f32], &'s [f32]) {
        let (blocks, _) = stack.as_chunks_mut::<LANES>();
        let n = v.len();
        let mut height = 0;
        for &op in &self.ops {
            match op {
                Op::Variable => {
                    blocks[2 * height][..n].copy_from_slice(v);
                    blocks[2 * height + 1][..n].fill(1.0);
                    height += 1;
                }
                Op::Constant(value) => {
                    blocks[2 * height][..n].fill(value);
                    blocks[2 * height + 1][..n].fill(0.0);
                    height += 1;
                }
                Op::Negate => chain(&mut blocks[2 * height - 2..], n, |x| (-x, -1.0)),
                Op::Power(power) => raise(&mut blocks[2 * height - 2..], n, power),
                Op::Call(function) => call(&mut blocks[2 * height - 2..], n, function),
                Op::Binary(binary) => {
                    combine(&mut blocks[2 * height - 4..], n, binary);
                    height -= 1;
                }
            }
        }
        (&blocks[0][..n], &blocks[1][..n])
    }
}

/// The topmost dual number x becomes g(x), with g and g′ from `rule`.
#[inline(always)]
fn chain(top: &mut [[f32; LANES]], n: usize, rule: impl Fn(f32) -> Dual) {
    let [x, dx, ..] = top else { unreachable!("a dual number is two blocks") };
    for (x, dx) in x[..n].iter_mut().zip(&mut dx[..n]) {
        let (value, slope) = rule(*x);
        (*x, *dx) = (value, slope * *dx);
    }
}

/// The two topmost dual numbers become one.
#[inline(always)]
fn join(top: &mut [[f32; LANES]], n: usize, rule: impl Fn(Dual, Dual) -> Dual) {
    let [a, da, b, db, ..] = top else { unreachable!("two dual numbers are four blocks") };
    let a = a[..n].iter_mut().zip(&mut da[..n]);
    for ((a, da), (b, db)) in a.zip(b[..n].iter().zip(&db[..n])) {
        (*a, *da) = rule((*a, *da), (*b, *db));
    }
}

#[inline(always)]
fn combine(top: &mut [[f32; LANES]], n: usize, binary: Binary) {
    match binary {
        Binary::Add => join(top, n, |(a, da), (b, db)| (a + b, da + db)),
        Binary::Subtract => join(top, n, |(a, da), (b, db)| (a - b, da - db)),
        Binary::Multiply => join(top, n, |(a, da), (b, db)| (a * b, da * b + a * db)),
        Binary::Divide => join(top, n, |(a, da), (b, db)| (a / b, (da - a / b * db) / b)),
        Binary::Max => join(top, n, |a, b| if b.0 > a.0 { b } else { a }),
        Binary::Min => join(top, n, |a, b| if b.0 < a.0 { b } else { a }),
    }
}

#[inline(always)]
fn call(top: &mut [[f32; LANES]], n: usize, function: Function) {
    let step = |x: f32| if x > 0.0 { 1.0 } else { 0.0 };
    match function {
        Function::Abs => chain(top, n, |x| (x.abs(), step(x) - step(-x))),
        Function::Sqrt => chain(top, n, |x| (x.sqrt(), 0.5 / x.sqrt())),
        Function::Exp => chain(top, n, |x| {
            let e = x.exp();
            (e, e)
        }),
        Function::Log => chain(top, n, |x| (x.ln(), 1.0 / x)),
        Function::Tanh => chain(top, n, |x| {
            let t = x.tanh();
            (t, 1.0 - t * t)
        }),
        Function::Sin => chain(top, n, |x| (x.sin(), x.cos())),
        Function::Cos => chain(top, n, |x| (x.cos(), -x.sin())),
        // A NaN goes on, so that the loss shows it.
        Function::Relu => chain(top, n, |x| (if x <= 0.0 { 0.0 } else { x }, step(x))),
    }
}

/// x^power. The usual ones have loops of their own, of multiplications alone.
#[inline(always)]
fn raise(top: &mut [[f32; LANES]], n: usize, power: f32) {
    if power == 0.0 {
        chain(top, n, |_| (1.0, 0.0))
    } else if power == 2.0 {
        chain(top, n, |x| (x * x, 2.0 * x))
    } else if power == 3.0 {
        chain(top, n, |x| (x * x * x, 3.0 * (x * x)))
    } else if power == 4.0 {
        chain(top, n, |x| (x * x * (x * x), 4.0 * (x * x * x)))
    } else if power == power.trunc() {
        chain(top, n, |x| (whole_power(x, power), power * whole_power(x, power - 1.0)))
    } else {
        chain(top, n, |x| (x.powf(power), power * x.powf(power - 1.0)))
    }
}

/// x to a whole power, by squaring: `powi` is not the same number everywhere.
fn whole_power(x: f32, power: f32) -> f32 {
    let (mut factor, mut left, mut product) = (x, power.abs() as u32, 1.0);
    while left > 0 {
        if left % 2 == 1 {
            product *= factor;
        }
        factor *= factor;
        left /= 2;
    }
    if power < 0.0 { 1.0 / product } else { product }
}
