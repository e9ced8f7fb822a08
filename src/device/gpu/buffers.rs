//! Matrices in buffers: one, or several of some rows each where one binding could not hold them all.

use super::Gpu;
use crate::device::Element;
use crate::error::{Error, Result, human_bytes};
use std::ops::Range;
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

/// Indices in the shaders are u32 and count elements of 4 bytes; rounding up must not overflow either.
const ADDRESSABLE: u64 = 1 << 32;
/// No machine has more: a shape that asks for it is a mistake.
const ABSURD: u64 = 1 << 42;
/// Bytes that may wait in staging memory before they are sent on.
const STAGED: u64 = 64 << 20;

/// Some rows of a matrix, in one buffer. What a kernel binds.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub buffer: wgpu::Buffer,
    /// Never used twice on a device: the key of the bind groups.
    pub id: u64,
    /// The first row of the matrix that stands here.
    pub row0: usize,
    /// How many rows there is room for.
    pub rows: usize,
    graveyard: Graveyard,
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.graveyard.bury(self.id);
    }
}

/// The ids of buffers whose bind groups are to be dropped, so that their memory is free again.
#[derive(Clone, Debug, Default)]
pub(super) struct Graveyard(Arc<Mutex<Vec<u64>>>);

impl Graveyard {
    fn bury(&self, id: u64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(id);
    }

    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A matrix, split by rows. There is always one chunk at least, so that an empty operand can be bound too.
#[derive(Debug)]
pub(crate) struct RowBuffers {
    pub chunks: Vec<Chunk>,
    /// Columns, for the sizes of copies.
    pub cols: usize,
}

impl RowBuffers {
    /// The chunks that hold rows below `rows`, each with the rows of the matrix that are in use there.
    pub fn in_use(&self, rows: usize) -> impl Iterator<Item = (&Chunk, Range<usize>)> {
        self.chunks
            .iter()
            .map(move |chunk| (chunk, chunk.row0..(chunk.row0 + chunk.rows).min(rows)))
            .filter(|(_, range)| !range.is_empty())
    }

    /// The only chunk, for operands that are never split.
    ///
    /// # Panics
    /// If it is split: allocate such an operand with [`Gpu::whole`].
    pub fn single(&self) -> &Chunk {
        assert_eq!(self.chunks.len(), 1, "an operand that must not be split is split");
        &self.chunks[0]
    }
}

impl Gpu {
    /// A matrix of zeros.
    pub(crate) fn allocate<T: Element>(&self, rows: usize, cols: usize) -> Result<RowBuffers> {
        let row_bytes = (cols as u64).saturating_mul(size_of::<T>() as u64);
        let bytes = (rows as u64).saturating_mul(row_bytes);
        let limit = self.max_chunk();
        if row_bytes > limit {
            let what = format!("one row of {cols} values");
            return Err(self.too_large(what, row_bytes, "the largest buffer of", limit));
        }
        if bytes > ABSURD {
            let what = format!("a matrix of {rows} × {cols}");
            return Err(self.too_large(
                what,
                bytes,
                "the most memory that any device has, let alone",
                ABSURD,
            ));
        }
        let most = (limit / row_bytes.max(1)).min(rows.max(1) as u64) as usize;
        // Chunks of one size, for a short last one would cost as many dispatches as a full one.
        let chunk_rows = rows.max(1).div_ceil(rows.max(1).div_ceil(most));
        self.purge();
        let mut chunks = Vec::new();
        for row0 in (0..rows.max(1)).step_by(chunk_rows) {
            let rows_here = chunk_rows.min(rows - row0.min(rows));
            let chunk = self.new_chunk(row0, rows_here, rows_here as u64 * row_bytes);
            chunks.push(chunk);
            if self.faults.take_out_of_memory() {
                let what = format!("a matrix of {rows} × {cols}");
                return Err(self.too_large(what, bytes, "the free memory of", 0));
            }
        }
        Ok(RowBuffers { chunks, cols })
    }

    /// The most bytes of one chunk.
    pub(crate) fn max_chunk(&self) -> u64 {
        let limits = &self.limits;
        // The size is rounded up to 16 bytes afterwards, so the limit is rounded down.
        limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size)
            .min(self.max_binding.unwrap_or(u64::MAX))
            .min(ADDRESSABLE - 16)
            / 16
            * 16
    }

    fn new_chunk(&self, row0: usize, rows: usize, bytes: u64) -> Chunk {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let buffer = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: None,
            // Kernels may read rows of vec4; and a binding must not be empty.
            size: bytes.next_multiple_of(16).max(16),
            usage: wgpu::BufferUsages::STORAGE
                | wgpu::BufferUsages::COPY_SRC
                | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        Chunk { buffer, id, row0, rows, graveyard: self.graveyard.clone() }
    }

    /// Room of at least `elements` f32 or u32 for the use called `name`: kept, and shared by all who name it,
    /// one after another. Its contents are unspecified.
    pub(crate) fn scratch(&self, name: &'static str, elements: usize) -> Arc<Chunk> {
        let bytes = elements as u64 * 4;
        let mut scratch = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        match scratch.get(name) {
            Some(chunk) if chunk.buffer.size() >= bytes => chunk.clone(),
            _ => {
                let chunk = Arc::new(self.new_chunk(0, 1, bytes));
                scratch.insert(name, chunk.clone());
                chunk
            }
        }
    }

    /// Overwrites the first `data.len()` bytes: after the commands recorded so far, before those recorded later.
    pub(crate) fn write(&self, target: &mut RowBuffers, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        // The queue puts writes before everything in the next submission.
        self.submit();
        let row_bytes = target.cols * 4;
        let mut staged = 0;
        for (chunk, range) in target.in_use(data.len() / row_bytes) {
            let bytes = &data[range.start * row_bytes..range.end * row_bytes];
            for (i, piece) in bytes.chunks(STAGED as usize).enumerate() {
                self.queue.write_buffer(&chunk.buffer, i as u64 * STAGED, piece);
                staged += piece.len() as u64;
                if staged >= STAGED {
                    // Otherwise a second copy of the whole would pile up on the host.
                    self.queue.submit([]);
                    self.poll(true);
                    staged = 0;
                }
            }
        }
    }

    fn too_large(&self, what: String, bytes: u64, limit_name: &str, limit: u64) -> Error {
        Error::TooLarge {
            what,
            needed: human_bytes(bytes),
            limit_name: format!("{limit_name} {}", self.name()),
            limit: if limit == 0 { "less".to_string() } else { human_bytes(limit) },
            hint: "Lower --concepts, --points or --batch-size, or use --backend cpu.".to_string(),
        }
    }
}
