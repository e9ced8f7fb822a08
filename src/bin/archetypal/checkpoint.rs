//! Opening a checkpoint that the user names.

use crate::failure::Outcome;
use archetypal::{
    Device, Error,
    checkpoint::{Checkpoint, Overrides},
    sae::{Kernel, Normalization, Sae},
};
use std::path::Path;

/// Settings for files of the reference, which hold none.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct OverrideArgs {
    /// Codes a row, for a reference file without settings [default: K / 10, at least 1]
    #[arg(long, value_name = "N", help_heading = "For files of the reference")]
    pub top_k: Option<usize>,
    /// Radius of the relaxation, in units of the data, for a reference file without settings [default: 1]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[arg(help_heading = "For files of the reference")]
    pub delta: Option<f32>,
    /// Jump's kernel, for a reference file without settings [default: silverman]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "For files of the reference")]
    pub kernel: Option<Kernel>,
    /// Jump's bandwidth, in units of the codes, for a reference file without settings [default: 0.001]
    #[arg(long, value_name = "X", allow_negative_numbers = true)]
    #[arg(help_heading = "For files of the reference")]
    pub bandwidth: Option<f32>,
    /// What a free dictionary is held to, for a reference file without settings [default: l2]
    #[arg(long, value_enum, value_name = "NAME", help_heading = "For files of the reference")]
    pub normalization: Option<Normalization>,
}

impl OverrideArgs {
    fn given(&self) -> Option<&'static str> {
        let all = [
            (self.top_k.is_some(), "top-k"),
            (self.delta.is_some(), "delta"),
            (self.kernel.is_some(), "kernel"),
            (self.bandwidth.is_some(), "bandwidth"),
            (self.normalization.is_some(), "normalization"),
        ];
        all.into_iter().find_map(|(given, name)| given.then_some(name))
    }

    /// Refuses options for files of the reference where there is none among `files`.
    pub fn expect_use(&self, files: &[Checkpoint]) -> Outcome {
        let manifests: Option<Vec<_>> = files.iter().map(Checkpoint::manifest).collect();
        let (Some(manifests), Some(name)) = (manifests, self.given()) else { return Ok(()) };
        let kinds: Vec<_> = manifests.iter().map(|found| found.model.kind().name()).collect();
        let hold = if kinds.len() == 1 { "the file holds" } else { "all files hold" };
        Err(Error::setting(
            name,
            "given",
            format!("left out: {hold} the settings of its model ({})", kinds.join(", ")),
            "It is for files of the reference, which hold none.",
        )
        .into())
    }
}

/// Maps a checkpoint, ours or the reference's.
pub fn open(path: &Path) -> Outcome<Checkpoint> {
    let checkpoint = Checkpoint::open(path)?;
    if checkpoint.is_model() {
        return Ok(checkpoint);
    }
    let names = checkpoint.file().names();
    let listed: Vec<_> = names.iter().take(8).map(String::as_str).collect();
    Err(Error::file(
        path,
        format!("this is no SAE: it holds {}", listed.join(", ")),
        "Give a file that `archetypal train` or overcomplete's save_file wrote.",
    )
    .into())
}

/// The model in a file, on `device`, in eval mode.
pub fn model(checkpoint: &Checkpoint, device: &Device, overrides: &OverrideArgs) -> Outcome<Sae> {
    overrides.expect_use(std::slice::from_ref(checkpoint))?;
    one_of(checkpoint, device, overrides)
}

/// As [`model`], of one of several files: `overrides` are for those among them that hold no settings, and are checked
/// for all together.
pub fn one_of(checkpoint: &Checkpoint, device: &Device, overrides: &OverrideArgs) -> Outcome<Sae> {
    let OverrideArgs { top_k, delta, kernel, bandwidth, normalization } = *overrides;
    let overrides =
        Overrides { top_k, delta, kernel, bandwidth, normalization, use_multiplier: None };
    let settings = checkpoint.settings(&overrides)?;
    if checkpoint.manifest().is_some() {
        settings.validate().map_err(|error| damaged(checkpoint, &error))?;
    }
    let mut sae = checkpoint.sae_with(device, settings)?;
    sae.eval()?;
    Ok(sae)
}

/// A setting that stands in a file is no mistake of the command line.
pub fn damaged(checkpoint: &Checkpoint, error: &Error) -> Error {
    let hint = "Was it changed by hand? Write it again.";
    Error::file(checkpoint.file().path(), format!("its settings make no sense ({error})"), hint)
}
