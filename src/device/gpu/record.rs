//! Recording: dispatches gather in one compute pass, their parameters in one uniform buffer, until they are submitted.

use super::choice::{Rounds, of_lanes};
use super::pipelines::{Access, Constants, Kernel, KernelSpec, Pipelines};
use super::profile::Timestamps;
use super::{Chunk, Gpu};
use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;

/// Bytes of one parameter block, and the alignment that every device accepts for its offset.
pub(super) const BLOCK: usize = 256;
/// Parameter blocks before a submission comes by itself.
const BLOCKS: usize = 4096;
/// A binding of a dispatch.
pub(crate) type Binding<'a> = &'a Chunk;

/// What is recorded and not yet submitted, and what recording reuses.
pub(super) struct Recorder {
    pass: Option<wgpu::ComputePass<'static>>,
    encoder: Option<wgpu::CommandEncoder>,
    /// Parameter blocks of the dispatches so far; they go to `arena` at the submission.
    blocks: Vec<u8>,
    arena: wgpu::Buffer,
    pipelines: Pipelines,
    bind_groups: HashMap<(usize, Vec<u64>), wgpu::BindGroup>,
    /// While kernels are only listed: those that were dispatched.
    listed: Option<Vec<Kernel>>,
    /// While a profile is taken: every kernel then has a pass of its own.
    pub timestamps: Option<Timestamps>,
}

impl Recorder {
    pub fn new(device: &wgpu::Device) -> Self {
        let arena = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("parameters"),
            size: (BLOCK * BLOCKS) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            pass: None,
            encoder: None,
            blocks: Vec::new(),
            arena,
            pipelines: Pipelines::default(),
            bind_groups: HashMap::new(),
            listed: None,
            timestamps: None,
        }
    }

    /// The encoder, with no pass open.
    fn encoder(&mut self, device: &wgpu::Device) -> &mut wgpu::CommandEncoder {
        self.pass = None;
        self.encoder.get_or_insert_with(|| device.create_command_encoder(&Default::default()))
    }

    fn submit(&mut self, queue: &wgpu::Queue) {
        self.pass = None;
        if let Some(encoder) = self.encoder.take() {
            if !self.blocks.is_empty() {
                queue.write_buffer(&self.arena, 0, &self.blocks);
                self.blocks.clear();
            }
            queue.submit([encoder.finish()]);
        }
    }

    /// Opens the pass that the next kernel, `name`, is recorded in.
    fn open_pass(&mut self, device: &wgpu::Device, name: &'static str) {
        if self.timestamps.is_some() {
            self.pass = None;
        } else if self.pass.is_some() {
            return;
        }
        if self.timestamps.as_ref().is_some_and(Timestamps::full) {
            self.resolve_timestamps(device);
        }
        let encoder =
            self.encoder.get_or_insert_with(|| device.create_command_encoder(&Default::default()));
        let timestamp_writes = self.timestamps.as_mut().map(|timestamps| timestamps.next(name));
        let descriptor = wgpu::ComputePassDescriptor { label: None, timestamp_writes };
        self.pass = Some(encoder.begin_compute_pass(&descriptor).forget_lifetime());
    }

    /// Records that the timestamps so far become readable.
    pub fn resolve_timestamps(&mut self, device: &wgpu::Device) {
        if let Some(mut timestamps) = self.timestamps.take() {
            timestamps.resolve(device, self.encoder(device));
            self.timestamps = Some(timestamps);
        }
    }

    fn purge(&mut self, dead: Vec<u64>) {
        if !dead.is_empty() {
            let dead: HashSet<u64> = dead.into_iter().collect();
            self.bind_groups.retain(|(_, ids), _| ids.iter().all(|id| !dead.contains(id)));
        }
    }
}

impl Gpu {
    /// Records one kernel with `groups` workgroups.
    ///
    /// # Panics
    /// If the bindings are not those of `spec`, or one that is written to is bound twice: a bug of the crate.
    pub(crate) fn dispatch<P: bytemuck::Pod>(
        &self,
        spec: &'static KernelSpec,
        constants: Constants<'_>,
        buffers: &[Binding<'_>],
        params: &P,
        groups: u64,
    ) {
        if groups == 0 {
            return;
        }
        check_bindings(spec, buffers);
        let params = bytemuck::bytes_of(params);
        assert!(
            params.len() <= BLOCK,
            "the parameters of {} take {} bytes",
            spec.name,
            params.len()
        );
        let most = u64::from(self.limits.max_compute_workgroups_per_dimension);
        // Rows of groups as even as can be: the last one's groups beyond `groups` have nothing to do.
        let y = groups.div_ceil(most);
        let x = groups.div_ceil(y);
        if y > most {
            self.faults.note(format!("{} needs {groups} workgroups", spec.name), false);
            return;
        }
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        if recorder.blocks.len() == BLOCK * BLOCKS {
            recorder.submit(&self.queue);
        }
        let recorder = &mut *recorder;
        if let Some(listed) = &mut recorder.listed {
            return listed.push(Kernel::new(spec, constants));
        }
        recorder.open_pass(&self.device, spec.name);
        let pipeline = recorder.pipelines.get(&self.device, spec, constants);
        let key = (pipeline.id, buffers.iter().map(|chunk| chunk.id).collect::<Vec<_>>());
        let group = recorder
            .bind_groups
            .entry(key)
            .or_insert_with(|| bind(&self.device, &pipeline.layout, &recorder.arena, buffers));
        let offset = recorder.blocks.len();
        recorder.blocks.extend_from_slice(params);
        recorder.blocks.resize(offset + BLOCK, 0);
        if let Some(pass) = &mut recorder.pass {
            pass.set_pipeline(&pipeline.pipeline);
            pass.set_bind_group(0, &*group, &[offset as u32]);
            pass.dispatch_workgroups(x as u32, y as u32, 1);
        }
    }

    /// The same for a kernel whose threads share rows, as many as suit the device.
    pub(super) fn dispatch_rows<P: bytemuck::Pod>(
        &self,
        (spec, rounds): (&'static KernelSpec, impl Into<Rounds>),
        constants: Constants<'_>,
        buffers: &[Binding<'_>],
        params: &P,
        groups: u64,
    ) {
        debug_assert!(spec.has_lanes(), "{} has no lanes", spec.name);
        let lanes = of_lanes(spec, self.kernels.lanes(rounds.into()));
        let constants: Vec<_> = constants.iter().copied().chain(lanes).collect();
        self.dispatch(spec, &constants, buffers, params, groups);
    }

    /// Records a copy of `bytes` between buffers, each with the byte at which it starts.
    pub(super) fn copy(&self, from: (&wgpu::Buffer, u64), to: (&wgpu::Buffer, u64), bytes: u64) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        if recorder.listed.is_none() {
            recorder.encoder(&self.device).copy_buffer_to_buffer(from.0, from.1, to.0, to.1, bytes);
        }
    }

    /// From now on kernels are not recorded, but only listed. Nothing may be read back meanwhile.
    pub(crate) fn begin_list(&self) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.listed = Some(Vec::new());
    }

    /// Kernels are recorded again. Gives those of the list that have no pipeline yet.
    pub(crate) fn end_list(&self) -> Vec<Kernel> {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        let listed = recorder.listed.take().unwrap_or_default();
        recorder.pipelines.missing(listed)
    }

    /// Makes the pipeline of a kernel.
    pub(crate) fn make(&self, kernel: &Kernel) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.pipelines.make(&self.device, kernel);
    }

    /// How many pipelines there are.
    #[doc(hidden)]
    pub fn pipelines(&self) -> usize {
        self.recorder.lock().unwrap_or_else(PoisonError::into_inner).pipelines.len()
    }

    /// Sends what was recorded to the device.
    pub fn submit(&self) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.submit(&self.queue);
        recorder.purge(self.graveyard.take());
    }

    /// Drops the bind groups of buffers that are gone, so that their memory is free again.
    pub(super) fn purge(&self) {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.purge(self.graveyard.take());
    }
}

fn check_bindings(spec: &KernelSpec, buffers: &[Binding<'_>]) {
    assert_eq!(buffers.len(), spec.storage.len(), "bindings of {}", spec.name);
    for (chunk, access) in buffers.iter().zip(spec.storage) {
        let times = buffers.iter().filter(|other| other.id == chunk.id).count();
        assert!(
            *access == Access::Read || times == 1,
            "{} writes to a buffer that is bound twice",
            spec.name
        );
    }
}

fn bind(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    arena: &wgpu::Buffer,
    buffers: &[Binding<'_>],
) -> wgpu::BindGroup {
    let block =
        wgpu::BufferBinding { buffer: arena, offset: 0, size: wgpu::BufferSize::new(BLOCK as u64) };
    let mut entries =
        vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(block) }];
    for (chunk, binding) in buffers.iter().zip(1..) {
        entries.push(wgpu::BindGroupEntry { binding, resource: chunk.buffer.as_entire_binding() });
    }
    device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}
