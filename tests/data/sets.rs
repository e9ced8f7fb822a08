//! Several files as one set.

use crate::fixtures::*;
use archetypal::{
    Error,
    data::{DataSet, Examples, Grid, Location, Source, Statistics, Subset},
};
use std::{path::PathBuf, sync::Arc};

/// Shards of 5, 1 and 9 rows in different formats and types, and all their values.
fn shards(directory: &std::path::Path) -> (Vec<PathBuf>, Vec<f64>) {
    let values = exact(15, 4);
    let paths = vec![
        file(directory, "0.npy", &npy("<f2", false, 4, &values[..20])),
        file(directory, "1.safetensors", &safetensors_f32(4, &values[20..24], &[("grid", "2x2")])),
        file(directory, "2.npy", &npy(">f8", true, 4, &values[24..])),
    ];
    (paths, values)
}

#[test]
fn shards_read_as_one_matrix() {
    let directory = tempfile::tempdir().unwrap();
    let (paths, values) = shards(directory.path());
    let set = DataSet::open(&paths, None).unwrap();
    assert_eq!((set.rows(), set.width(), set.shards().len()), (15, 4, 3));
    let values: Vec<f32> = values.iter().map(|&v| v as f32).collect();
    for start in 0..15 {
        for end in start..=15 {
            let mut out = vec![f32::NAN; (end - start) * 4];
            set.read_range(start, &mut out).unwrap();
            assert_eq!(out, values[start * 4..end * 4]);
        }
    }
    let rows = [14, 5, 0, 4, 6, 5];
    let mut out = vec![f32::NAN; rows.len() * 4];
    set.read(&rows, &mut out).unwrap();
    for (row, got) in rows.iter().zip(out.chunks(4)) {
        assert_eq!(got, &values[row * 4..][..4]);
    }
    set.release(3..12);
    set.read_range(0, &mut out).unwrap();
    assert_eq!(out, values[..24]);
}

#[test]
fn rows_are_located_in_their_file() {
    let directory = tempfile::tempdir().unwrap();
    let (paths, _) = shards(directory.path());
    let set = Arc::new(DataSet::open(&paths, None).unwrap());
    let at = |i: usize, row| Location { file: paths[i].display().to_string(), row };
    assert_eq!(set.locate(0), at(0, 0));
    assert_eq!(set.locate(4), at(0, 4));
    assert_eq!(set.locate(5), at(1, 0));
    assert_eq!(set.locate(14), at(2, 8));
    let subset = Subset::new(set, vec![6, 2]).unwrap();
    assert_eq!(subset.locate(0), at(2, 0));
}

#[test]
fn a_bad_value_is_named_by_file_row_and_column() {
    let directory = tempfile::tempdir().unwrap();
    let (mut paths, _) = shards(directory.path());
    let mut values = exact(3, 4);
    values[2 * 4 + 1] = 1e300;
    paths.push(file(directory.path(), "3.npy", &npy("<f8", false, 4, &values)));
    let set = DataSet::open(&paths, None).unwrap();
    match Statistics::compute(&set).unwrap_err() {
        Error::NotFinite { file, row: 2, column: 1, value } => {
            assert!(file.ends_with("3.npy"), "{file}");
            assert_eq!(value, f32::INFINITY, "too large for f32 counts as infinite");
        }
        other => panic!("{other}"),
    }
}

#[test]
fn another_width_is_refused_with_both_names() {
    let directory = tempfile::tempdir().unwrap();
    let (mut paths, _) = shards(directory.path());
    paths.push(file(directory.path(), "wide.npy", &npy("<f4", false, 5, &exact(2, 5))));
    let message = DataSet::open(&paths, None).unwrap_err().to_string();
    assert!(message.contains("wide.npy: its rows are 5 wide"), "{message}");
    assert!(message.contains("0.npy are 4 wide"), "{message}");
    assert!(matches!(DataSet::open::<PathBuf>(&[], None), Err(Error::Empty { .. })));
}

#[test]
fn metadata_must_agree() {
    let directory = tempfile::tempdir().unwrap();
    let (mut paths, _) = shards(directory.path());
    let set = DataSet::open(&paths, None).unwrap();
    assert_eq!(set.metadata("grid").unwrap(), Some("2x2"));
    assert_eq!(set.grid().unwrap(), Some(Grid { height: 2, width: 2 }));
    assert_eq!(set.metadata("model").unwrap(), None);
    let other = safetensors_f32(4, &exact(1, 4), &[("grid", "7x7")]);
    paths.push(file(directory.path(), "other.safetensors", &other));
    let set = DataSet::open(&paths, None).unwrap();
    let message = set.metadata("grid").unwrap_err().to_string();
    assert!(message.contains("\"7x7\"") && message.contains("\"2x2\""), "{message}");
}

#[test]
fn examples_are_read_beside_the_data() {
    let directory = tempfile::tempdir().unwrap();
    let text = "{\"image\": \"0.webp\"}\n{\"image\": \"1.webp\"}\n";
    let path = file(directory.path(), "e.jsonl", text.as_bytes());
    let grid: Grid = "2x2".parse().unwrap();
    let examples = Examples::read(&path, 8, Some(grid)).unwrap();
    assert_eq!(examples.of_row(7), (1, Some((1, 1))));
    assert_eq!(examples.image_path(1), Some(directory.path().join("1.webp")));
    let bad = file(directory.path(), "bad.jsonl", b"{\"text\": \"a\"}\n\xff\n");
    let message = Examples::read(&bad, 2, None).unwrap_err().to_string();
    assert!(message.contains("line 2 is not UTF-8"), "{message}");
    assert!(matches!(Examples::read(directory.path().join("no"), 1, None), Err(Error::Io { .. })));
}
