//! The settings of a file of the reference, which holds tensors only: what their names and shapes tell.

use super::Overrides;
use crate::{
    data::TensorFile,
    error::{Error, Result},
    sae::{
        DictionaryKind, EncoderKind, SaeSettings, Selection, Thresholds,
        dictionary::{
            WEIGHTS,
            names::{MIXING, MULTIPLIER, POINTS},
        },
        encoder::{BIAS, UNTIED_BIAS, UNTIED_WEIGHT, WEIGHT, mlp_names},
        model::THRESHOLDS,
    },
};

/// What the reference calls the dictionary of a tied encoder a second time.
const TIED: &str = "encoder.tied_to.";
const OWN: &str = "dictionary.";

/// Whether a file holds a model, ours or the reference's: whether there is a dictionary in it.
pub fn holds_model(file: &TensorFile) -> bool {
    [MIXING, WEIGHTS].iter().any(|name| file.contains(&stored_name(file, name)))
}

/// The name that a tensor of the state dict has in the file. PyTorch has two for those of a tied encoder's dictionary,
/// and which of them a file holds depends on how it was written.
fn stored_name(file: &TensorFile, name: &str) -> String {
    match name.strip_prefix(OWN) {
        Some(part) if !file.contains(name) => format!("{TIED}{part}"),
        _ => name.to_owned(),
    }
}

/// The name of the state dict for a tensor of the file; none for the second copy of one.
pub(super) fn state_name(file: &TensorFile, stored: &str) -> Option<String> {
    match stored.strip_prefix(TIED) {
        Some(part) => {
            let own = format!("{OWN}{part}");
            (!file.contains(&own)).then_some(own)
        }
        None => Some(stored.to_owned()),
    }
}

/// The settings that fit the tensors; what they do not tell comes from `overrides` or is the reference's default.
pub(super) fn settings(file: &TensorFile, overrides: &Overrides) -> Result<SaeSettings> {
    let (nb_concepts, input_shape, dictionary) = dictionary(file, overrides)?;
    let selection = if file.contains(THRESHOLDS) {
        Selection::Jump {
            kernel: overrides.kernel.unwrap_or_default(),
            bandwidth: overrides.bandwidth.unwrap_or(1e-3),
            thresholds: Thresholds::Reference,
        }
    } else {
        let k = overrides.top_k.unwrap_or(Selection::default_top_k(nb_concepts));
        Selection::TopK { k }
    };
    let encoder = encoder(file, nb_concepts == input_shape);
    refuse_unknown(file, encoder)?;
    let settings = SaeSettings {
        input_shape,
        nb_concepts,
        selection,
        dictionary,
        // Trained or fixed it has one name; but only one that was never trained is 0 to the last bit.
        use_multiplier: overrides.use_multiplier.unwrap_or(multiplier(file)? != 0.0),
        encoder,
        encoder_bias: file.contains(UNTIED_BIAS),
    };
    settings.validate()?;
    Ok(settings)
}

/// K, d and what atoms are made of.
fn dictionary(file: &TensorFile, overrides: &Overrides) -> Result<(usize, usize, DictionaryKind)> {
    let shape = |name: &str| -> Result<[usize; 2]> {
        Ok(file.tensor(&stored_name(file, name))?.matrix()?.1)
    };
    if file.contains(&stored_name(file, MIXING)) {
        let ([concepts, nb_points], [_, width]) = (shape(MIXING)?, shape(POINTS)?);
        let delta = overrides.delta.unwrap_or(1.0);
        return Ok((concepts, width, DictionaryKind::Archetypal { nb_points, delta }));
    }
    let [concepts, width] = shape(WEIGHTS)?;
    let normalization = overrides.normalization.unwrap_or_default();
    Ok((concepts, width, DictionaryKind::Free { normalization }))
}

/// The log-multiplier m of the dictionary.
pub(super) fn multiplier(file: &TensorFile) -> Result<f32> {
    let tensor = file.tensor(&stored_name(file, MULTIPLIER))?.with_shape(&[])?;
    Ok(tensor.to_f32()?[0])
}

/// `square`: whether there are as many concepts as dimensions, which the identity needs.
fn encoder(file: &TensorFile, square: bool) -> EncoderKind {
    let (norm, _, [running_mean, ..]) = mlp_names::FINAL.norm();
    let hidden = file.contains(mlp_names::HIDDEN[0].weight);
    match (file.contains(norm), file.contains(running_mean), hidden) {
        (true, true, true) => EncoderKind::MlpBn3,
        (true, true, false) => EncoderKind::MlpBn1,
        (true, false, true) => EncoderKind::MlpLn3,
        (true, false, false) => EncoderKind::MlpLn1,
        _ if file.contains(WEIGHT) => EncoderKind::Linear,
        _ if file.contains(UNTIED_WEIGHT) => EncoderKind::Untied,
        _ if !square || is_tied(file) => EncoderKind::Tied,
        _ => EncoderKind::Identity,
    }
}

/// A tied encoder has no tensors of its own but a bias; second names of the dictionary's tell of it, which safetensors'
/// `save_model` keeps as metadata.
fn is_tied(file: &TensorFile) -> bool {
    let names = file.names();
    let mut all = names.iter().chain(file.metadata().keys());
    file.contains(UNTIED_BIAS) || all.any(|name| name.starts_with(TIED))
}

/// Refuses a file whose encoder has tensors that `kind` has not: it is one that a file cannot bring along.
fn refuse_unknown(file: &TensorFile, kind: EncoderKind) -> Result<()> {
    let layer = |layer: &mlp_names::LayerNames| {
        let (weight, bias, running) = layer.norm();
        [[layer.weight, layer.bias, weight, bias].as_slice(), &running].concat()
    };
    let known = match kind {
        EncoderKind::Linear => vec![WEIGHT, BIAS],
        EncoderKind::Tied | EncoderKind::Untied => vec![UNTIED_WEIGHT, UNTIED_BIAS],
        EncoderKind::MlpLn1 | EncoderKind::MlpBn1 => layer(&mlp_names::FINAL),
        EncoderKind::MlpLn3 | EncoderKind::MlpBn3 => {
            mlp_names::HIDDEN.iter().chain([&mlp_names::FINAL]).flat_map(layer).collect()
        }
        EncoderKind::Identity | EncoderKind::Custom => Vec::new(),
    };
    let is_unknown = |name: &&String| {
        name.starts_with("encoder.") && !name.starts_with(TIED) && !known.contains(&name.as_str())
    };
    match file.names().iter().find(is_unknown) {
        None => Ok(()),
        Some(name) => Err(Error::file(
            file.path(),
            format!("its encoder is none that this program knows: it has {name:?}"),
            "Known are overcomplete's linear, identity, mlp_ln_1, mlp_ln_3, mlp_bn_1, mlp_bn_3, tied and untied.",
        )),
    }
}
