//! Files made by hand, independently of the code that reads them.

use half::{bf16, f16};
use safetensors::{Dtype, tensor::TensorView};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// Numbers that every float type holds exactly, different at every place of a small matrix.
pub fn exact(rows: usize, width: usize) -> Vec<f64> {
    (0..rows * width).map(|i| (i % 251) as f64 - 125.0).collect()
}

/// Values as the bytes of a NumPy type: `<f2`, `>f8`, ...
pub fn encode(descr: &str, values: &[f64]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for &value in values {
        let mut number = match &descr[1..] {
            "f2" => f16::from_f64(value).to_le_bytes().to_vec(),
            "bf2" => bf16::from_f64(value).to_le_bytes().to_vec(),
            "f4" => (value as f32).to_le_bytes().to_vec(),
            "f8" => value.to_le_bytes().to_vec(),
            other => panic!("no type {other}"),
        };
        if descr.starts_with('>') {
            number.reverse();
        }
        bytes.extend(number);
    }
    bytes
}

/// The column-wise order of a row-major matrix.
pub fn columns(values: &[f64], width: usize) -> Vec<f64> {
    (0..width).flat_map(|c| values.iter().skip(c).step_by(width).copied()).collect()
}

/// A `.npy` file with this header text, padded to `align` bytes, followed by `data`.
pub fn npy_raw(version: u8, header: &str, align: usize, data: &[u8]) -> Vec<u8> {
    let prefix = if version == 1 { 10 } else { 12 };
    let mut text = header.as_bytes().to_vec();
    while !(prefix + text.len() + 1).is_multiple_of(align) {
        text.push(b' ');
    }
    text.push(b'\n');
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    if version == 1 {
        bytes.extend((text.len() as u16).to_le_bytes());
    } else {
        bytes.extend((text.len() as u32).to_le_bytes());
    }
    bytes.extend(text);
    bytes.extend(data);
    bytes
}

/// The text of a `.npy` header.
pub fn npy_header(descr: &str, fortran: bool, shape: &str) -> String {
    let fortran = if fortran { "True" } else { "False" };
    format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}")
}

/// A matrix as `.npy`.
pub fn npy(descr: &str, fortran: bool, width: usize, values: &[f64]) -> Vec<u8> {
    let header = npy_header(descr, fortran, &format!("({}, {width})", values.len() / width));
    let data = if fortran { encode(descr, &columns(values, width)) } else { encode(descr, values) };
    npy_raw(1, &header, 64, &data)
}

/// Tensors as `.safetensors`, by the format's own writer.
pub fn safetensors(
    tensors: &[(&str, Dtype, &[usize], &[u8])],
    metadata: &[(&str, &str)],
) -> Vec<u8> {
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (*name, TensorView::new(*dtype, shape.to_vec(), data).unwrap())
    });
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    safetensors::serialize(views, (!metadata.is_empty()).then_some(metadata)).unwrap()
}

/// A matrix of f32 as `.safetensors`.
pub fn safetensors_f32(width: usize, values: &[f64], metadata: &[(&str, &str)]) -> Vec<u8> {
    let shape = [values.len() / width, width];
    safetensors(&[("activations", Dtype::F32, &shape, &encode("<f4", values))], metadata)
}

/// Writes `bytes` to a file of that name.
pub fn file(directory: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}
