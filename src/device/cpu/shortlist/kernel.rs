//! What multiplies packed operands.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use super::tiles;

use super::narrow::SIDE;

/// Rows that a kernel takes at once: two panels.
pub(super) const STRIP: usize = 2 * SIDE;

/// Which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kernel {
    /// The matrix unit of newer Xeons.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Tiles,
    /// Plain loops: slower than a product in float32, for comparison.
    #[cfg(test)]
    Plain,
}

impl Kernel {
    /// The one that is faster on this machine than a product in float32.
    pub(in crate::device) fn of_machine() -> Option<Self> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if tiles::are_there() {
            return Some(Self::Tiles);
        }
        None
    }

    /// out = the products of a strip of rows with an even number of panels of columns: rows `stride` apart.
    #[allow(unused_variables, reason = "elsewhere there is none")]
    pub(super) fn scores(
        self,
        rows: &[u32],
        columns: &[u32],
        panel: usize,
        out: &mut [f32],
        stride: usize,
    ) {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Self::Tiles => tiles::scores(rows, columns, panel, out, stride),
            #[cfg(test)]
            Self::Plain => plain(rows, columns, panel, out, stride),
        }
    }
}

/// The twin of the others.
#[cfg(test)]
fn plain(rows: &[u32], columns: &[u32], panel: usize, out: &mut [f32], stride: usize) {
    use super::narrow::{TILE, widen};
    let halves = |pair: u32| [pair as u16, (pair >> 16) as u16].map(widen);
    for (j, columns) in columns.chunks(panel).enumerate() {
        for (i, row) in (0..STRIP).map(|i| (i, &rows[i / SIDE * panel..][..panel])) {
            for column in 0..SIDE {
                let mut sum = 0.0;
                for (row, columns) in row.chunks(TILE).zip(columns.chunks(TILE)) {
                    for pair in 0..SIDE {
                        let x = halves(row[i % SIDE * SIDE + pair]);
                        let y = halves(columns[pair * SIDE + column]);
                        sum += x[0] * y[0] + x[1] * y[1];
                    }
                }
                out[i * stride + j * SIDE + column] = sum;
            }
        }
    }
}
