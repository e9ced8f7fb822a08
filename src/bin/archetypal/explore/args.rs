//! What `explore` is told, and what it reads.

use crate::{
    Context,
    checkpoint::{self, OverrideArgs},
    failure::{Failure, Outcome},
    options::DataArgs,
};
use archetypal::{
    data::{Examples, Grid, Source},
    sae::Sae,
    train::TrainSettings,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

const LONG_ABOUT: &str = "\
Look at an SAE: write the explorer page of it, or serve it on this machine

Encodes all rows, finds what there is to see of every concept (the examples that it fires on most, where in a picture, \
its neighbours, the points that its atom is made of), and writes it as an atlas: files that the explorer page reads. With \
--out the page and the atlas become a folder that opens on any static host; otherwise they are served on 127.0.0.1 until \
Ctrl-C.";

/// Look at an SAE: write the explorer page of it, or serve it on this machine
#[derive(clap::Args)]
#[command(long_about = LONG_ABOUT)]
pub struct Args {
    /// SAE: a checkpoint of `archetypal train`, or overcomplete's state dict as .safetensors
    #[arg(value_name = "SAE")]
    pub sae: PathBuf,
    #[command(flatten)]
    pub data: DataArgs,
    /// What the rows are of: one JSON object a line with text, image, label or name; a line for each row or, where the
    /// data's metadata has a grid, for each picture. Images are paths relative to this file
    /// [default: rows by their numbers]
    #[arg(long, value_name = "FILE.jsonl")]
    pub examples: Option<PathBuf>,
    /// Where it goes, a folder; an atlas of before is replaced [default: served on this machine]
    #[arg(long, short, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Port of 127.0.0.1 to serve on, 0 for any [default: 7878, or any if that is taken]
    #[arg(long, value_name = "N", conflicts_with = "out")]
    pub port: Option<u16>,
    /// Write the atlas only, without the page that shows it [default: both]
    #[arg(long, requires = "out")]
    pub data_only: bool,
    /// What the page calls it [default: the name of the SAE's file]
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// Leave out the normalised rows, with which the page encodes what its visitor chooses [default: they are in it]
    #[arg(long)]
    pub no_rows: bool,
    /// Give the raw data along, on which the page can train [default: if they take at most 32 MiB]
    #[arg(long, conflicts_with = "no_data")]
    pub with_data: bool,
    /// Leave out the raw data [default: if they take more than 32 MiB]
    #[arg(long)]
    pub no_data: bool,
    #[command(flatten)]
    pub overrides: OverrideArgs,
}

/// What is read.
pub struct Inputs {
    pub sae: Sae,
    pub training: Option<TrainSettings>,
    pub data: Arc<dyn Source>,
    pub examples: Option<Examples>,
    /// The cells of a picture, if examples are pictures of several rows.
    pub grid: Option<Grid>,
}

impl Args {
    /// Opens all that is read.
    pub async fn open(&self, context: &Context) -> Outcome<Inputs> {
        let file = checkpoint::open(&self.sae)?;
        let data = self.data.open()?;
        let grid = data.grid()?;
        let examples = match &self.examples {
            None => None,
            Some(path) => Some(Examples::read(path, data.rows(), grid)?),
        };
        let device = context.device().await?;
        let sae = checkpoint::model(&file, &device, &self.overrides)?;
        self.data.check_width(&*data, sae.settings().input_shape, &self.sae)?;
        Ok(Inputs {
            sae,
            training: file.manifest().and_then(|manifest| manifest.training.clone()),
            grid: examples.as_ref().map_or(grid, Examples::grid),
            data,
            examples,
        })
    }

    /// What the page calls it.
    pub fn title(&self) -> String {
        let stem = self.sae.file_stem().unwrap_or(self.sae.as_os_str());
        self.title.clone().unwrap_or_else(|| stem.to_string_lossy().into_owned())
    }

    /// Refuses to replace a folder with what is read in it.
    pub fn refuse_inputs_in(&self, out: &Path) -> Outcome {
        let Ok(out) = out.canonicalize() else { return Ok(()) };
        let inputs = self.data.data.iter().chain([&self.sae]).chain(&self.examples);
        let within = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| path.starts_with(&out));
        match inputs.into_iter().find(within) {
            None => Ok(()),
            Some(path) => Err(Failure::Usage(format!(
                "{} lies in {}, which would be replaced; name another folder",
                path.display(),
                out.display()
            ))),
        }
    }
}
