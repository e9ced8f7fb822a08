//! The files that the crate writes itself.

use crate::fixtures::file;
use archetypal::{
    Error,
    data::{TensorFile, TensorOut, Values, encode_tensors, write_tensors},
};
use std::collections::BTreeMap;

fn metadata(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect()
}

const W: [f32; 6] = [1.0, -2.5, 0.0, f32::MIN_POSITIVE, 3e38, -0.0];

fn tensors() -> Vec<TensorOut<'static>> {
    vec![
        TensorOut::f32("dictionary.W", &[2, 3], &W),
        TensorOut { name: "train.mask", shape: vec![3], values: Values::U8(&[1, 0, 1]) },
        TensorOut { name: "train.step", shape: vec![], values: Values::I64(&[-7]) },
        TensorOut { name: "mean", shape: vec![2], values: Values::F64(&[0.1, 1e300]) },
        TensorOut::u32("indices", &[2, 1], &[7, u32::MAX]),
        TensorOut::f32("none", &[0, 4], &[]),
    ]
}

#[test]
fn what_is_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sae.safetensors");
    let settings = metadata(&[("settings", "{\"a\": \"quote \\\" and ü\"}\n")]);
    write_tensors(&path, &tensors(), &settings).unwrap();
    let file = TensorFile::open(&path).unwrap();
    assert_eq!(file.metadata(), &settings);
    assert_eq!(
        file.names(),
        ["dictionary.W", "indices", "mean", "none", "train.mask", "train.step"]
    );
    let get = |name| file.tensor(name).unwrap();
    let (w, shape) = get("dictionary.W").matrix().unwrap();
    assert_eq!(shape, [2, 3]);
    let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&w.to_f32().unwrap()), bits(&W));
    assert_eq!(get("train.mask").to_u8().unwrap(), [1, 0, 1]);
    assert_eq!(get("train.step").with_shape(&[]).unwrap().to_i64().unwrap(), [-7]);
    assert_eq!(get("mean").to_f64().unwrap(), [0.1, 1e300]);
    assert_eq!(get("indices").to_u32().unwrap(), [7, u32::MAX]);
    assert!(get("none").to_f32().unwrap().is_empty());
    assert!(file.contains("mean") && !file.contains("median"));
}

#[test]
fn the_formats_own_reader_takes_it() {
    let settings = metadata(&[("settings", "{}"), ("format", "pt")]);
    let bytes = encode_tensors(&tensors(), &settings);
    let read = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut names = read.names();
    names.sort_unstable();
    assert_eq!(names.len(), 6);
    let w = read.tensor("dictionary.W").unwrap();
    assert_eq!(w.data(), bytemuck::cast_slice::<f32, u8>(&W));
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["format"], "pt");
    // Every tensor is aligned to its type, for readers that map the file.
    let data_start = bytes.len() - header.data_len();
    for info in header.tensors().values() {
        let size = info.dtype.bitsize() / 8;
        assert!((data_start + info.data_offsets.0).is_multiple_of(size));
    }
}

#[test]
fn the_same_content_has_the_same_bytes() {
    let settings = metadata(&[("b", "2"), ("a", "1"), ("c", "3")]);
    let mut reversed = tensors();
    reversed.reverse();
    let bytes = encode_tensors(&tensors(), &settings);
    assert_eq!(bytes, encode_tensors(&reversed, &settings));
    // The beginning, to the byte.
    let start = b"{\"__metadata__\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"},\"mean\":{\"dtype\":\"F64\",\"shape\":[2],";
    assert_eq!(&bytes[8..][..start.len()], start);
}

#[test]
fn other_float_types_are_read_as_f32() {
    let half = safetensors::tensor::TensorView::new(
        safetensors::Dtype::BF16,
        vec![2],
        &[0x80, 0x3f, 0x00, 0xc0],
    )
    .unwrap();
    let bytes = safetensors::serialize([("x", half)], None).unwrap();
    let file = TensorFile::from_bytes("x", bytes).unwrap();
    assert_eq!(file.tensor("x").unwrap().to_f32().unwrap(), [1.0, -2.0]);
    assert_eq!(file.tensor("x").unwrap().to_f64().unwrap(), [1.0, -2.0]);
    assert_eq!(file.tensor("x").unwrap().dtype(), "BF16");
}

#[test]
fn what_does_not_fit_is_said() {
    let file =
        TensorFile::from_bytes("my.file", encode_tensors(&tensors(), &metadata(&[]))).unwrap();
    let message = file.tensor("points").unwrap_err().to_string();
    assert!(message.contains("no tensor \"points\"") && message.contains("indices"), "{message}");
    let w = || file.tensor("dictionary.W").unwrap();
    let message = w().with_shape(&[3, 2]).unwrap_err().to_string();
    assert!(message.contains("has shape [2, 3], expected [3, 2]"), "{message}");
    let message = w().to_u32().unwrap_err().to_string();
    assert!(message.contains("\"dictionary.W\" is F32, expected U32"), "{message}");
    assert!(file.tensor("indices").unwrap().to_f32().is_err());
    assert!(w().to_i64().is_err() && w().to_u8().is_err());
    assert!(file.tensor("mean").unwrap().matrix().is_err());
}

#[test]
fn rows_of_a_tensor() {
    let file = TensorFile::from_bytes("x", encode_tensors(&tensors(), &metadata(&[]))).unwrap();
    let w = file.tensor("dictionary.W").unwrap();
    assert_eq!(w.clone().rows(1..2).to_f32().unwrap(), W[3..]);
    assert_eq!(w.clone().rows(1..2).shape(), [1, 3]);
    assert!(w.rows(2..2).to_f32().unwrap().is_empty());
    assert!(file.tensor("none").unwrap().rows(0..0).to_f32().unwrap().is_empty());
}

#[test]
fn a_file_cut_short_at_any_byte_is_refused() {
    let bytes = encode_tensors(&tensors()[..2], &metadata(&[("settings", "{}")]));
    for length in 0..bytes.len() {
        let error = TensorFile::from_bytes("x", bytes[..length].to_vec()).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "a.safetensors", &bytes[..bytes.len() - 1]);
    assert!(TensorFile::open(path).unwrap_err().to_string().contains("but only"));
    let foreign = TensorFile::from_bytes("x.npy", b"\x93NUMPY and so on".to_vec()).unwrap_err();
    assert!(foreign.to_string().contains("not .safetensors"), "{foreign}");
}
