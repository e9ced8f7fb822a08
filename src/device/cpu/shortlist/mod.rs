//! Top-k of relu(X Eᵀ + b) with few of the products in float32.
//!
//! Products of operands narrowed to 16 bits, x̂ and ê, which processors make at twice to sixteen times the speed, come with
//! a bound:
//!
//!   |x·e − x̂·ê| ≤ ‖x − x̂‖ ‖e‖ + ‖x̂‖ ‖e − ê‖   (Cauchy–Schwarz), and what sums lose by rounding.
//!
//! Only a concept that this puts within twice the bound of the row's k-th largest can be among its k largest. There are a
//! few dozen of these in a row. Their products are made in float32, and they alone are selected from: codes are those
//! of a product in float32, exactly. A row that has too many, or values that are not finite, is multiplied in float32
//! with all concepts.

mod bfloat;
mod bound;
mod exact;
mod integer;
mod kernel;
mod narrow;
#[cfg(target_arch = "x86_64")]
mod pairs;
#[cfg(test)]
mod tests;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod tiles;

pub(crate) use kernel::Kernel;

use super::{
    order::Relu,
    scratch::Scratch,
    select::{self, Candidates, Kept, RowRoom},
    simd::{LINE, vectorize},
};
use crate::device::{Codes, Tensor, TopKRoom};
use crate::parallel::*;
use bound::Bound;
use bytemuck::cast_slice_mut;
use exact::Exact;
use kernel::{Operands, STRIP};
use narrow::{Layout, Norms, Row, SIDE, panel};

/// Concepts whose scores are made at once, 64 KiB for a strip of rows.
const SCORES: usize = 512;
/// Scores of two rows are not a power of two apart, or they would share too few sets of the first-level cache.
const STRIDE: usize = SCORES + SIDE;
/// Pairs of a block of packed atoms: 1 MiB, which stays in a core's second-level cache.
const BLOCK: usize = 1 << 18;
/// Fewer rows do not make up for packing the atoms.
const FEWEST_ROWS: usize = 64;
/// Fewer concepts hold too few that can be left out.
pub(in crate::device) const FEWEST_CONCEPTS: usize = 512;
/// Candidates that a row has room for beyond those of a product in float32: more are rare.
const MORE_CANDIDATES: usize = 192;
/// If one row in so many is left undecided, a product of all rows is faster.
const UNDECIDED: usize = 8;

/// Candidates of a row of which k are wanted.
pub(in crate::device) fn capacity(k: usize) -> usize {
    select::capacity(k) + MORE_CANDIDATES
}

/// The parts of the room for pre-codes, which holds packed operands here.
struct Plan {
    kernel: Kernel,
    d: usize,
    /// Pairs in a panel.
    panel: usize,
    strips: usize,
    /// Concepts of a block.
    columns: usize,
}

impl Plan {
    /// None if there is too little to gain, or no room.
    fn new(kernel: Kernel, [rows, d, concepts]: [usize; 3], room: usize) -> Option<Self> {
        if rows < FEWEST_ROWS || d < SIDE || concepts < FEWEST_CONCEPTS {
            return None;
        }
        let strips = rows.div_ceil(STRIP);
        let mut plan = Self { kernel, d, panel: panel(d), strips, columns: 0 };
        let left = room.checked_sub(plan.of_facts() + plan.of_rows())?;
        // Of each column the pairs, and its factor.
        let columns = |pairs: usize| pairs / (plan.panel + SIDE) * SIDE / STRIP * STRIP;
        let all = concepts.next_multiple_of(STRIP);
        plan.columns = columns(BLOCK).max(SCORES).min(columns(left)).min(all);
        (plan.columns >= SCORES / 2).then_some(plan)
    }

    /// Numbers for factor and norms of all rows.
    fn of_facts(&self) -> usize {
        self.strips * STRIP * size_of::<Row>() / size_of::<f32>()
    }

    /// Pairs of all rows.
    fn of_rows(&self) -> usize {
        self.strips * 2 * self.panel
    }
}

/// Top-k of relu(X Eᵀ + b), or false if it is better made in another way.
pub(super) fn top_k(
    kernel: Kernel,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    room: &mut TopKRoom,
    codes: &mut Codes,
) -> bool {
    let (rows, d, concepts) = (codes.rows(), x.cols(), codes.concepts());
    let (x, weight, bias) = (x.cpu(), weight.cpu(), bias.map(Tensor::cpu));
    let TopKRoom { pre, keys, kept, capacity, .. } = room;
    let pre = from_cache_line(pre.cpu_mut());
    let Some(plan) = Plan::new(kernel, [rows, d, concepts], pre.len()) else { return false };
    let (facts, packed) = pre.split_at_mut(plan.of_facts());
    let (factors, packed) = packed.split_at_mut(plan.columns);
    let (packed_rows, packed_atoms) =
        cast_slice_mut::<f32, u32>(packed).split_at_mut(plan.of_rows());
    let (keys, kept) = (&mut keys[..rows * *capacity], &mut kept[..rows]);
    kept.fill_with(Default::default);

    let facts: &mut [Row] = cast_slice_mut(facts);
    facts.fill(Row::NONE);
    pack_rows(x, &plan, packed_rows, facts);
    for first in (0..concepts).step_by(plan.columns) {
        let width = plan.columns.min(concepts - first);
        let weight = &weight[first * d..][..width * d];
        let bias = bias.map(|bias| &bias[first..][..width]);
        let norms = pack_atoms(weight, &plan, packed_atoms, factors);
        let block = Block {
            plan: &plan,
            atoms: packed_atoms,
            factors,
            bias,
            bound: Bound::new(d, norms, bias),
            first,
            width,
            k: codes.width(),
            capacity: *capacity,
        };
        block.take(packed_rows, facts, keys, kept);
    }
    Exact { x, weight, bias, d, capacity: *capacity }.finish(keys, kept, codes)
}

/// The values from the first cache line on that begins among them: a row of a tile that lies across two lines is read
/// and written twice.
fn from_cache_line(values: &mut [f32]) -> &mut [f32] {
    let skipped = values.as_ptr().align_offset(LINE * size_of::<f32>()).min(values.len());
    &mut values[skipped..]
}

fn pack_rows(x: &[f32], plan: &Plan, out: &mut [u32], facts: &mut [Row]) {
    let panels = x.par_chunks(SIDE * plan.d).zip(out.par_chunks_mut(plan.panel));
    panels.zip(facts.par_chunks_mut(SIDE)).for_each(|((rows, out), facts)| {
        let format = plan.kernel.format();
        facts.copy_from_slice(&vectorize!(narrow::pack(format, rows, plan.d, Layout::Rows, out)));
    });
}

/// Packs a block of atoms, with zeros up to the end of a strip, and leaves their factors. Returns the largest norms.
fn pack_atoms(atoms: &[f32], plan: &Plan, out: &mut [u32], factors: &mut [f32]) -> Norms {
    let panels = atoms.par_chunks(SIDE * plan.d).zip(out.par_chunks_mut(plan.panel));
    let used = count_of(&panels) * plan.panel;
    let norms = fold_and_add(
        panels.zip(factors.par_chunks_mut(SIDE)),
        || Norms::NONE,
        |norms, ((atoms, out), factors)| {
            let format = plan.kernel.format();
            let found = vectorize!(narrow::pack(format, atoms, plan.d, Layout::Columns, out));
            for (factor, row) in factors.iter_mut().zip(found) {
                *factor = row.factor;
            }
            found.into_iter().fold(norms, |norms, row| norms.or_larger(row.norms))
        },
        Norms::or_larger,
    );
    let end = used.next_multiple_of(2 * plan.panel);
    out[used..end].fill(0);
    norms
}

/// Packed atoms that are selected from before the next ones are packed.
struct Block<'a> {
    plan: &'a Plan,
    atoms: &'a [u32],
    factors: &'a [f32],
    bias: Option<&'a [f32]>,
    bound: Bound,
    first: usize,
    width: usize,
    k: usize,
    capacity: usize,
}

impl Block<'_> {
    /// Takes what may be among the k largest into the candidates of each row.
    fn take(&self, rows: &[u32], facts: &[Row], keys: &mut [u64], kept: &mut [Kept]) {
        let strips = rows.par_chunks(2 * self.plan.panel).zip(facts.par_chunks(STRIP));
        let keys = keys.par_chunks_mut(STRIP * self.capacity);
        strips.zip(keys).zip(kept.par_chunks_mut(STRIP)).for_each_init(
            || (RowRoom::new(self.k, self.capacity), Scratch::new(STRIP * STRIDE + LINE)),
            |(room, scores), (((rows, facts), keys), kept)| {
                let scores = from_cache_line(scores);
                for at in (0..self.width).step_by(SCORES) {
                    self.score(at, rows, facts, scores);
                    let of_rows = keys.chunks_mut(self.capacity).zip(&mut *kept);
                    for ((scores, row), (keys, kept)) in
                        scores.chunks_mut(STRIDE).zip(facts).zip(of_rows)
                    {
                        self.take_row(at, scores, row.norms, Candidates { keys, kept, room });
                    }
                }
            },
        );
    }

    /// The scores of a strip of rows with up to [`SCORES`] concepts from `at` on.
    fn score(&self, at: usize, rows: &[u32], facts: &[Row], out: &mut [f32]) {
        let panels = (self.width - at).min(SCORES).div_ceil(STRIP) * 2;
        let panel = self.plan.panel;
        let operands = Operands {
            rows,
            columns: &self.atoms[at / SIDE * panel..][..panels * panel],
            panel,
            row_factors: &std::array::from_fn(|row| facts[row].factor),
            column_factors: &self.factors[at..][..panels * SIDE],
        };
        self.plan.kernel.scores(operands, out, STRIDE);
    }

    fn take_row(
        &self,
        at: usize,
        scores: &mut [f32],
        norms: Norms,
        mut candidates: Candidates<'_, Relu>,
    ) {
        let margin = self.bound.of(norms);
        let width = (self.width - at).min(SCORES);
        let scores = &mut scores[..width];
        candidates.kept.widen(2.0 * margin);
        vectorize!({
            match self.bias {
                Some(bias) => {
                    for (score, bias) in scores.iter_mut().zip(&bias[at..at + width]) {
                        *score += bias + margin;
                    }
                }
                None => scores.iter_mut().for_each(|score| *score += margin),
            }
            candidates.scan(self.first + at, scores);
        });
    }
}
