//! What an atlas is of, and where it goes.

use super::{About, AtlasProgress, Chunks, Sink, Stage};
use crate::{
    data::{Loader, TensorOut, encode_tensors},
    error::{Error, Result},
    sae::Sae,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// The model, the data and what is known of them, checked against each other.
pub(super) struct Subject<'a> {
    pub sae: &'a Sae,
    pub loader: &'a Loader,
    pub about: &'a About<'a>,
    /// The labels that there are, in the order of the alphabet.
    pub labels: Vec<String>,
    pub chunks: Chunks,
    /// n.
    pub rows: usize,
    /// d.
    pub width: usize,
    /// K.
    pub concepts: usize,
    /// Rows of an example, G.
    pub cells: usize,
}

impl<'a> Subject<'a> {
    pub fn new(sae: &'a Sae, loader: &'a Loader, about: &'a About<'a>) -> Result<Self> {
        let (rows, settings) = (loader.source().rows(), sae.settings());
        if !sae.is_eval() {
            let hint = "Call Sae::eval first: some encoders go by the batch until then.";
            return Err(Error::setting("the model", "in train mode", "in eval mode", hint));
        }
        if **loader.normalizer() != *sae.normalizer() {
            let hint = "Make the loader with Sae::normalizer.";
            return Err(Error::setting(
                "the loader",
                "normalising otherwise",
                "as the model",
                hint,
            ));
        }
        if u32::try_from(rows).is_err() {
            let hint = "Take a part of the rows.";
            return Err(Error::setting("the number of rows", rows, "below 2³²", hint));
        }
        let cells = about.grid.map_or(1, |grid| grid.cells());
        check_examples(about, rows, cells)?;
        let labels: BTreeSet<_> = about.examples.iter().filter_map(|e| e.label.as_ref()).collect();
        Ok(Self {
            sae,
            loader,
            about,
            labels: labels.into_iter().cloned().collect(),
            chunks: Chunks::for_cells(cells),
            rows,
            width: settings.input_shape,
            concepts: settings.nb_concepts,
            cells,
        })
    }

    /// The place of each example's label in `labels`.
    pub fn label_of_examples(&self) -> Vec<Option<u32>> {
        let place =
            |label: &String| self.labels.binary_search(label).ok().map(|place| place as u32);
        self.about.examples.iter().map(|e| e.label.as_ref().and_then(place)).collect()
    }
}

fn check_examples(about: &About<'_>, rows: usize, cells: usize) -> Result<()> {
    let (examples, expected) = (about.examples.len(), rows / cells);
    if !rows.is_multiple_of(cells) {
        let hint = format!("A picture has {cells} rows.");
        return Err(Error::shape("the data", &[rows], &[(expected + 1) * cells], hint));
    }
    if examples != 0 && examples != expected {
        let hint = "There must be one for each row or, with a grid, for each picture.";
        return Err(Error::shape("the list of examples", &[examples], &[expected], hint));
    }
    Ok(())
}

/// Where files and progress go.
pub(super) struct Output<'a> {
    pub sink: &'a mut dyn Sink,
    pub on_progress: &'a mut dyn FnMut(AtlasProgress),
}

impl Output<'_> {
    /// Puts a .safetensors file.
    pub fn tables(&mut self, name: &str, tensors: &[TensorOut<'_>]) -> Result<()> {
        self.sink.put(name, encode_tensors(tensors, &BTreeMap::new()))
    }

    pub fn at(&mut self, stage: Stage, done: usize, total: usize) {
        (self.on_progress)(AtlasProgress { stage, done, total });
    }
}

/// The chunks of `total` things, `size` in each but the last, with their numbers.
pub(super) fn chunks(total: usize, size: usize) -> impl Iterator<Item = (usize, Range<usize>)> {
    (0..total).step_by(size).map(move |first| first..total.min(first + size)).enumerate()
}
