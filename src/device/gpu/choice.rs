//! Which kernels suit an adapter: the one place that decides.

/// Threads of a workgroup of shaders/gemm_subgroups.wgsl, which must be one subgroup.
const SUBGROUP: u32 = 8;
/// Threads of a workgroup that share a row where barriers cost most: one or two SIMD registers, if a thread then has no
/// more rounds to make than [`MOST_ROUNDS`].
const FEW_LANES: [u32; 2] = [8, 32];
/// Mesa's software driver ends a thread once its loops have gone round 65 535 times, without a word.
const MOST_ROUNDS: u64 = 60_000;

/// The kernels that are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    pub products: Products,
    /// Whether they are those for drivers that compute on the CPU: there, a barrier means to leave every thread of the
    /// workgroup and come back.
    pub software: bool,
}

impl Kernels {
    /// For a device with these features; `software` as in [`GpuOptions`](super::GpuOptions).
    pub fn suiting(
        info: &wgpu::AdapterInfo,
        features: wgpu::Features,
        software: Option<bool>,
    ) -> Self {
        let software = software.unwrap_or(info.device_type == wgpu::DeviceType::Cpu);
        Self { products: Products::suiting(info, features, software), software }
    }

    /// The threads that share the loops of a row, if other than the shader says: `rounds` are those that one would make alone.
    pub fn lanes(self, rounds: u64) -> Option<u32> {
        FEW_LANES.into_iter().find(|&lanes| self.alone(rounds / u64::from(lanes)))
    }

    /// Whether a thread may take a row, with this many rounds in its loops, for its own.
    pub fn alone(self, rounds: u64) -> bool {
        self.software && rounds < MOST_ROUNDS
    }
}

/// What [`Kernels::lanes`] may be.
pub(super) const LANES: [Option<u32>; 3] = [None, Some(FEW_LANES[0]), Some(FEW_LANES[1])];

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
    fn suiting(info: &wgpu::AdapterInfo, features: wgpu::Features, software: bool) -> Self {
        let eight = info.subgroup_min_size == SUBGROUP && info.subgroup_max_size == SUBGROUP;
        match software {
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
