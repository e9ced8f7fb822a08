//! The transposed index: entries by atom.

use super::scratch::Scratch;
use crate::device::{ByAtom, Codes, shapes};
use crate::parallel::*;
use std::ops::Range;

/// Entries above which atoms are shared out over the cores.
const PARALLEL_FROM: usize = 1 << 16;
/// Atoms a task takes then.
const ATOMS: usize = 512;

/// The index of a [`ByAtom`], taken apart.
#[derive(Clone, Copy)]
pub(super) struct Index<'a> {
    offsets: &'a [u32],
    entries: &'a [u32],
    width: usize,
}

impl<'a> Index<'a> {
    pub(super) fn new(by_atom: &'a ByAtom) -> Self {
        let (offsets, entries) = by_atom.index.cpu().split_at(by_atom.concepts() + 1);
        Self { offsets, entries, width: by_atom.width() }
    }

    /// All entries, by atom.
    pub(super) fn entries(self) -> &'a [u32] {
        &self.entries[..self.offsets.last().map_or(0, |&end| end as usize)]
    }

    /// The entries of an atom, ascending by row.
    #[inline(always)]
    pub(super) fn of(self, atom: usize) -> &'a [u32] {
        &self.entries[self.offsets[atom] as usize..self.offsets[atom + 1] as usize]
    }

    /// How many entries some atoms have.
    pub(super) fn count(self, atoms: &Range<usize>) -> usize {
        (self.offsets[atoms.end] - self.offsets[atoms.start]) as usize
    }

    /// The row of the batch that an entry stands in.
    #[inline(always)]
    pub(super) fn row(self, entry: u32) -> usize {
        entry as usize / self.width
    }
}

/// Orders the entries of `codes` by atom: a counting sort.
pub(super) fn by_atom(codes: &Codes, out: &mut ByAtom) {
    shapes::index(codes, out);
    let concepts = codes.concepts();
    let counts = codes.counts.cpu();
    let total: usize = counts.iter().map(|&count| count as usize).sum();
    let (offsets, entries) = out.index.cpu_mut().split_at_mut(concepts + 1);
    offsets[0] = 0;
    if concepts == 0 {
        return;
    }
    let atoms = if total < PARALLEL_FROM { concepts } else { ATOMS };
    let rows = Rows { indices: codes.indices.cpu(), counts, width: codes.width() };

    offsets[1..].par_chunks_mut(atoms).enumerate().for_each(|(task, sizes)| {
        sizes.fill(0);
        let first = task * atoms;
        rows.visit(first, first + sizes.len(), |atom, _| sizes[atom - first] += 1);
    });
    for atom in 0..concepts {
        offsets[atom + 1] += offsets[atom];
    }

    let offsets = &*offsets;
    let all = Part { atoms: 0..concepts, entries: &mut entries[..total] };
    split(all, |part| part.halves(atoms, offsets)).for_each(|Part { atoms, entries }| {
        let Range { start: first, end: last } = atoms;
        let mut next = Scratch::<u32>::new(last - first);
        next.copy_from_slice(&offsets[first..last]);
        rows.visit(first, last, |atom, entry| {
            let place = &mut next[atom - first];
            entries[(*place - offsets[first]) as usize] = entry;
            *place += 1;
        });
    });
}

/// Some atoms and where their entries go.
struct Part<'a> {
    atoms: Range<usize>,
    entries: &'a mut [u32],
}

impl Part<'_> {
    /// Two halves, each of whole tasks of `task` atoms, if there is more than one.
    fn halves(self, task: usize, offsets: &[u32]) -> (Self, Option<Self>) {
        let Some((atoms, others)) = halves(&self.atoms, task) else { return (self, None) };
        let count = offsets[atoms.end] - offsets[atoms.start];
        let (entries, rest) = self.entries.split_at_mut(count as usize);
        (Self { atoms, entries }, Some(Part { atoms: others, entries: rest }))
    }
}

/// The halves of a range, of whole tasks of `task` numbers each, if there is more than one task.
pub(super) fn halves(range: &Range<usize>, task: usize) -> Option<(Range<usize>, Range<usize>)> {
    let tasks = range.len().div_ceil(task);
    let middle = range.start + tasks / 2 * task;
    (tasks > 1).then_some((range.start..middle, middle..range.end))
}

#[derive(Clone, Copy)]
struct Rows<'a> {
    indices: &'a [u32],
    counts: &'a [u32],
    width: usize,
}

impl Rows<'_> {
    /// Calls `op(atom, entry)` for the entries of the atoms first..last, row by row.
    fn visit(self, first: usize, last: usize, mut op: impl FnMut(usize, u32)) {
        for (row, &count) in self.counts.iter().enumerate() {
            let base = row * self.width;
            let indices = &self.indices[base..base + count as usize];
            // Rows ascend by concept, so the part of these atoms is contiguous.
            let from =
                if first == 0 { 0 } else { indices.partition_point(|&j| (j as usize) < first) };
            for (place, &atom) in indices.iter().enumerate().skip(from) {
                if atom as usize >= last {
                    break;
                }
                op(atom as usize, (base + place) as u32);
            }
        }
    }
}
