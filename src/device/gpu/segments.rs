//! Row-wise kernels over split matrices: the runs of rows for which each operand is in one buffer.

use super::{Chunk, RowBuffers};

/// Rows `row0..row0 + rows` of the matrices, all of them within one chunk of each operand.
pub(super) struct Segment<'a, const N: usize> {
    pub row0: usize,
    pub rows: usize,
    /// The chunk of each operand.
    pub chunks: [&'a Chunk; N],
}

impl<const N: usize> Segment<'_, N> {
    /// The first element of operand `i`, of `cols` columns, in its chunk. A chunk has fewer than 2³² bytes.
    pub fn start(&self, i: usize, cols: usize) -> u32 {
        ((self.row0 - self.chunks[i].row0) * cols) as u32
    }

    /// Elements of an operand of `cols` columns.
    pub fn count(&self, cols: usize) -> u32 {
        (self.rows * cols) as u32
    }
}

/// The first `rows` rows of all operands, in order.
pub(super) fn segments<const N: usize>(
    operands: [&RowBuffers; N],
    rows: usize,
) -> Vec<Segment<'_, N>> {
    let mut found = Vec::new();
    let mut at = [0; N];
    let mut row0 = 0;
    while row0 < rows {
        let chunks: [&Chunk; N] = std::array::from_fn(|i| &operands[i].chunks[at[i]]);
        let end = chunks.iter().fold(rows, |end, chunk| end.min(chunk.row0 + chunk.rows));
        if end > row0 {
            found.push(Segment { row0, rows: end - row0, chunks });
        }
        for (at, chunk) in at.iter_mut().zip(chunks) {
            *at += usize::from(chunk.row0 + chunk.rows == end);
        }
        row0 = end;
    }
    found
}
