//! Checkpoints of the reference: from the `final.*` tensors of every golden case a file as overcomplete's users save
//! it, without settings, gives what the reference gave in eval mode.

mod common;

use archetypal::{
    Device, Tensor,
    checkpoint::{Checkpoint, Overrides},
    data::{TensorOut, Values, encode_tensors},
    sae::{EncoderKind, Kernel, Normalization, SaeSettings},
};
use common::golden::{Case, Computed, cases, forward};
use pollster::block_on;
use std::collections::BTreeMap;

/// How PyTorch's two names for a tied encoder's dictionary can come into a file.
#[derive(Clone, Copy, Debug)]
enum Saved {
    /// `save_file(model.state_dict())` with its tensors cloned: both.
    Both,
    /// safetensors' `save_model`: the first, and the second as metadata.
    Once,
    /// The first alone.
    Own,
    /// `named_parameters` alone: the second.
    Second,
}

const TIED: &str = "encoder.tied_to.";

/// The bytes of a file with the case's tensors after training.
fn file(case: &Case, saved: Saved) -> Vec<u8> {
    let names = case.shapes.keys().filter_map(|name| name.strip_prefix("final."));
    let kept = |name: &&str| match saved {
        Saved::Both => true,
        Saved::Once | Saved::Own => !name.starts_with(TIED),
        Saved::Second => !name.starts_with("dictionary."),
    };
    let of = |name: &str| {
        let values = case.floats(&format!("final.{name}"));
        let counted: Vec<i64> = values.iter().map(|&value| value as i64).collect();
        (name.to_owned(), case.shapes[&format!("final.{name}")].clone(), values, counted)
    };
    let tensors: Vec<_> = names.clone().filter(kept).map(of).collect();
    let tensors: Vec<_> = tensors
        .iter()
        .map(|(name, shape, values, counted)| {
            let values = match name.ends_with("num_batches_tracked") {
                true => Values::I64(counted),
                false => Values::F32(values),
            };
            TensorOut { name, shape: shape.clone(), values }
        })
        .collect();
    let second = names.filter(|name| name.starts_with(TIED));
    let metadata = match saved {
        Saved::Once => second
            .map(|name| (name.to_owned(), name.replace(TIED, "dictionary.")))
            .chain([("format".into(), "pt".into())])
            .collect(),
        _ => BTreeMap::new(),
    };
    encode_tensors(&tensors, &metadata)
}

/// What a user says of the file.
fn overrides(case: &Case) -> Overrides {
    let c = &case.config;
    Overrides {
        top_k: c.top_k,
        delta: Some(c.delta),
        kernel: c.kernel.as_ref().map(|name| Kernel::from_name(name).unwrap()),
        bandwidth: c.bandwidth,
        normalization: c.normalization.as_ref().map(|n| Normalization::from_name(n).unwrap()),
        use_multiplier: None,
    }
}

/// The settings that the file is taken to have, and what its model makes of the case's first batch.
fn opened(case: &Case, saved: Saved, device: &Device) -> (SaeSettings, Computed) {
    let checkpoint = Checkpoint::from_bytes(&case.name, file(case, saved)).unwrap();
    assert!(checkpoint.is_model() && checkpoint.manifest().is_none());
    let mut sae = checkpoint.sae(device, &overrides(case)).unwrap();
    sae.eval().unwrap();
    let (batch, d) = (case.config.batch, case.config.dim);
    let x = Tensor::from_slice(device, batch, d, &case.floats("x")[..batch * d]).unwrap();
    (sae.settings().clone(), block_on(forward("eval.", &sae, &x)))
}

fn all_cases(device: &Device) {
    let mut failed = Vec::new();
    for case in cases() {
        let (settings, computed) = opened(&case, Saved::Both, device);
        assert_eq!(settings, case.settings(), "settings of {}", case.name);
        let (share, tensor, error, bound) = case.worst(&computed);
        let verdict = if share <= 1.0 { "ok" } else { "OUT" };
        println!("  {:34} {verdict:3} {tensor:20} {error:.1e} of {bound:.1e}", case.name);
        if share > 1.0 {
            failed.push(case.name);
        }
    }
    assert!(failed.is_empty(), "out of bounds on {}: {failed:?}", device.name());
}

#[test]
fn files_of_the_reference_on_the_cpu() {
    all_cases(&Device::cpu());
}

#[test]
fn files_of_the_reference_on_the_gpu() {
    if let Some(device) = common::gpu("files_of_the_reference_on_the_gpu", None) {
        all_cases(&device);
    }
}

#[test]
fn a_tied_dictionary_is_found_under_either_of_its_names() {
    let device = Device::cpu();
    for case in cases().into_iter().filter(|case| case.config.encoder == "tied") {
        let (_, wanted) = opened(&case, Saved::Both, &device);
        for saved in [Saved::Once, Saved::Own, Saved::Second] {
            let (settings, computed) = opened(&case, saved, &device);
            assert_eq!(settings.encoder, EncoderKind::Tied, "{} {saved:?}", case.name);
            assert!(computed == wanted, "{} {saved:?}", case.name);
        }
    }
}
