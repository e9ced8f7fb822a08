//! Which kernels suit an adapter: the one place that decides.

/// Threads of a workgroup of shaders/gemm_subgroups.wgsl, which must be one subgroup.
const SUBGROUP: u32 = 8;

/// The text of dense products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Products {
    /// Tiles in workgroup memory: real GPUs.
    Tiles,
    /// Large tiles in registers, no barriers: software drivers.
    Registers,
    /// The same, with operands handed round within subgroups of 8: software drivers that have them (lavapipe).
    /// Operands that are not aligned go to [`Products::Registers`].
    Subgroups,
}

impl Products {
    /// For a device with these features; `software` as in [`GpuOptions`](super::GpuOptions).
    pub fn suiting(
        info: &wgpu::AdapterInfo,
        features: wgpu::Features,
        software: Option<bool>,
    ) -> Self {
        let eight = info.subgroup_min_size == SUBGROUP && info.subgroup_max_size == SUBGROUP;
        match software.unwrap_or(info.device_type == wgpu::DeviceType::Cpu) {
            false => Self::Tiles,
            true if eight && features.contains(wgpu::Features::SUBGROUP) => Self::Subgroups,
            true => Self::Registers,
        }
    }
}

/// The optional features that kernels and the profile make use of, of those that the adapter has.
pub(super) fn features(adapter: &wgpu::Adapter) -> wgpu::Features {
    let wanted =
        wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16;
    // A page's device is made for what every browser has.
    if cfg!(target_arch = "wasm32") { wgpu::Features::empty() } else { adapter.features() & wanted }
}
