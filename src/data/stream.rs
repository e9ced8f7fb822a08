//! Writing tensors that do not fit memory, row after row.

use super::{
    files::{AtomicFile, directory},
    tensors::{Entry, Values, file_order, header},
};
use crate::error::Result;
use ::safetensors::tensor::Dtype as FileDtype;
use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

/// A tensor that will be written row by row.
#[derive(Clone, Debug)]
pub struct StreamSpec {
    name: String,
    dtype: FileDtype,
    rows: Option<usize>,
    row_shape: Vec<usize>,
}

impl StreamSpec {
    fn new(name: &str, dtype: FileDtype, rows: Option<usize>, row_shape: &[usize]) -> Self {
        Self { name: name.into(), dtype, rows, row_shape: row_shape.to_vec() }
    }

    /// f32 of shape [rows, row_shape...]; `None` if the number of rows shows only at the end.
    pub fn f32(name: &str, rows: Option<usize>, row_shape: &[usize]) -> Self {
        Self::new(name, FileDtype::F32, rows, row_shape)
    }

    /// As [`StreamSpec::f32`], of unsigned 32-bit integers.
    pub fn u32(name: &str, rows: Option<usize>, row_shape: &[usize]) -> Self {
        Self::new(name, FileDtype::U32, rows, row_shape)
    }

    /// As [`StreamSpec::f32`], of signed 64-bit integers.
    pub fn i64(name: &str, rows: Option<usize>, row_shape: &[usize]) -> Self {
        Self::new(name, FileDtype::I64, rows, row_shape)
    }

    fn row_len(&self) -> usize {
        self.row_shape.iter().product()
    }

    fn row_bytes(&self) -> u64 {
        (self.row_len() * (self.dtype.bitsize() / 8)) as u64
    }

    fn shape(&self, rows: usize) -> Vec<usize> {
        [&[rows], self.row_shape.as_slice()].concat()
    }
}

/// A `.safetensors` file whose tensors grow row by row, in turns; it has its name only once it is whole.
///
/// Tensors whose place is known are written there. What follows one of unknown length waits in a nameless file
/// beside it.
pub struct StreamWriter {
    file: AtomicFile,
    metadata: BTreeMap<String, String>,
    /// Bytes kept for the header.
    header_len: usize,
    /// In the order of the file.
    sections: Vec<Section>,
}

struct Section {
    spec: StreamSpec,
    written: usize,
    place: Place,
}

enum Place {
    /// At this byte of the file.
    At(u64),
    /// In a file of its own until the end.
    Apart(File),
}

impl StreamWriter {
    /// Begins the file.
    ///
    /// # Errors
    /// As [`write_atomically`](super::write_atomically).
    ///
    /// # Panics
    /// If two tensors have one name.
    pub fn create(
        path: impl AsRef<Path>,
        specs: Vec<StreamSpec>,
        metadata: BTreeMap<String, String>,
    ) -> Result<Self> {
        let mut specs = specs;
        specs.sort_by(|a, b| file_order(&(&a.name, a.dtype, &[]), &(&b.name, b.dtype, &[])));
        assert!(specs.windows(2).all(|w| w[0].name != w[1].name), "two tensors of the same name");
        // As long as the header can get: no file has offsets of more digits than these.
        let most = |spec: &StreamSpec| {
            let rows = (1u64 << 60) / spec.row_bytes().max(1);
            spec.rows.unwrap_or(usize::try_from(rows).unwrap_or(usize::MAX))
        };
        let header_len = header_of(specs.iter().map(|spec| (spec, most(spec))), &metadata, 0).len();

        let file = AtomicFile::create(path.as_ref())?;
        let mut offset = Some(header_len as u64);
        let mut sections = Vec::with_capacity(specs.len());
        for spec in specs {
            let place = match offset {
                Some(at) => Place::At(at),
                None => Place::Apart(file.check(tempfile::tempfile_in(directory(file.path())))?),
            };
            offset = offset.zip(spec.rows).map(|(at, rows)| at + rows as u64 * spec.row_bytes());
            sections.push(Section { spec, written: 0, place });
        }
        Ok(Self { file, metadata, header_len, sections })
    }

    /// Appends whole rows to the tensor called `name`.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if they cannot be written, for example because the disk is full.
    ///
    /// # Panics
    /// If there is no such tensor, the type is another one, the values are not whole rows, or there are more of them
    /// than were announced.
    pub fn append(&mut self, name: &str, values: Values<'_>) -> Result<()> {
        let section = self.sections.iter_mut().find(|section| section.spec.name == name);
        let Section { spec, written, place } = section.expect("a tensor that was announced");
        assert_eq!(values.dtype(), spec.dtype, "type of {name}");
        assert!(values.len().is_multiple_of(spec.row_len()), "whole rows of {name}");
        let rows = values.len() / spec.row_len();
        assert!(spec.rows.is_none_or(|all| *written + rows <= all), "too many rows of {name}");
        let at = *written as u64 * spec.row_bytes();
        let result = match place {
            Place::At(start) => write_at(self.file.file(), *start + at, values.bytes()),
            Place::Apart(file) => write_at(file, at, values.bytes()),
        };
        self.file.check(result)?;
        *written += rows;
        Ok(())
    }

    /// Completes the file, makes it durable and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) if that fails; then nothing is left.
    ///
    /// # Panics
    /// If a tensor has not all the rows that were announced.
    pub fn finish(mut self) -> Result<()> {
        for Section { spec, written, .. } in &self.sections {
            assert!(spec.rows.is_none_or(|all| all == *written), "rows of {}", spec.name);
        }
        let rows = self.sections.iter().map(|section| (&section.spec, section.written));
        let header = header_of(rows, &self.metadata, self.header_len);
        debug_assert_eq!(header.len(), self.header_len);
        let written = self.join(&header);
        self.file.check(written)?;
        self.file.commit()
    }

    fn join(&mut self, header: &[u8]) -> io::Result<()> {
        let file = self.file.file();
        write_at(file, 0, header)?;
        let mut end = header.len() as u64;
        for Section { spec, written, place } in &mut self.sections {
            if let Place::Apart(part) = place {
                part.seek(SeekFrom::Start(0))?;
                file.seek(SeekFrom::Start(end))?;
                io::copy(part, file)?;
            }
            end += *written as u64 * spec.row_bytes();
        }
        Ok(())
    }
}

fn header_of<'a>(
    rows: impl Iterator<Item = (&'a StreamSpec, usize)>,
    metadata: &BTreeMap<String, String>,
    least: usize,
) -> Vec<u8> {
    let shapes: Vec<(&StreamSpec, Vec<usize>)> =
        rows.map(|(spec, rows)| (spec, spec.shape(rows))).collect();
    let entries: Vec<Entry<'_>> = shapes
        .iter()
        .map(|(spec, shape)| (spec.name.as_str(), spec.dtype, shape.as_slice()))
        .collect();
    header(&entries, metadata, least)
}

fn write_at(file: &mut File, at: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::TensorFile;

    fn metadata() -> BTreeMap<String, String> {
        BTreeMap::from([("kind".into(), "codes \"of\" a test".into())])
    }

    #[test]
    fn known_shapes_are_written_in_turns() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("codes.safetensors");
        let specs = vec![
            StreamSpec::u32("indices", Some(5), &[2]),
            StreamSpec::f32("values", Some(5), &[2]),
            StreamSpec::u32("counts", Some(5), &[]),
        ];
        let mut writer = StreamWriter::create(&path, specs, metadata()).unwrap();
        for rows in [0..3u32, 3..5] {
            let indices: Vec<u32> = rows.clone().flat_map(|r| [r, r + 100]).collect();
            let values: Vec<f32> = indices.iter().map(|&i| i as f32 / 2.0).collect();
            writer.append("values", Values::F32(&values)).unwrap();
            writer.append("indices", Values::U32(&indices)).unwrap();
            writer.append("counts", Values::U32(&rows.collect::<Vec<_>>())).unwrap();
        }
        assert!(!path.exists());
        writer.finish().unwrap();

        let file = TensorFile::open(&path).unwrap();
        assert_eq!(file.metadata(), &metadata());
        let indices = file.tensor("indices").unwrap().with_shape(&[5, 2]).unwrap();
        assert_eq!(indices.to_u32().unwrap(), [0, 100, 1, 101, 2, 102, 3, 103, 4, 104]);
        assert_eq!(indices.rows(3..5).to_u32().unwrap(), [3, 103, 4, 104]);
        let values = file.tensor("values").unwrap().rows(4..5).to_f32().unwrap();
        assert_eq!(values, [2.0, 52.0]);
        let counts = file.tensor("counts").unwrap().with_shape(&[5]).unwrap();
        assert_eq!(counts.to_u32().unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn unknown_lengths_are_joined_at_the_end() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jump.safetensors");
        let specs = vec![
            StreamSpec::f32("values", None, &[]),
            StreamSpec::u32("indices", None, &[]),
            StreamSpec::i64("indptr", Some(4), &[]),
        ];
        let mut writer = StreamWriter::create(&path, specs, BTreeMap::new()).unwrap();
        writer.append("indptr", Values::I64(&[0])).unwrap();
        let mut total = 0;
        for n in [3u32, 0, 2] {
            writer.append("indices", Values::U32(&(0..n).collect::<Vec<_>>())).unwrap();
            writer.append("values", Values::F32(&vec![n as f32; n as usize])).unwrap();
            total += i64::from(n);
            writer.append("indptr", Values::I64(&[total])).unwrap();
        }
        writer.finish().unwrap();

        let file = TensorFile::open(&path).unwrap();
        assert_eq!(file.tensor("indptr").unwrap().to_i64().unwrap(), [0, 3, 3, 5]);
        assert_eq!(file.tensor("indices").unwrap().to_u32().unwrap(), [0, 1, 2, 0, 1]);
        assert_eq!(file.tensor("values").unwrap().to_f32().unwrap(), [3.0, 3.0, 3.0, 2.0, 2.0]);
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.safetensors");
        let specs = vec![StreamSpec::f32("values", Some(2), &[1])];
        let mut writer = StreamWriter::create(&path, specs, BTreeMap::new()).unwrap();
        writer.append("values", Values::F32(&[1.0])).unwrap();
        drop(writer);
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
