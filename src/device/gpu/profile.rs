//! The time of kernels on the GPU, by timestamps at both ends of a compute pass of their own.

use super::Gpu;
use crate::device::{OperationTime, profile::sorted};
use crate::error::Result;
use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

/// Kernels whose times fit a set of queries; a set may have 4096.
const KERNELS: u32 = 2048;

/// Timestamps of the kernels recorded so far.
pub(super) struct Timestamps {
    set: wgpu::QuerySet,
    /// The kernels whose times are in `set`.
    names: Vec<&'static str>,
    resolved: Vec<Resolved>,
}

/// Timestamps that are on their way to the host, two for each kernel.
struct Resolved {
    staging: wgpu::Buffer,
    names: Vec<&'static str>,
}

impl Timestamps {
    fn new(device: &wgpu::Device) -> Self {
        let set = device.create_query_set(&wgpu::QuerySetDescriptor {
            label: Some("profile"),
            ty: wgpu::QueryType::Timestamp,
            count: 2 * KERNELS,
        });
        Self { set, names: Vec::new(), resolved: Vec::new() }
    }

    /// Whether there is no room for another kernel before [`Timestamps::resolve`].
    pub fn full(&self) -> bool {
        self.names.len() == KERNELS as usize
    }

    /// Where the pass of the kernel `name` leaves its times.
    pub fn next(&mut self, name: &'static str) -> wgpu::ComputePassTimestampWrites<'_> {
        let first = 2 * self.names.len() as u32;
        self.names.push(name);
        wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(first),
            end_of_pass_write_index: Some(first + 1),
        }
    }

    /// Records that the times so far go to memory that the host can read.
    pub fn resolve(&mut self, device: &wgpu::Device, encoder: &mut wgpu::CommandEncoder) {
        let names = std::mem::take(&mut self.names);
        if names.is_empty() {
            return;
        }
        let size = 16 * names.len() as u64;
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("profile"),
                size,
                usage,
                mapped_at_creation: false,
            })
        };
        let times = buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC);
        let staging = buffer(wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        encoder.resolve_query_set(&self.set, 0..2 * names.len() as u32, &times, 0);
        encoder.copy_buffer_to_buffer(&times, 0, &staging, 0, size);
        self.resolved.push(Resolved { staging, names });
    }
}

impl Gpu {
    /// Begins or ends taking the time of every kernel. Without timestamps nothing is taken.
    pub(crate) fn set_profiling(&self, on: bool) {
        let able = self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.timestamps = (on && able).then(|| Timestamps::new(&self.device));
    }

    /// The time of each kernel since the last call.
    pub(crate) async fn take_profile(&self) -> Result<Vec<OperationTime>> {
        let resolved = {
            let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
            recorder.resolve_timestamps(&self.device);
            recorder.timestamps.as_mut().map(|timestamps| std::mem::take(&mut timestamps.resolved))
        };
        self.submit();
        let nanoseconds = f64::from(self.queue.get_timestamp_period());
        let mut times: BTreeMap<_, (u64, Duration)> = BTreeMap::new();
        for Resolved { staging, names } in resolved.unwrap_or_default() {
            let mut stamps = vec![0_u64; 2 * names.len()];
            self.fetch(&staging, bytemuck::cast_slice_mut(&mut stamps)).await?;
            for (name, stamps) in names.into_iter().zip(stamps.chunks_exact(2)) {
                let ticks = stamps[1].saturating_sub(stamps[0]);
                let (calls, sum) = times.entry(name).or_default();
                *calls += 1;
                *sum += Duration::from_nanos((ticks as f64 * nanoseconds) as u64);
            }
        }
        Ok(sorted(times))
    }
}
