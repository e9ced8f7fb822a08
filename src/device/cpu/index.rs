//! The transposed index: entries by atom.

use crate::device::{ByAtom, Codes, shapes};
use crate::parallel::*;

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
    let mut tasks = Vec::with_capacity(concepts.div_ceil(atoms));
    let mut rest = &mut entries[..total];
    for first in (0..concepts).step_by(atoms) {
        let last = (first + atoms).min(concepts);
        let (own, after) = rest.split_at_mut((offsets[last] - offsets[first]) as usize);
        tasks.push((first, last, own));
        rest = after;
    }
    tasks.into_par_iter().for_each(|(first, last, own)| {
        let start = offsets[first];
        let mut next: Vec<u32> = offsets[first..last].iter().map(|offset| offset - start).collect();
        rows.visit(first, last, |atom, entry| {
            let place = &mut next[atom - first];
            own[*place as usize] = entry;
            *place += 1;
        });
    });
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
