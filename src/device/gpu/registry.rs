//! Every shader with every set of constants it is built with, so that a test can put each through every writer.

use super::choice::{LANES, of_lanes};
use super::pipelines::{Constants, KernelSpec};

/// The kernels of a family, each with the sets of constants that it is built with.
pub(super) type Family = &'static [(&'static KernelSpec, &'static [Constants<'static>])];

/// For a kernel without constants.
pub(super) const PLAIN: &[Constants<'static>] = &[&[]];

/// One per family: a new family is added here.
const FAMILIES: &[Family] = &[
    super::gemm::FAMILY,
    super::halves::FAMILY,
    super::sparse::FAMILY,
    super::top_k::FAMILY,
    super::by_atom::FAMILY,
    super::gradient::FAMILY,
    super::sumsq::FAMILY,
    super::adam::FAMILY,
    super::rest::FAMILY,
    super::project::FAMILY,
    super::jump::FAMILY,
    super::loss::FAMILY,
    super::reduce::FAMILY,
    super::counters::FAMILY,
    super::kmeans::FAMILY,
    super::batch_norm::FAMILY,
    super::columns::FAMILY,
    super::dictionary::FAMILY,
    super::elementwise::FAMILY,
    super::kth_largest::FAMILY,
    super::l0::FAMILY,
    super::layer_norm::FAMILY,
    super::reanimate::FAMILY,
    super::relu::FAMILY,
    super::residual::FAMILY,
    super::revive::FAMILY,
    super::row_penalty::FAMILY,
    super::term::FAMILY,
];

/// A shader as some pipeline uses it.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub struct ShaderVariant {
    /// The kernel's name.
    pub name: &'static str,
    /// WGSL.
    pub source: String,
    /// The entry point.
    pub entry: &'static str,
    /// Values of the `override` constants.
    pub constants: Vec<(&'static str, f64)>,
    /// How many storage buffers the host binds.
    pub storage_buffers: usize,
    /// Whether it is only for devices with subgroups.
    pub subgroups: bool,
    /// Whether it is only for devices with cooperative matrices, which DX12 has none of.
    pub cooperative: bool,
    /// Whether it is only for devices with a float16 of their own.
    pub f16: bool,
}

/// Every variant of every kernel; of those that are written for an expression, one.
#[doc(hidden)]
pub fn all_shaders() -> Vec<ShaderVariant> {
    let variant = |spec: &KernelSpec, constants| ShaderVariant {
        name: spec.name,
        source: spec.source.concat(),
        entry: spec.entry,
        constants,
        storage_buffers: spec.storage.len(),
        subgroups: spec.mentions("@builtin(subgroup_"),
        cooperative: spec.mentions("enable wgpu_cooperative_matrix;"),
        f16: spec.mentions("enable f16;"),
    };
    let variants = |spec: &'static KernelSpec, constants: Constants<'static>| {
        let lanes = if spec.has_lanes() { &LANES[..] } else { &LANES[..1] };
        lanes.iter().map(move |&lanes| {
            variant(spec, constants.iter().copied().chain(of_lanes(spec, lanes)).collect())
        })
    };
    FAMILIES
        .iter()
        .flat_map(|family| family.iter())
        .chain(&[(super::pointwise::example(), PLAIN)])
        .flat_map(|(spec, sets)| sets.iter().flat_map(move |constants| variants(spec, constants)))
        .collect()
}
