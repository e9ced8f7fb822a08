//! WGSL compute shaders through wgpu: the adapter, memory, recording, and one file per family of kernels.

mod adam;
mod adapter;
#[cfg(not(target_arch = "wasm32"))]
mod autotune;
mod batch_norm;
mod buffers;
mod by_atom;
mod choice;
mod columns;
mod counters;
mod dictionary;
mod elementwise;
mod faults;
mod gemm;
mod gradient;
mod halves;
mod jump;
mod kmeans;
mod kth_largest;
mod l0;
mod layer_norm;
mod loss;
mod ops;
mod pipelines;
mod pointwise;
mod profile;
mod project;
mod readback;
mod reanimate;
mod record;
mod reduce;
mod registry;
mod relu;
mod residual;
mod rest;
mod revive;
mod row_penalty;
mod segments;
mod source;
mod sparse;
mod sumsq;
mod term;
mod top_k;

pub use adapter::{AdapterChoice, AdapterLimits, GpuOptions, adapters};
#[cfg(all(target_arch = "wasm32", feature = "web"))]
pub(crate) use adapter::{check, open};
pub(crate) use buffers::{Chunk, RowBuffers};
pub(crate) use pipelines::Kernel;
#[doc(hidden)]
pub use registry::{ShaderVariant, all_shaders};

use crate::error::Result;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A GPU, with what is recorded for it and not yet submitted.
pub struct Gpu {
    info: wgpu::AdapterInfo,
    device: wgpu::Device,
    queue: wgpu::Queue,
    limits: wgpu::Limits,
    max_binding: Option<u64>,
    kernels: choice::Kernels,
    /// From so many of them on, tiles of 128 × 128 are taken rather than smaller ones; both give the same bits.
    enough_tiles: usize,
    /// Whether shaders read halves in the device's own type.
    has_f16: bool,
    faults: faults::Faults,
    graveyard: buffers::Graveyard,
    recorder: Mutex<record::Recorder>,
    scratch: Mutex<HashMap<&'static str, Arc<Chunk>>>,
}

impl Gpu {
    /// The best adapter that fits `options`.
    ///
    /// # Errors
    /// [`Error::NoDevice`](crate::Error::NoDevice) with what there is instead.
    pub async fn new(options: &GpuOptions) -> Result<Self> {
        let adapter = adapter::choose(options).await?;
        let cooperative = adapter::cooperative(&adapter, options)?;
        let (device, queue) = adapter::open(&adapter, cooperative.is_some()).await?;
        let mut gpu = Self::from_device(adapter.get_info(), device, queue);
        gpu.max_binding = options.max_binding;
        gpu.kernels =
            choice::Kernels::suiting(&gpu.info, gpu.device.features(), options.software_kernels);
        gpu.kernels.cooperative = cooperative;
        gpu.has_f16 &= !options.unpack_halves;
        #[cfg(not(target_arch = "wasm32"))]
        if let (choice::Products::Tiles, Some(folder)) = (gpu.kernels.products, &options.autotune) {
            autotune::tune(&mut gpu, folder).await?;
        }
        Ok(gpu)
    }

    /// Shares a device that the program has already. Its handlers for uncaptured errors and for its loss are
    /// replaced. It must have been opened with at least 7 storage buffers a stage.
    pub fn from_device(info: wgpu::AdapterInfo, device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self {
            kernels: choice::Kernels::suiting(&info, device.features(), None),
            enough_tiles: gemm::ENOUGH_TILES,
            has_f16: device.features().contains(wgpu::Features::SHADER_F16),
            info,
            limits: device.limits(),
            max_binding: None,
            faults: faults::Faults::watch(&device),
            graveyard: Default::default(),
            recorder: Mutex::new(record::Recorder::new(&device)),
            scratch: Default::default(),
            device,
            queue,
        }
    }

    /// The browser's own device.
    #[cfg(all(target_arch = "wasm32", feature = "web"))]
    pub(crate) fn browser_device(&self) -> Option<&wgpu::webgpu::GpuDevice> {
        self.device.as_webgpu()
    }

    /// Whether the driver computes on the CPU.
    pub fn is_software(&self) -> bool {
        self.info.device_type == wgpu::DeviceType::Cpu
    }

    /// The adapter's name and API, for people.
    pub fn name(&self) -> String {
        format!("{} ({})", self.info.name, self.info.backend)
    }
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}
