//! Every type, order and version of both formats.

use crate::fixtures::*;
use archetypal::data::{Dtype, MatrixFile, Source};
use safetensors::Dtype as FileDtype;

/// More rows and columns than the blocks of the column-wise reader, and multiples of nothing.
const ROWS: usize = 131;
const WIDTH: usize = 7;

fn assert_reads(source: &dyn Source, values: &[f64], what: &str) {
    assert_eq!((source.rows(), source.width()), (ROWS, WIDTH), "{what}");
    let mut all = vec![f32::NAN; ROWS * WIDTH];
    source.read_range(0, &mut all).unwrap();
    assert!(all.iter().zip(values).all(|(&a, &b)| f64::from(a) == b), "{what}: all rows");

    let mut some = vec![f32::NAN; 70 * WIDTH];
    source.read_range(60, &mut some).unwrap();
    assert_eq!(some, all[60 * WIDTH..130 * WIDTH], "{what}: a range");

    let rows = [130, 0, 64, 64, 7];
    let mut gathered = vec![f32::NAN; rows.len() * WIDTH];
    source.read(&rows, &mut gathered).unwrap();
    for (row, got) in rows.iter().zip(gathered.chunks(WIDTH)) {
        assert_eq!(got, &all[row * WIDTH..][..WIDTH], "{what}: row {row}");
    }
}

#[test]
fn npy_of_every_type_order_and_byte_order() {
    let directory = tempfile::tempdir().unwrap();
    let values = exact(ROWS, WIDTH);
    let types = [("f2", Dtype::F16), ("f4", Dtype::F32), ("f8", Dtype::F64)];
    for (name, dtype) in types {
        for endian in ["<", ">"] {
            for fortran in [false, true] {
                let descr = format!("{endian}{name}");
                let bytes = npy(&descr, fortran, WIDTH, &values);
                let path = file(directory.path(), "a.npy", &bytes);
                let matrix = MatrixFile::open(&path, None).unwrap();
                assert_eq!((matrix.dtype(), matrix.is_fortran()), (dtype, fortran));
                assert_eq!(matrix.row_bytes(), WIDTH * dtype.size());
                assert_reads(&matrix, &values, &format!("{descr} fortran {fortran}"));
            }
        }
    }
}

#[test]
fn npy_of_every_version_also_unaligned() {
    let values = exact(ROWS, WIDTH);
    for version in 1..=3 {
        for align in [64, 16, 1] {
            let header = npy_header("<f4", false, &format!("({ROWS}, {WIDTH})"));
            let bytes = npy_raw(version, &header, align, &encode("<f4", &values));
            let matrix = MatrixFile::from_bytes("a.npy", bytes, None).unwrap();
            assert_reads(&matrix, &values, &format!("version {version}, aligned to {align}"));
        }
    }
}

#[test]
fn npy_written_by_another_writer() {
    use npyz::WriterBuilder;
    let values = exact(ROWS, WIDTH);
    for order in [npyz::Order::C, npyz::Order::Fortran] {
        let mut bytes = Vec::new();
        let mut writer = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&[ROWS as u64, WIDTH as u64])
            .order(order)
            .writer(&mut bytes)
            .begin_nd()
            .unwrap();
        let turned = columns(&values, WIDTH);
        let stored = if order == npyz::Order::C { &values } else { &turned };
        writer.extend(stored.iter().map(|&value| value as f32)).unwrap();
        writer.finish().unwrap();
        let matrix = MatrixFile::from_bytes("a.npy", bytes, None).unwrap();
        assert_reads(&matrix, &values, &format!("{order:?}"));
    }
}

#[test]
fn safetensors_of_every_type() {
    let directory = tempfile::tempdir().unwrap();
    let values = exact(ROWS, WIDTH);
    for (descr, file_dtype, dtype) in [
        ("<f2", FileDtype::F16, Dtype::F16),
        ("<bf2", FileDtype::BF16, Dtype::Bf16),
        ("<f4", FileDtype::F32, Dtype::F32),
        ("<f8", FileDtype::F64, Dtype::F64),
    ] {
        let data = encode(descr, &values);
        let bytes = safetensors(&[("x", file_dtype, &[ROWS, WIDTH], &data)], &[("grid", "1x1")]);
        let path = file(directory.path(), "a.safetensors", &bytes);
        let matrix = MatrixFile::open(&path, None).unwrap();
        assert_eq!((matrix.dtype(), matrix.tensor()), (dtype, Some("x")));
        assert_eq!(matrix.metadata()["grid"], "1x1");
        assert_reads(&matrix, &values, descr);
    }
}

#[test]
fn safetensors_unaligned() {
    let values = exact(ROWS, WIDTH);
    // A header of odd length, as writers other than the usual one make.
    let data = encode("<f4", &values);
    let header = format!(
        "{{\"x\":{{\"dtype\":\"F32\",\"shape\":[{ROWS},{WIDTH}],\"data_offsets\":[0,{}]}}}}",
        data.len()
    );
    for pad in 0..4 {
        let header = format!("{header}{}", " ".repeat(pad));
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(&data);
        let matrix = MatrixFile::from_bytes("a.safetensors", bytes, None).unwrap();
        assert_reads(&matrix, &values, &format!("{pad} bytes of padding"));
    }
}

#[test]
fn one_tensor_of_several() {
    let values = exact(ROWS, WIDTH);
    let other = encode("<f8", &[1.0, 2.0]);
    let data = encode("<f4", &values);
    let bytes = safetensors(
        &[
            ("layer.1", FileDtype::F32, &[ROWS, WIDTH], &data),
            ("layer.0", FileDtype::F64, &[1, 2], &other),
        ],
        &[],
    );
    let open = |tensor| MatrixFile::from_bytes("a.safetensors", bytes.clone(), tensor);
    assert_reads(&open(Some("layer.1")).unwrap(), &values, "layer.1");
    assert_eq!(open(Some("layer.0")).unwrap().rows(), 1);

    let message = open(None).unwrap_err().to_string();
    assert!(message.contains("2 tensors: layer.0 [1, 2] F64, layer.1 [131, 7] F32"), "{message}");
    assert!(message.contains("--tensor NAME"), "{message}");
    let message = open(Some("layer.2")).unwrap_err().to_string();
    assert!(message.contains("no tensor named \"layer.2\""), "{message}");
}

#[test]
fn the_content_tells_the_format_and_not_the_name() {
    let values = exact(ROWS, WIDTH);
    let numpy = MatrixFile::from_bytes("a.bin", npy("<f4", false, WIDTH, &values), None);
    assert_reads(&numpy.unwrap(), &values, ".npy");
    let other = MatrixFile::from_bytes("a.npy", safetensors_f32(WIDTH, &values, &[]), None);
    assert_reads(&other.unwrap(), &values, ".safetensors");
}
