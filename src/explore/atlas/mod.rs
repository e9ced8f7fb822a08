//! The atlas: all that there is to see of a model on some data, as the files that the explorer page reads.
//!
//! [`atlas`] hands file after file to a [`Sink`]: a folder, a browser's memory. `docs/atlas.md` describes every file.

mod axes;
mod blends;
mod codes;
mod details;
mod firing;
mod manifest;
mod neighbours;
mod overlap;
mod pairs;
mod points;
mod raw;
mod subject;
mod summary;

pub use manifest::{Chunks, ENTRIES, FORMAT, Files, Kind, Manifest};

use crate::{
    checkpoint::{self, Contents},
    data::{Example, Grid, Loader},
    error::Result,
    sae::Sae,
    train::TrainSettings,
};
use axes::Axes;
use blends::Blends;
use codes::AllCodes;
use subject::{Output, Subject};

/// An entry of an index that is not there.
pub const NONE: u32 = u32::MAX;

/// What takes the files of an atlas.
pub trait Sink {
    /// Takes the file `name`: its path within the atlas, with `/` between folders. Every name comes once, and
    /// `manifest.json` last.
    ///
    /// # Errors
    /// Whatever keeping it can meet; the atlas then ends.
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<()>;

    /// Asked after every batch of rows: whether anybody still wants the atlas.
    ///
    /// # Errors
    /// Whatever says that nobody does; the atlas then ends.
    fn go_on(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What is known of a model and its data besides themselves, and what the atlas is to hold of them.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// What the page calls it.
    pub title: &'a str,
    /// What the rows are of: an example for each row or, with a grid, for each picture; or none. Images are named as
    /// the page finds them: relative to the atlas, or as URLs.
    pub examples: &'a [Example],
    /// The cells of a picture, if an example is a picture of several rows.
    pub grid: Option<Grid>,
    /// How the model was trained, if that is known.
    pub training: Option<&'a TrainSettings>,
    /// Whether to hold the normalised rows, with which the page encodes what its visitor chooses.
    pub with_rows: bool,
    /// Whether to hold the model itself.
    pub with_model: bool,
    /// Whether to hold the raw data, on which the page can train.
    pub with_data: bool,
}

impl<'a> About<'a> {
    /// Of that title, without examples, holding rows and model but not the raw data.
    pub fn new(title: &'a str) -> Self {
        Self {
            title,
            examples: &[],
            grid: None,
            training: None,
            with_rows: true,
            with_model: true,
            with_data: false,
        }
    }
}

/// How far an atlas is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AtlasProgress {
    /// What is being made.
    pub stage: Stage,
    /// How many of `total` are done.
    pub done: usize,
    /// Rows for [`Stage::Encode`], [`Stage::Axes`], [`Stage::Points`] and [`Stage::Rows`], concepts for
    /// [`Stage::Concepts`].
    pub total: usize,
}

/// What takes time of an atlas, in the order in which it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// All rows are encoded and the model judged.
    Encode,
    /// The principal axes of the data.
    Axes,
    /// The rows nearest to each point.
    Points,
    /// What there is to see of each concept.
    Concepts,
    /// Codes, rows and atoms.
    Rows,
}

/// Makes the atlas of `sae` on all rows of `loader`, which has to normalise as the model does. `sae` must be in eval mode.
/// Equal models and data give equal files on one device.
///
/// Memory, besides the model and one batch: 16 to 24 bytes for every code that is not zero, 12 for every element of the
/// dictionary, 16 for every element of the covariance [d, d], 8 for every element of the points, some hundred for every
/// concept, and twice the largest file.
///
/// # Errors
/// [`Error::Setting`](crate::Error::Setting) if the model is in train mode, the loader normalises otherwise, or there are
/// 2³² rows; [`Error::Shape`](crate::Error::Shape) if the examples or the grid do not fit the rows; those of
/// [`evaluate`](crate::metrics::evaluate), and of `sink`.
pub async fn atlas(
    sae: &Sae,
    loader: &Loader,
    about: &About<'_>,
    sink: &mut dyn Sink,
    on_progress: &mut dyn FnMut(AtlasProgress),
) -> Result<()> {
    let subject = Subject::new(sae, loader, about)?;
    let mut out = Output { sink, on_progress };

    let (figures, codes) = AllCodes::encode(&subject, &mut out).await?;
    let axes = Axes::find(&subject, &mut out).await?;
    let atoms = sae.dictionary().await?;
    let blends = Blends::of(sae).await?;
    summary::put(&subject, &codes, &atoms, &axes, blends.as_ref(), &mut out)?;
    axes::put_sample(&subject, &axes, &mut out)?;
    if let Some(blends) = &blends {
        points::put(&subject, blends, &axes, &mut out).await?;
    }
    details::put(&subject, &codes, &atoms, blends.as_ref(), &mut out).await?;
    raw::put(&subject, &codes, &atoms, &mut out)?;
    if about.with_model {
        let bytes = checkpoint::to_bytes(Contents::Model(sae, about.training)).await?;
        out.sink.put(manifest::MODEL, bytes)?;
    }
    let manifest = Manifest::of(&subject, figures);
    out.sink.put("manifest.json", manifest.to_json())
}
