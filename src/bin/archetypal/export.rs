//! `archetypal export`.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    failure::{Failure, Outcome},
    output,
};
use archetypal::export::{self, Activation};
use serde_json::json;
use std::path::{Path, PathBuf};

const LONG_ABOUT: &str = "\
Write an SAE in the form of another program

For saelens (SAELens, version 6 or later) the folder gets cfg.json and sae_weights.safetensors, which \
SAE.load_from_disk(DIR) reads there. The SAE's own normalisation is folded into the matrices, so it takes raw rows and gives \
raw rows. …topk becomes the architecture topk, …jump and …batch-topk become jumprelu. The encoder must be linear, tied or \
untied.";

/// Write an SAE in the form of another program
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    sae: PathBuf,
    /// Where it goes, a folder; made if it is not there
    #[arg(long, short, value_name = "DIR")]
    out: PathBuf,
    /// The program that is to read it
    #[arg(long, value_enum, default_value_t, value_name = "NAME")]
    format: Format,
    #[command(flatten)]
    overrides: OverrideArgs,
}

/// Forms that there are.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Format {
    /// SAELens 6.
    #[default]
    Saelens,
}

pub async fn run(context: &Context, args: Args) -> Outcome {
    refuse_input(&args.sae, &args.out)?;
    let file = checkpoint::open(&args.sae)?;
    let device = context.device().await?;
    let sae = checkpoint::model(&file, &device, &args.overrides)?;
    let Format::Saelens = args.format;
    let exported = export::saelens(&sae).await?;
    exported.save(&args.out)?;

    let (d, k) = (exported.d_in, exported.d_sae);
    let architecture = match &exported.activation {
        Activation::TopK(k) => format!("topk, k {k}"),
        Activation::JumpRelu(_) => "jumprelu".into(),
    };
    if context.common.json {
        let out = args.out.display().to_string();
        return output::print_json(&json!({ "out": out, "config": exported.config() }));
    }
    let out = args.out.display();
    output::print(&format!("{out}: {k} concepts of {d} dimensions for SAELens, {architecture}\n"))
}

/// Refuses a folder in which the SAE itself would be overwritten.
fn refuse_input(sae: &Path, out: &Path) -> Outcome {
    let written = ["sae_weights.safetensors", "cfg.json"].map(|name| out.join(name));
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    match written.iter().find(|file| same(file, sae)) {
        None => Ok(()),
        Some(file) => {
            let problem = "would overwrite the SAE that is read; name another folder";
            Err(Failure::Usage(format!("{} {problem}", file.display())))
        }
    }
}
