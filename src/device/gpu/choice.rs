//! Which kernels suit an adapter: the one place that decides.

use super::adapter::MAX_THREADS;
use super::pipelines::KernelSpec;

/// Threads of a workgroup of shaders/gemm_subgroups.wgsl, which must be one subgroup.
const SUBGROUP: u32 = 8;
/// What [`Cooperative::side`] may be, the largest first.
const SIDES: [u32; 2] = [16, 8];
/// Threads of a workgroup that share a row where barriers cost most: one or two SIMD registers, if a thread then has no
/// more rounds to make than [`MOST_ROUNDS`].
const FEW_LANES: [u32; 2] = [8, 32];
/// Mesa's software driver ends a thread once its loops have gone round 65 535 times, without a word.
pub(super) const MOST_ROUNDS: usize = 60_000;

/// The kernels that are taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernels {
    pub products: Products,
    /// Matrix units for products of float16, if they are wanted.
    pub cooperative: Option<Cooperative>,
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
        Self { products: Products::suiting(info, features, software), cooperative: None, software }
    }

    /// The threads that share the loops of a row, if other than the shader says.
    pub fn lanes(self, rounds: Rounds) -> Option<u32> {
        let few = FEW_LANES.into_iter().find(|&lanes| rounds.of(lanes as usize) < MOST_ROUNDS);
        few.filter(|_| self.software)
    }
}

/// How often the loops of the threads that share a row go round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    /// What the threads share among them: columns, or parts of a row.
    pub shared: usize,
    /// Rounds for each of these.
    pub each: usize,
}

impl Rounds {
    /// Those of one of `lanes` threads at most.
    fn of(self, lanes: usize) -> usize {
        self.shared.div_ceil(lanes) * self.each
    }
}

impl From<usize> for Rounds {
    fn from(shared: usize) -> Self {
        Self { shared, each: 1 }
    }
}

/// What [`Kernels::lanes`] may be.
pub(super) const LANES: [Option<u32>; 3] = [None, Some(FEW_LANES[0]), Some(FEW_LANES[1])];

/// QUADS of shaders/shared/part.wgsl where there are few lanes; elsewhere it is 1.
const FEW_LANES_QUADS: usize = 4;
/// The columns of a row that one of few threads makes at a time.
pub(super) const FEW_LANES_COLUMNS: usize = 4 * FEW_LANES_QUADS;

/// The constants of `spec` for as many threads as [`Kernels::lanes`] says.
pub(super) fn of_lanes(spec: &KernelSpec, lanes: Option<u32>) -> Vec<(&'static str, f64)> {
    let Some(lanes) = lanes else { return Vec::new() };
    let quads = ("QUADS", FEW_LANES_QUADS as f64);
    let quads = Some(quads).filter(|_| spec.mentions("override QUADS"));
    [("LANES", lanes.into())].into_iter().chain(quads).collect()
}

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

/// The matrix units of a device, as shaders/gemm_cooperative.wgsl uses them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cooperative {
    /// Rows and columns of what a subgroup multiplies at once: 8 or 16.
    pub side: u32,
    /// Threads of a workgroup: four subgroups.
    pub threads: u32,
}

impl Cooperative {
    /// The largest that `adapter` has, if it can have four subgroups in a workgroup.
    pub fn of(adapter: &wgpu::Adapter) -> Option<Self> {
        let needed = wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX
            | wgpu::Features::SUBGROUP
            | wgpu::Features::SHADER_F16;
        let threads = 4 * subgroup(&adapter.get_info())?;
        if !adapter.features().contains(needed) || threads > MAX_THREADS {
            return None;
        }
        Some(Self { side: largest_side(&adapter.cooperative_matrix_properties())?, threads })
    }
}

/// The most rows and columns of square matrices of float16 with sums in float32, of those there is a text for.
fn largest_side(offered: &[wgpu::CooperativeMatrixProperties]) -> Option<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let has = |side: &u32| {
        offered.iter().any(|matrices| {
            let sizes = [matrices.m_size, matrices.n_size, matrices.k_size];
            sizes == [*side; 3] && (matrices.ab_type, matrices.cr_type) == (F16, F32)
        })
    };
    SIDES.into_iter().find(has)
}

/// Threads of a subgroup, where that is not for the driver to decide from kernel to kernel. Metal states no size: all of
/// Apple's GPUs that have matrix units have 32.
fn subgroup(info: &wgpu::AdapterInfo) -> Option<u32> {
    match info.backend {
        wgpu::Backend::Metal => Some(32),
        _ => Some(info.subgroup_min_size).filter(|&least| least == info.subgroup_max_size),
    }
}

/// The optional features that kernels and the profile make use of, of those that the adapter has.
pub(super) fn features(adapter: &wgpu::Adapter) -> wgpu::Features {
    let wanted =
        wgpu::Features::SUBGROUP | wgpu::Features::TIMESTAMP_QUERY | wgpu::Features::SHADER_F16;
    // A page's device is made for what every browser has.
    if cfg!(target_arch = "wasm32") { wgpu::Features::empty() } else { adapter.features() & wanted }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wgpu::CooperativeScalarType::{self, F16, F32};

    fn offer(
        [m_size, n_size, k_size]: [u32; 3],
        ab_type: CooperativeScalarType,
        cr_type: CooperativeScalarType,
    ) -> wgpu::CooperativeMatrixProperties {
        let saturating_accumulation = false;
        wgpu::CooperativeMatrixProperties {
            m_size,
            n_size,
            k_size,
            ab_type,
            cr_type,
            saturating_accumulation,
        }
    }

    #[test]
    fn the_largest_square_matrices_of_halves_with_exact_sums() {
        let (eight, sixteen) = (offer([8; 3], F16, F32), offer([16; 3], F16, F32));
        let others = [
            offer([16; 3], F16, F16),
            offer([16; 3], F32, F32),
            offer([16, 8, 16], F16, F32),
            offer([32; 3], F16, F32),
        ];
        assert_eq!(largest_side(&others), None);
        assert_eq!(largest_side(&[&[eight][..], &others].concat()), Some(8));
        assert_eq!(largest_side(&[&[eight, sixteen][..], &others].concat()), Some(16));
    }
}
