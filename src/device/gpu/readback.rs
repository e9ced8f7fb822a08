//! From the device back to the host: the only thing that waits.

use super::{Gpu, RowBuffers};
use crate::device::Element;
use crate::error::{Error, Result};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

/// Bytes of the staging buffer: what is larger is read in pieces.
const STAGING: u64 = 64 << 20;

/// A value that a callback will bring.
struct Signal<T>(Arc<Mutex<(Option<T>, Option<Waker>)>>);

impl<T> Signal<T> {
    fn new() -> (Self, impl FnOnce(T)) {
        let shared = Arc::new(Mutex::new((None, None::<Waker>)));
        let sender = shared.clone();
        let send = move |value| {
            let waker = {
                let mut state = sender.lock().unwrap_or_else(PoisonError::into_inner);
                state.0 = Some(value);
                state.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        };
        (Self(shared), send)
    }

    async fn wait(self) -> T {
        poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match state.0.take() {
                Some(value) => Poll::Ready(value),
                None => {
                    state.1 = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Gpu {
    /// Submits, and waits until the device has done everything.
    ///
    /// # Errors
    /// [`Error::Device`] with the first fault since the last call.
    pub async fn sync(&self) -> Result<()> {
        self.submit();
        let (done, send) = Signal::new();
        self.queue.on_submitted_work_done(move || send(()));
        if self.poll(true) {
            done.wait().await;
        }
        self.fault()
    }

    /// The first `rows` rows, [rows, cols], after all that was recorded.
    ///
    /// # Errors
    /// As [`Gpu::sync`].
    pub(crate) async fn read<T: Element>(
        &self,
        source: &RowBuffers,
        rows: usize,
        cols: usize,
    ) -> Result<Vec<T>> {
        let mut values = vec![T::default(); rows * cols];
        if values.is_empty() {
            return Ok(values);
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        let row_bytes = cols * size_of::<T>();
        let staging = self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("readback"),
            size: (bytes.len() as u64).min(STAGING),
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        for (chunk, range) in source.in_use(rows) {
            let target = &mut bytes[range.start * row_bytes..range.end * row_bytes];
            for (i, piece) in target.chunks_mut(STAGING as usize).enumerate() {
                let from = (&chunk.buffer, i as u64 * STAGING);
                self.copy(from, (&staging, 0), piece.len() as u64);
                self.submit();
                self.fetch(&staging, piece).await?;
            }
        }
        self.fault()?;
        Ok(values)
    }

    pub(super) async fn fetch(&self, staging: &wgpu::Buffer, target: &mut [u8]) -> Result<()> {
        let slice = staging.slice(..target.len() as u64);
        let (mapped, send) = Signal::new();
        slice.map_async(wgpu::MapMode::Read, send);
        let outcome = if self.poll(true) { Some(mapped.wait().await) } else { None };
        let view = match outcome {
            Some(Ok(())) => slice.get_mapped_range().ok(),
            _ => None,
        };
        let Some(view) = view else {
            self.fault()?;
            return Err(Error::Device {
                device: self.name(),
                problem: "its memory could not be read back".to_string(),
                hint: "Try again; if it happens again, use --backend cpu.".to_string(),
            });
        };
        target.copy_from_slice(&view);
        drop(view);
        staging.unmap();
        Ok(())
    }

    /// Lets callbacks run: waits for all that was submitted, except in the browser, which calls back by itself.
    /// False if waiting failed, so that callbacks may never come.
    pub(super) fn poll(&self, wait: bool) -> bool {
        let kind = if wait { wgpu::PollType::wait_indefinitely() } else { wgpu::PollType::Poll };
        match self.device.poll(kind) {
            Ok(_) => true,
            Err(error) => {
                self.faults.note(format!("waiting for it failed: {error}"), false);
                false
            }
        }
    }

    fn fault(&self) -> Result<()> {
        self.faults.take(&self.name()).map_or(Ok(()), Err)
    }
}
