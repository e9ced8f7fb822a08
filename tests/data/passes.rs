//! Whole passes over files: statistics, epochs, memory.

use crate::fixtures::*;
use archetypal::data::{
    BatchStream, Batches, DataSet, Examples, Loader, Normalize, Normalizer, Order, Prefetch,
    Shuffle, Source, Statistics,
};
use std::{path::PathBuf, sync::Arc};

/// 3000 rows of width 12 in three shards; the last column never varies.
fn set(directory: &std::path::Path) -> Arc<dyn Source> {
    let paths: Vec<PathBuf> = (0..3)
        .map(|shard| {
            let mut values = exact(1000, 12);
            for (i, value) in values.iter_mut().enumerate() {
                *value = if i % 12 == 11 { 4.0 } else { *value + f64::from(shard) };
            }
            file(directory, &format!("{shard}.npy"), &npy("<f2", shard == 1, 12, &values))
        })
        .collect();
    Arc::new(DataSet::open(&paths, None).unwrap())
}

fn collect(mut stream: impl BatchStream) -> (Vec<usize>, Vec<f32>) {
    let (mut rows, mut data) = (Vec::new(), Vec::new());
    while let Some(batch) = stream.next() {
        let batch = batch.unwrap();
        rows.extend(&batch.rows);
        data.extend(&batch.data);
        stream.recycle(batch);
    }
    (rows, data)
}

#[test]
fn a_normalised_epoch_has_mean_0_and_variance_1() {
    let directory = tempfile::tempdir().unwrap();
    let source = set(directory.path());
    let statistics = Statistics::compute(&*source).unwrap();
    let normalizer = Arc::new(Normalizer::new(Normalize::Standardize, &statistics));
    let loader = Loader::new(source, normalizer, Shuffle::seeded(5), 128).unwrap();
    let mut stream = loader.epoch(0, 0).unwrap();
    let (mut sum, mut squares, mut rows) = ([0.0; 12], [0.0; 12], 0);
    while let Some(batch) = stream.next() {
        let batch = batch.unwrap();
        rows += batch.rows.len();
        for row in batch.data.chunks(12) {
            for (c, &x) in row.iter().enumerate() {
                sum[c] += f64::from(x);
                squares[c] += f64::from(x).powi(2);
            }
        }
        stream.recycle(batch);
    }
    assert_eq!(rows, 3000);
    for c in 0..12 {
        assert!((sum[c] / 3000.0).abs() < 1e-5, "mean of column {c}");
        let expected = if c == 11 { 0.0 } else { 1.0 };
        assert!((squares[c] / 3000.0 - expected).abs() < 1e-5, "variance of column {c}");
    }
}

#[test]
fn prefetch_equals_reading_in_place_for_every_order_and_start() {
    let directory = tempfile::tempdir().unwrap();
    let source = set(directory.path());
    let normalizer = Arc::new(Normalizer::identity(12));
    let whole = Shuffle::seeded(1);
    // 24 bytes a row: windows of two blocks.
    for how in [whole, whole.with_memory(12_500), Shuffle::none(), Shuffle::none().with_memory(999)]
    {
        let batches = |start| {
            let order = Order::new(3000, source.row_bytes(), how, 3);
            Batches::new(source.clone(), normalizer.clone(), order, 70, start)
        };
        let (rows, data) = collect(batches(0));
        let mut sorted = rows.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..3000).collect::<Vec<_>>());
        for start in [0, 1, 7, 42, 43] {
            let (ahead_rows, ahead_data) = collect(Prefetch::new(batches(start)).unwrap());
            assert_eq!(ahead_rows, rows[(start * 70).min(3000)..], "{how:?} from {start}");
            assert_eq!(ahead_data, data[(start * 70).min(3000) * 12..], "{how:?} from {start}");
        }
    }
}

/// Bytes of files in this process's memory.
#[cfg(target_os = "linux")]
fn resident_file_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("RssFile:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn a_set_larger_than_the_bound_stays_within_it() {
    use std::io::Write;
    // 256 MiB of zeros, which take no room on the disk.
    let (rows, width) = (1 << 20, 64);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("large.npy");
    let header = npy_header("<f4", false, &format!("({rows}, {width})"));
    let header = npy_raw(1, &header, 64, &[]);
    let mut large = std::fs::File::create(&path).unwrap();
    large.write_all(&header).unwrap();
    large.set_len((header.len() + rows * width * 4) as u64).unwrap();

    let source: Arc<dyn Source> = Arc::new(DataSet::open(&[path], None).unwrap());
    let normalizer = Arc::new(Normalizer::identity(width));
    let bound = 8 << 20;
    for how in [Shuffle::seeded(1), Shuffle::none()] {
        let before = resident_file_bytes();
        let order = Order::new(rows, source.row_bytes(), how.with_memory(bound), 0);
        let mut batches = Batches::new(source.clone(), normalizer.clone(), order, 4096, 0);
        let mut most = 0;
        while let Some(batch) = batches.next() {
            batches.recycle(batch.unwrap());
            most = most.max(resident_file_bytes().saturating_sub(before));
        }
        let left = resident_file_bytes().saturating_sub(before);
        // The kernel maps some pages around each one that is touched: up to twice what was asked for, with blocks of
        // 64 KiB; and other tests map small files meanwhile.
        assert!(most < 40 << 20, "{} MiB at the most with {how:?}", most >> 20);
        assert!(left < 8 << 20, "{} MiB left with {how:?}", left >> 20);
    }
}

#[test]
fn the_demo_data() {
    let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples/data");
    let pictures = DataSet::open(&[directory.join("clipart-efflite0.safetensors")], None).unwrap();
    assert_eq!((pictures.rows(), pictures.width()), (6272, 320));
    let grid = pictures.grid().unwrap().unwrap();
    let examples =
        Examples::read(directory.join("clipart.jsonl"), pictures.rows(), Some(grid)).unwrap();
    assert_eq!((examples.items().len(), grid.cells()), (128, 49));
    assert!(examples.image_path(127).unwrap().is_file());

    let texts = DataSet::open(&[directory.join("wordnet-minilm.safetensors")], None).unwrap();
    let examples = Examples::read(directory.join("wordnet.jsonl"), texts.rows(), None).unwrap();
    assert!(examples.items()[0].text.is_some());
    let statistics = Statistics::compute(&texts).unwrap();
    let normalizer = Normalizer::new(Normalize::Standardize, &statistics);
    for (dimension, (variance, scale)) in
        statistics.variance.iter().zip(normalizer.scale()).enumerate()
    {
        let constant = [127, 223, 319].contains(&dimension);
        assert_eq!(*scale == 1.0, constant, "dimension {dimension} has variance {variance}");
    }
}
