//! An atlas in memory, and its files read again.

use crate::models::{Parts, loader};
use archetypal::{
    Device, Result,
    data::{Example, StoredTensor, TensorFile},
    explore::atlas::{About, AtlasProgress, Manifest, Sink, atlas},
};
use std::collections::BTreeMap;

/// Files by name.
#[derive(Debug, Default, PartialEq)]
pub struct Files {
    pub contents: BTreeMap<String, Vec<u8>>,
    pub last: String,
}

impl Sink for Files {
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> Result<()> {
        assert!(self.contents.insert(name.to_owned(), bytes).is_none(), "{name} came twice");
        self.last = name.to_owned();
        Ok(())
    }
}

/// The atlas of a model on rows of its width.
pub fn make(parts: &Parts, device: &Device, rows: &[f32], about: &About<'_>) -> Files {
    let (mut files, sae) = (Files::default(), parts.on(device));
    let loader = loader(rows.to_vec(), parts.settings.input_shape, 25);
    let mut told: Vec<AtlasProgress> = Vec::new();
    let mut tell = |progress| told.push(progress);
    pollster::block_on(atlas(&sae, &loader, about, &mut files, &mut tell)).unwrap();
    assert!(told.iter().all(|progress| progress.done <= progress.total), "{told:?}");
    assert_eq!(files.last, "manifest.json");
    files
}

impl Files {
    pub fn manifest(&self) -> Manifest {
        serde_json::from_slice(&self.contents["manifest.json"]).unwrap()
    }

    pub fn table(&self, name: &str) -> TensorFile {
        TensorFile::from_bytes(name, self.contents[name].clone()).unwrap()
    }

    /// How many numbered files there are in a folder.
    pub fn count(&self, folder: &str) -> usize {
        let here = |name: &&String| name.starts_with(&format!("{folder}/"));
        self.contents.keys().filter(here).count()
    }

    /// A tensor of all numbered files of a folder together, with what `read` makes of it.
    pub fn joined<T>(
        &self,
        folder: &str,
        tensor: &str,
        read: fn(StoredTensor<'_>) -> Vec<T>,
    ) -> Vec<T> {
        let numbers = 0..self.count(folder);
        let files = numbers.map(|i| self.table(&format!("{folder}/{i}.safetensors")));
        files.flat_map(|file| read(file.tensor(tensor).unwrap())).collect()
    }

    /// Of `concepts.safetensors`, `points.safetensors` and the like.
    pub fn f32(&self, name: &str, tensor: &str) -> Vec<f32> {
        floats(self.table(name).tensor(tensor).unwrap())
    }

    pub fn u32(&self, name: &str, tensor: &str) -> Vec<u32> {
        words(self.table(name).tensor(tensor).unwrap())
    }

    /// (index, value) of two columns of `details/`, `length` a concept, those that are missing left out.
    pub fn pairs(&self, indices: &str, values: &str, length: usize) -> Vec<Vec<(usize, f32)>> {
        let indices = self.joined("details", indices, words);
        let values = self.joined("details", values, floats);
        let lists = indices.chunks(length).zip(values.chunks(length));
        lists.map(|(indices, values)| present(indices, values)).collect()
    }

    /// The codes, dense: [n][K].
    pub fn codes(&self, concepts: usize) -> Vec<Vec<f32>> {
        let mut rows = Vec::new();
        for i in 0..self.count("codes") {
            let file = self.table(&format!("codes/{i}.safetensors"));
            let ends = words(file.tensor("indptr").unwrap());
            let (indices, values) =
                (words(file.tensor("indices").unwrap()), floats(file.tensor("values").unwrap()));
            assert_eq!(ends[0], 0);
            for ends in ends.windows(2) {
                let mut row = vec![0.0; concepts];
                for entry in ends[0] as usize..ends[1] as usize {
                    row[indices[entry] as usize] = values[entry];
                }
                rows.push(row);
            }
        }
        rows
    }
}

/// The pairs that are there; those that are not follow them.
pub fn present(indices: &[u32], values: &[f32]) -> Vec<(usize, f32)> {
    let all = indices.iter().zip(values);
    let count = indices.iter().filter(|index| **index != u32::MAX).count();
    let missing =
        |(&index, &value): (&u32, &f32)| index == u32::MAX && (value == 0.0 || value.is_nan());
    assert!(all.clone().skip(count).all(missing), "{indices:?} {values:?}");
    all.take(count).map(|(&index, &value)| (index as usize, value)).collect()
}

pub fn floats(tensor: StoredTensor<'_>) -> Vec<f32> {
    tensor.to_f32().unwrap()
}

pub fn words(tensor: StoredTensor<'_>) -> Vec<u32> {
    tensor.to_u32().unwrap()
}

pub fn bytes(tensor: StoredTensor<'_>) -> Vec<u8> {
    tensor.to_u8().unwrap()
}

/// Examples with a text, of three labels and none.
pub fn examples(count: usize) -> Vec<Example> {
    let label = |i: usize| ["b", "a", "", "c"].get(i % 5).filter(|label| !label.is_empty());
    let example = |i: usize| Example {
        text: Some(format!("text {i}")),
        label: label(i).map(|label| (*label).to_owned()),
        ..Example::default()
    };
    (0..count).map(example).collect()
}
