//! The order of rows in an epoch: shuffled, resumable at any place, within a bound of memory.

use super::{
    Source,
    random::{Purpose, generator, shuffle},
};
use std::ops::Range;

/// Bytes of a file that may be in memory at once for shuffling, unless told otherwise: 1 GiB.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// Rows that stay neighbours when a set larger than memory is shuffled.
const BLOCK_ROWS: usize = 256;

/// How rows are ordered in each epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shuffle {
    /// The seed; `None` leaves the order of the files.
    pub seed: Option<u64>,
    /// Bytes of the files that may be in memory at once.
    pub memory: u64,
}

impl Shuffle {
    /// A new order in every epoch, drawn from `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self { seed: Some(seed), memory: DEFAULT_MEMORY }
    }

    /// The order of the files.
    pub fn none() -> Self {
        Self { seed: None, memory: DEFAULT_MEMORY }
    }

    /// With another bound of memory, in bytes.
    pub fn with_memory(self, memory: u64) -> Self {
        Self { memory, ..self }
    }
}

/// The order of rows in one epoch: which row stands at each position.
///
/// A set that fits the memory bound is permuted whole. A larger one is permuted by blocks of neighbouring rows;
/// as many blocks as fit the bound form a window, and rows are permuted within it. The order depends on the seed, the
/// epoch, the bound, and the number and size of the rows, and on nothing else.
#[derive(Debug)]
pub struct Order {
    rows: usize,
    kind: Kind,
    /// Positions before this one have been released.
    released: usize,
}

#[derive(Debug)]
enum Kind {
    /// As in the files. Rows that were passed are released in runs of this many, if there are more than fit.
    Files { release_every: Option<usize> },
    /// All rows permuted.
    Whole(Vec<u32>),
    /// Blocks permuted, and rows within windows of blocks.
    Windows(Windows),
}

#[derive(Debug)]
struct Windows {
    seed: u64,
    epoch: u64,
    rows: usize,
    block_rows: usize,
    blocks_per_window: usize,
    /// Blocks in the order of this epoch.
    blocks: Vec<u32>,
    /// First position of each window, and the number of rows at the end.
    starts: Vec<usize>,
    /// The window whose rows are in `order`.
    current: Option<usize>,
    /// Block within the window · `block_rows` + row within the block, for each position of the window.
    order: Vec<u32>,
}

impl Order {
    /// The order of epoch `epoch` for a set of `rows` rows of `row_bytes` bytes each (0 if all is in memory).
    pub fn new(rows: usize, row_bytes: usize, how: Shuffle, epoch: u64) -> Self {
        let too_large = (rows as u64).saturating_mul(row_bytes as u64) > how.memory;
        let kind = match how.seed {
            None => Kind::Files {
                // An eighth of the bound at a time: few calls, and little more in memory than needed.
                release_every: too_large.then(|| {
                    usize::try_from(how.memory / 8 / row_bytes as u64).map_or(rows, |n| n.max(1))
                }),
            },
            Some(seed) if too_large || u32::try_from(rows).is_err() => {
                Kind::Windows(Windows::new(rows, row_bytes, how.memory, seed, epoch))
            }
            Some(seed) => {
                let mut order: Vec<u32> = (0..rows as u32).collect();
                shuffle(&mut generator(seed, Purpose::Shuffle, [epoch, 0]), &mut order);
                Kind::Whole(order)
            }
        };
        Self { rows, kind, released: 0 }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Replaces `out` by the rows at these positions. Cheap at any position: no data is read, and at most the
    /// windows that are touched are drawn.
    ///
    /// # Panics
    /// If the positions reach past the end.
    pub fn rows_at(&mut self, positions: Range<usize>, out: &mut Vec<usize>) {
        assert!(positions.end <= self.rows, "positions {positions:?} of {} rows", self.rows);
        out.clear();
        match &mut self.kind {
            Kind::Files { .. } => out.extend(positions),
            Kind::Whole(order) => out.extend(order[positions].iter().map(|&row| row as usize)),
            Kind::Windows(windows) => windows.rows_at(positions, out),
        }
    }

    /// Releases the rows that stand before `position` and will not be needed again in this epoch, if the set does not
    /// fit the memory bound.
    pub fn release_before(&mut self, position: usize, source: &dyn Source) {
        match &self.kind {
            Kind::Whole(_) => {}
            Kind::Files { release_every } => {
                if let Some(every) = *release_every
                    && (position >= self.released + every || position == self.rows)
                {
                    source.release(self.released..position);
                    self.released = position;
                }
            }
            Kind::Windows(windows) => {
                for window in windows.window_at(self.released)..windows.starts.len() - 1 {
                    if windows.starts[window + 1] > position {
                        break;
                    }
                    windows.blocks_of(window).for_each(|rows| source.release(rows));
                    self.released = windows.starts[window + 1];
                }
            }
        }
    }

    /// Starts at `position`: what stands before was not read by this order and needs no release.
    pub fn start_at(&mut self, position: usize) {
        self.released = match &self.kind {
            Kind::Windows(windows) => windows.starts[windows.window_at(position)],
            _ => position,
        };
    }
}

impl Windows {
    fn new(rows: usize, row_bytes: usize, memory: u64, seed: u64, epoch: u64) -> Self {
        // Larger blocks only where their number would pass u32: a set of a million million rows.
        let block_rows = BLOCK_ROWS.max(rows.div_ceil(u32::MAX as usize));
        let block_bytes = (block_rows as u64).saturating_mul(row_bytes.max(1) as u64);
        let most = u64::from(u32::MAX) / block_rows as u64;
        let blocks_per_window = (memory / block_bytes).clamp(1, most.max(1)) as usize;

        let mut blocks: Vec<u32> = (0..rows.div_ceil(block_rows) as u32).collect();
        shuffle(&mut generator(seed, Purpose::Shuffle, [epoch, 0]), &mut blocks);
        let mut windows = Self {
            seed,
            epoch,
            rows,
            block_rows,
            blocks_per_window,
            blocks,
            starts: vec![0],
            current: None,
            order: Vec::new(),
        };
        let mut start = 0;
        for window in 0..windows.blocks.len().div_ceil(blocks_per_window) {
            start += windows.blocks_of(window).map(|rows| rows.len()).sum::<usize>();
            windows.starts.push(start);
        }
        windows
    }

    /// The rows of each block of a window.
    fn blocks_of(&self, window: usize) -> impl Iterator<Item = Range<usize>> {
        let first = window * self.blocks_per_window;
        let last = (first + self.blocks_per_window).min(self.blocks.len());
        self.blocks[first..last].iter().map(|&block| {
            let start = block as usize * self.block_rows;
            start..(start + self.block_rows).min(self.rows)
        })
    }

    /// The window that holds a position; the last one for the position past the end.
    fn window_at(&self, position: usize) -> usize {
        let past = self.starts.partition_point(|&start| start <= position);
        (past - 1).min(self.starts.len().saturating_sub(2))
    }

    fn rows_at(&mut self, positions: Range<usize>, out: &mut Vec<usize>) {
        let mut position = positions.start;
        while position < positions.end {
            let window = self.window_at(position);
            self.draw(window);
            let start = self.starts[window];
            let end = positions.end.min(self.starts[window + 1]);
            let first_block = window * self.blocks_per_window;
            out.extend(self.order[position - start..end - start].iter().map(|&place| {
                let block = self.blocks[first_block + place as usize / self.block_rows] as usize;
                block * self.block_rows + place as usize % self.block_rows
            }));
            position = end;
        }
    }

    /// Makes `window` the current one.
    fn draw(&mut self, window: usize) {
        if self.current == Some(window) {
            return;
        }
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        for (block, rows) in self.blocks_of(window).enumerate() {
            let first = (block * self.block_rows) as u32;
            order.extend(first..first + rows.len() as u32);
        }
        let counters = [self.epoch, window as u64];
        shuffle(&mut generator(self.seed, Purpose::Window, counters), &mut order);
        self.order = order;
        self.current = Some(window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(order: &mut Order) -> Vec<usize> {
        let mut out = Vec::new();
        order.rows_at(0..order.rows(), &mut out);
        out
    }

    fn assert_permutation(mut rows: Vec<usize>, n: usize) {
        rows.sort_unstable();
        assert_eq!(rows, (0..n).collect::<Vec<_>>());
    }

    /// (rows, bytes of a row, memory): whole, windows with and without a short block, a block larger than the bound.
    const SHAPES: [(usize, usize, u64); 8] = [
        (1, 4, 1 << 20),
        (1000, 4, 1 << 20),
        (1000, 0, 0),
        (1024, 4, 2048),
        (1000, 4, 2048),
        (5000, 16, 3 * 4096),
        (700, 8, 1),
        (257, 4, 1024),
    ];

    #[test]
    fn every_order_is_a_permutation() {
        for (rows, row_bytes, memory) in SHAPES {
            for how in [Shuffle::seeded(3), Shuffle::none()] {
                for epoch in 0..3 {
                    let how = how.with_memory(memory);
                    assert_permutation(all(&mut Order::new(rows, row_bytes, how, epoch)), rows);
                }
            }
        }
    }

    #[test]
    fn epochs_and_seeds_differ_and_repeat() {
        for (rows, row_bytes, memory) in [(1000, 4, 1 << 20), (1000, 4, 2048)] {
            let order = |seed, epoch| {
                all(&mut Order::new(
                    rows,
                    row_bytes,
                    Shuffle::seeded(seed).with_memory(memory),
                    epoch,
                ))
            };
            assert_eq!(order(1, 0), order(1, 0));
            assert_ne!(order(1, 0), order(1, 1));
            assert_ne!(order(1, 0), order(2, 0));
        }
    }

    #[test]
    fn any_range_equals_the_same_part_of_the_whole() {
        for (rows, row_bytes, memory) in SHAPES {
            let how = Shuffle::seeded(9).with_memory(memory);
            let whole = all(&mut Order::new(rows, row_bytes, how, 2));
            for batch in [1, 33, 300, 512] {
                for start in (0..rows).step_by(batch * 3) {
                    // A fresh order each time, as after a resume.
                    let mut order = Order::new(rows, row_bytes, how, 2);
                    let range = start..(start + batch).min(rows);
                    let mut out = vec![77];
                    order.rows_at(range.clone(), &mut out);
                    assert_eq!(out, whole[range], "{rows} rows, {row_bytes} bytes, from {start}");
                }
            }
        }
    }

    #[test]
    fn a_window_stays_within_the_bound_and_mixes_its_blocks() {
        let (rows, row_bytes, memory) = (10_000, 8, 5 * 256 * 8 + 100);
        let mut order = Order::new(rows, row_bytes, Shuffle::seeded(1).with_memory(memory), 0);
        let whole = all(&mut order);
        let Kind::Windows(windows) = &order.kind else { panic!("it does not fit") };
        assert_eq!(windows.blocks_per_window, 5);
        for pair in windows.starts.windows(2) {
            let window = &whole[pair[0]..pair[1]];
            assert!((window.len() * row_bytes) as u64 <= memory);
            let blocks: std::collections::BTreeSet<_> = window.iter().map(|r| r / 256).collect();
            assert!(blocks.len() <= 5);
            // Rows of one block do not come one after another.
            let neighbours = window.windows(2).filter(|w| w[1] == w[0] + 1).count();
            assert!(neighbours < window.len() / 20, "{neighbours} of {}", window.len());
        }
    }

    #[test]
    fn the_order_of_files_is_kept() {
        let how = Shuffle::none().with_memory(16);
        assert_eq!(all(&mut Order::new(100, 4, how, 5)), (0..100).collect::<Vec<_>>());
    }
}
