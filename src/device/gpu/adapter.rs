//! Which adapters there are, what they offer, and which one is taken.

use super::choice::Cooperative;
use crate::error::{Error, Result};
use serde::Serialize;

/// Which GPU to take, and how.
#[derive(Clone, Debug, Default)]
pub struct GpuOptions {
    /// Part of the adapter's name, in any case: "llvmpipe". A named adapter may be software.
    pub adapter: Option<String>,
    /// Take a software driver when there is no other.
    pub allow_software: bool,
    /// The most bytes one binding may have; tensors above it are split by rows. The device's own limit if none.
    pub max_binding: Option<u64>,
    /// Take the kernels written for software drivers (true) or for real GPUs (false), rather than those that suit
    /// the adapter: for tests, and to find out which of them a fault is in.
    pub software_kernels: Option<bool>,
    /// Take float16 apart by hand, as on devices that have no type of their own for it: for tests.
    pub unpack_halves: bool,
    /// Let the matrix units of the device ("tensor cores") make products of float16, with sums in float32: what
    /// `TrainSettings::half` asks for. wgpu calls them experimental. An error if the adapter has none that suit.
    pub cooperative: bool,
    /// A folder. The kernels of a real GPU between which speed alone decides are timed at its first use, and the choice
    /// is kept there for this adapter, driver and version; the numbers are the same with each. If none, or in a
    /// browser, nothing is timed.
    pub autotune: Option<std::path::PathBuf>,
}

/// An adapter of this machine, as `archetypal devices` lists it.
#[derive(Clone, Debug, Serialize)]
pub struct AdapterChoice {
    /// Its name, as the driver says.
    pub name: String,
    /// The API: "vulkan", "metal", "dx12", "webgpu".
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// "discrete", "integrated", "virtual", "software" or "other".
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// What the kernels live within.
    pub limits: AdapterLimits,
    /// The optional features it offers, by name.
    pub features: Vec<String>,
    /// Whether the kernels run on it.
    pub usable: bool,
}

/// The limits that matter to the kernels.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct AdapterLimits {
    /// Bytes of the largest buffer.
    pub max_buffer_size: u64,
    /// Bytes of the largest binding.
    pub max_storage_buffer_binding_size: u64,
    /// Storage buffers a kernel.
    pub max_storage_buffers_per_shader_stage: u32,
    /// Threads a workgroup.
    pub max_compute_invocations_per_workgroup: u32,
    /// Bytes of workgroup memory.
    pub max_compute_workgroup_storage_size: u32,
    /// Workgroups a dimension.
    pub max_compute_workgroups_per_dimension: u32,
}

/// What every kernel keeps to: it must run wherever WebGPU does.
pub(crate) const MAX_STORAGE_BUFFERS: u32 = 7;
/// Threads a workgroup, at most.
pub(crate) const MAX_THREADS: u32 = 256;
/// Bytes of workgroup memory, at most.
pub(crate) const MAX_WORKGROUP_BYTES: u32 = 16 << 10;

impl AdapterLimits {
    fn of(limits: &wgpu::Limits) -> Self {
        Self {
            max_buffer_size: limits.max_buffer_size,
            max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
            max_storage_buffers_per_shader_stage: limits.max_storage_buffers_per_shader_stage,
            max_compute_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup,
            max_compute_workgroup_storage_size: limits.max_compute_workgroup_storage_size,
            max_compute_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension,
        }
    }

    fn suffice(&self) -> bool {
        self.max_storage_buffers_per_shader_stage >= MAX_STORAGE_BUFFERS
            && self.max_compute_invocations_per_workgroup >= MAX_THREADS
            && self.max_compute_workgroup_storage_size >= MAX_WORKGROUP_BYTES
    }
}

impl AdapterChoice {
    fn of(adapter: &wgpu::Adapter) -> Self {
        let info = adapter.get_info();
        let limits = AdapterLimits::of(&adapter.limits());
        Self {
            backend: info.backend.to_str().to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
            kind: kind(info.device_type),
            limits,
            features: adapter.features().iter_names().map(|(name, _)| name.to_string()).collect(),
            usable: limits.suffice(),
            name: info.name,
        }
    }
}

fn kind(device_type: wgpu::DeviceType) -> &'static str {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => "discrete",
        wgpu::DeviceType::IntegratedGpu => "integrated",
        wgpu::DeviceType::VirtualGpu => "virtual",
        wgpu::DeviceType::Cpu => "software",
        wgpu::DeviceType::Other => "other",
    }
}

/// Lower is better.
fn rank(device_type: wgpu::DeviceType) -> u32 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

/// Every adapter, in the order in which they would be taken.
async fn enumerate() -> Vec<wgpu::Adapter> {
    // Without any of wgpu's APIs compiled in for this platform, `Instance::new` would panic.
    if wgpu::Instance::enabled_backend_features().is_empty() {
        return Vec::new();
    }
    let backends = wgpu::Backends::PRIMARY.with_env();
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle_from_env();
    descriptor.backends = backends;
    let instance = wgpu::Instance::new(descriptor);
    #[cfg(target_arch = "wasm32")]
    let mut adapters: Vec<wgpu::Adapter> = {
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        instance.request_adapter(&options).await.into_iter().collect()
    };
    #[cfg(not(target_arch = "wasm32"))]
    let mut adapters = instance.enumerate_adapters(backends).await;
    adapters.sort_by_key(|adapter| rank(adapter.get_info().device_type));
    adapters
}

/// Every adapter of this machine, the one that would be taken first.
pub async fn adapters() -> Vec<AdapterChoice> {
    enumerate().await.iter().map(AdapterChoice::of).collect()
}

/// The adapter that `options` asks for.
pub(super) async fn choose(options: &GpuOptions) -> Result<wgpu::Adapter> {
    let all = enumerate().await;
    let names = || {
        let names: Vec<_> = all.iter().map(|adapter| adapter.get_info().name).collect();
        if names.is_empty() { "none".to_string() } else { names.join(", ") }
    };
    let wanted = options.adapter.as_ref().map(|name| name.to_lowercase());
    let fits = |adapter: &&wgpu::Adapter| {
        let info = adapter.get_info();
        match &wanted {
            Some(name) => info.name.to_lowercase().contains(name),
            None => options.allow_software || info.device_type != wgpu::DeviceType::Cpu,
        }
    };
    let candidates: Vec<_> = all.iter().filter(fits).collect();
    let usable = |adapter: &&&wgpu::Adapter| AdapterLimits::of(&adapter.limits()).suffice();
    if let Some(adapter) = candidates.iter().find(usable) {
        return Ok((**adapter).clone());
    }
    Err(Error::NoDevice {
        problem: match (&options.adapter, candidates.first()) {
            (_, Some(adapter)) => too_little(&adapter.get_info().name),
            (Some(name), None) => {
                format!("no adapter's name contains '{name}' (there are: {})", names())
            }
            (None, None) if all.is_empty() => "there is no WebGPU adapter".to_string(),
            (None, None) => format!("there are only software adapters ({})", names()),
        },
        hint:
            "Use the CPU backend, install a Vulkan, Metal or DX12 driver, or name an adapter that \
               `archetypal devices` lists."
                .to_string(),
    })
}

fn too_little(name: &str) -> String {
    format!(
        "{name} offers fewer than {MAX_STORAGE_BUFFERS} storage buffers, {MAX_THREADS} threads or {} KiB of workgroup \
         memory",
        MAX_WORKGROUP_BYTES >> 10
    )
}

/// The matrix units of `adapter`, if `options` asks for them.
pub(super) fn cooperative(
    adapter: &wgpu::Adapter,
    options: &GpuOptions,
) -> Result<Option<Cooperative>> {
    if !options.cooperative {
        return Ok(None);
    }
    Cooperative::of(adapter).map(Some).ok_or_else(|| Error::NoDevice {
        problem: format!(
            "{} offers no matrix units that multiply float16 in squares of 8 or 16 and sum in float32, by subgroups of \
             one size",
            adapter.get_info().name
        ),
        hint: "Do without (leave out --cooperative), or choose another with --adapter.".to_string(),
    })
}

/// Refuses a device on which the kernels do not run.
///
/// # Errors
/// [`Error::NoDevice`] with what it lacks.
#[cfg(all(target_arch = "wasm32", feature = "web"))]
pub(crate) fn check(name: &str, limits: &wgpu::Limits) -> Result<()> {
    if AdapterLimits::of(limits).suffice() {
        return Ok(());
    }
    let hint = "Use the CPU backend, or open the device with the adapter's limits.".to_string();
    Err(Error::NoDevice { problem: too_little(name), hint })
}

/// A device of `adapter` with all its limits: the defaults would give 8 storage buffers and 128 MiB bindings.
pub(crate) async fn open(
    adapter: &wgpu::Adapter,
    cooperative: bool,
) -> Result<(wgpu::Device, wgpu::Queue)> {
    let mut descriptor = wgpu::DeviceDescriptor {
        label: Some("archetypal"),
        required_features: super::choice::features(adapter),
        required_limits: adapter.limits(),
        memory_hints: wgpu::MemoryHints::Performance,
        ..Default::default()
    };
    if cooperative {
        descriptor.required_features |= wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX;
        // SAFETY: the one kernel that makes use of it loads and stores whole matrices within its workgroup memory, in
        // control flow that is the same for all threads.
        descriptor.experimental_features = unsafe { wgpu::ExperimentalFeatures::enabled() };
    }
    adapter.request_device(&descriptor).await.map_err(|error| Error::NoDevice {
        problem: format!("{} refused to open: {error}", adapter.get_info().name),
        hint: "Close other programs that use it, or choose another with --adapter.".to_string(),
    })
}
