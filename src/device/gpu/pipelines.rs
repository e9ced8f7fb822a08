//! Kernels as they are declared, and the pipelines made of them: each once.

use super::source::Source;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How a kernel uses a storage binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// `var<storage, read>`.
    Read,
    /// `var<storage, read_write>`; no other binding of the dispatch may be the same buffer.
    ReadWrite,
}

/// Values of a kernel's `override` constants, by name.
pub(crate) type Constants<'a> = &'a [(&'static str, f64)];

/// A kernel: an entry point of a shader. Binding 0 is the uniform block, the storage buffers follow from 1.
///
/// A workgroup finds its number as `wid.y * nwg.x + wid.x`, since more than 65 535 are folded into two dimensions,
/// and must check it against its bound. Workgroup memory is not zeroed beforehand.
#[derive(Debug)]
pub(crate) struct KernelSpec {
    /// Unique among all kernels.
    pub name: &'static str,
    pub source: Source,
    pub entry: &'static str,
    pub storage: &'static [Access],
    /// Leave out wgpu's runtime checks (bounds, loops, division). Only where every index is below a bound that the
    /// dispatching code derives from the buffers themselves, and every loop counts up to such a bound.
    pub trusted: bool,
}

impl KernelSpec {
    /// Whether this stands in its text.
    pub fn mentions(&self, what: &str) -> bool {
        self.source.iter().any(|text| text.contains(what))
    }

    /// Whether the threads that share a row are for the device to choose: the constant LANES.
    pub fn has_lanes(&self) -> bool {
        self.mentions("override LANES")
    }
}

pub(super) struct Pipeline {
    /// Its place in the cache: with the buffers' ids the key of a bind group.
    pub id: usize,
    pub pipeline: wgpu::ComputePipeline,
    pub layout: wgpu::BindGroupLayout,
}

/// A kernel with its constants, of which a pipeline is made.
#[derive(Clone, Debug)]
pub(crate) struct Kernel {
    spec: &'static KernelSpec,
    constants: Vec<(&'static str, f64)>,
}

impl Kernel {
    pub fn new(spec: &'static KernelSpec, constants: Constants<'_>) -> Self {
        Self { spec, constants: constants.to_vec() }
    }
}

type Key = (&'static str, Vec<u64>);

fn key(spec: &KernelSpec, constants: Constants<'_>) -> Key {
    (spec.name, constants.iter().map(|(_, value)| value.to_bits()).collect())
}

/// All pipelines made so far.
#[derive(Default)]
pub(super) struct Pipelines {
    made: HashMap<Key, Arc<Pipeline>>,
}

impl Pipelines {
    pub fn len(&self) -> usize {
        self.made.len()
    }

    /// Of these kernels those that have no pipeline yet, each once, in their order.
    pub fn missing(&self, kernels: Vec<Kernel>) -> Vec<Kernel> {
        let mut seen = HashSet::new();
        let is_new = |kernel: &Kernel| {
            let key = key(kernel.spec, &kernel.constants);
            !self.made.contains_key(&key) && seen.insert(key)
        };
        kernels.into_iter().filter(is_new).collect()
    }

    pub fn make(&mut self, device: &wgpu::Device, kernel: &Kernel) {
        self.get(device, kernel.spec, &kernel.constants);
    }

    pub fn get(
        &mut self,
        device: &wgpu::Device,
        spec: &'static KernelSpec,
        constants: Constants<'_>,
    ) -> Arc<Pipeline> {
        let key = key(spec, constants);
        let id = self.made.len();
        self.made.entry(key).or_insert_with(|| build(device, spec, constants, id).into()).clone()
    }
}

fn build(
    device: &wgpu::Device,
    spec: &KernelSpec,
    constants: Constants<'_>,
    id: usize,
) -> Pipeline {
    let descriptor = wgpu::ShaderModuleDescriptor {
        label: Some(spec.name),
        source: wgpu::ShaderSource::Wgsl(spec.source.concat().into()),
    };
    let module = if spec.trusted {
        // SAFETY: a kernel is marked trusted only if its indices and loops are bounded by the sizes of the buffers
        // that are bound, see `KernelSpec::trusted`; all buffers are made zeroed, and no kernel uses ray queries.
        unsafe {
            device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked())
        }
    } else {
        device.create_shader_module(descriptor)
    };
    let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(spec.name),
        entries: &layout_entries(spec),
    });
    let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(spec.name),
        bind_group_layouts: &[Some(&layout)],
        immediate_size: 0,
    });
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(spec.name),
        layout: Some(&pipeline_layout),
        module: &module,
        entry_point: Some(spec.entry),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants,
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    });
    Pipeline { id, pipeline, layout }
}

fn layout_entries(spec: &KernelSpec) -> Vec<wgpu::BindGroupLayoutEntry> {
    let entry = |binding, ty, has_dynamic_offset| wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
        count: None,
    };
    let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform, true)];
    for (access, binding) in spec.storage.iter().zip(1..) {
        let ty = wgpu::BufferBindingType::Storage { read_only: *access == Access::Read };
        entries.push(entry(binding, ty, false));
    }
    entries
}
