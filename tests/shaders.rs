//! Every shader, with every set of constants, passes naga's validation and its writers for Vulkan, Metal and DX12,
//! and keeps to what the least capable device offers. Needs no GPU.
#![cfg(feature = "gpu")]

use archetypal::device::gpu::{ShaderVariant, all_shaders};
use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use std::collections::HashSet;

const MOST_STORAGE_BUFFERS: usize = 7;
const MOST_THREADS: u32 = 256;
const MOST_WORKGROUP_BYTES: u32 = 16 << 10;

/// The module with the constants of a variant in place, validated with no optional capability but what it says.
fn compiled(shader: &ShaderVariant) -> (naga::Module, naga::valid::ModuleInfo) {
    let label = format!("{} {:?}", shader.name, shader.constants);
    let module = naga::front::wgsl::parse_str(&shader.source)
        .unwrap_or_else(|error| panic!("{label}: {}", error.emit_to_string(&shader.source)));
    // Halves in a u32 belong to WebGPU itself; naga counts them apart for the sake of older interfaces.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    capabilities.set(Capabilities::SUBGROUP, shader.subgroups);
    capabilities.set(Capabilities::SHADER_FLOAT16, shader.f16);
    capabilities.set(Capabilities::COOPERATIVE_MATRIX, shader.cooperative);
    let check = |module: &naga::Module| {
        Validator::new(ValidationFlags::all(), capabilities)
            .subgroup_stages(ShaderStages::COMPUTE)
            .subgroup_operations(SubgroupOperationSet::all())
            .validate(module)
            .unwrap_or_else(|error| panic!("{label}: {}", error.emit_to_string(&shader.source)))
    };
    let constants: naga::back::PipelineConstants =
        shader.constants.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    let info = check(&module);
    let entry = Some((naga::ShaderStage::Compute, shader.entry));
    let (module, _) =
        naga::back::pipeline_constants::process_overrides(&module, &info, entry, &constants)
            .unwrap_or_else(|error| panic!("{label}: {error}"));
    let module = module.into_owned();
    assert_eq!(module.entry_points.len(), 1, "{label}");
    assert_eq!(module.entry_points[0].name, shader.entry, "{label}");
    let info = check(&module);
    (module, info)
}

/// The global variables that the entry point reaches.
fn used<'a>(
    module: &'a naga::Module,
    info: &'a naga::valid::ModuleInfo,
) -> impl Iterator<Item = (naga::Handle<naga::GlobalVariable>, &'a naga::GlobalVariable)> {
    let entry = info.get_entry_point(0);
    module.global_variables.iter().filter(move |(handle, _)| !entry[*handle].is_empty())
}

#[test]
fn every_variant_passes_every_writer() {
    let shaders = all_shaders();
    assert!(!shaders.is_empty());
    for shader in &shaders {
        let label = format!("{} {:?}", shader.name, shader.constants);
        let (module, info) = compiled(shader);

        let options = spv::Options::default();
        let pipeline = spv::PipelineOptions {
            shader_stage: naga::ShaderStage::Compute,
            entry_point: shader.entry.to_string(),
        };
        let words = spv::write_vec(&module, &info, &options, Some(&pipeline))
            .unwrap_or_else(|error| panic!("{label} as SPIR-V: {error}"));
        assert!(words.len() > 5, "{label}");

        let options = msl::Options {
            lang_version: (2, 4),
            fake_missing_bindings: true,
            ..Default::default()
        };
        let pipeline = msl::PipelineOptions {
            entry_point: Some((naga::ShaderStage::Compute, shader.entry.to_string())),
            ..Default::default()
        };
        let (metal, _) = msl::write_string(&module, &info, &options, &pipeline)
            .unwrap_or_else(|error| panic!("{label} as MSL: {error}"));
        assert!(metal.contains("kernel void"), "{label}");

        if shader.cooperative {
            continue; // DX12 has nothing of the kind
        }
        let options = hlsl::Options { fake_missing_bindings: true, ..Default::default() };
        let pipeline = hlsl::PipelineOptions {
            entry_point: Some((naga::ShaderStage::Compute, shader.entry.to_string())),
        };
        let mut directx = String::new();
        hlsl::Writer::new(&mut directx, &options, &pipeline)
            .write(&module, &info, None)
            .unwrap_or_else(|error| panic!("{label} as HLSL: {error}"));
        assert!(directx.contains("numthreads"), "{label}");
    }
}

#[test]
fn every_variant_fits_the_least_capable_device() {
    for shader in &all_shaders() {
        let label = format!("{} {:?}", shader.name, shader.constants);
        let (module, info) = compiled(shader);
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();

        let mut bindings = Vec::new();
        let mut workgroup_bytes = 0;
        for (_, variable) in used(&module, &info) {
            match variable.space {
                naga::AddressSpace::Storage { .. } => {
                    bindings.push(variable.binding.as_ref().unwrap().binding);
                }
                naga::AddressSpace::WorkGroup => workgroup_bytes += layouter[variable.ty].size,
                _ => {}
            }
        }
        bindings.sort_unstable();
        assert!(shader.storage_buffers <= MOST_STORAGE_BUFFERS, "{label}");
        let expected: Vec<u32> = (1..=shader.storage_buffers as u32).collect();
        assert_eq!(bindings, expected, "{label}: the host binds others than the shader uses");
        assert!(workgroup_bytes <= MOST_WORKGROUP_BYTES, "{label}: {workgroup_bytes} bytes");
        let [x, y, z] = module.entry_points[0].workgroup_size;
        assert!(x * y * z <= MOST_THREADS, "{label}: {x} × {y} × {z} threads");
    }
}

#[test]
fn every_shader_file_is_in_the_registry() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("shaders");
    let shaders = all_shaders();
    let sources: HashSet<&str> = shaders.iter().map(|shader| &*shader.source).collect();
    let mut files = 0;
    for folder in [folder.clone(), folder.join("shared")] {
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.is_file() {
                let text = std::fs::read_to_string(&path).unwrap();
                let found = sources.iter().any(|source| source.contains(&text));
                assert!(found, "{} is in no registered shader", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 0);
}

#[test]
fn names_are_unique() {
    let mut seen = HashSet::new();
    for shader in all_shaders() {
        let constants = format!("{:?}", shader.constants);
        assert!(seen.insert((shader.name, constants)), "{} is there twice", shader.name);
    }
}
