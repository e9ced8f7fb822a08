//! Files that are cut short, malformed, hostile, or of another kind: a clear error, and never a panic.

use crate::fixtures::*;
use archetypal::{
    Error,
    data::{MatrixFile, Source, TensorFile},
};
use safetensors::Dtype as FileDtype;

fn problem(name: &str, bytes: Vec<u8>) -> String {
    MatrixFile::from_bytes(name, bytes, None).unwrap_err().to_string()
}

/// Opens and reads all; whether it worked matters to nobody, as long as nothing panics.
fn survives(bytes: Vec<u8>) -> bool {
    if let Ok(file) = TensorFile::from_bytes("x", bytes.clone()) {
        for name in file.names() {
            let tensor = file.tensor(&name).unwrap();
            let _ = (tensor.to_f32(), tensor.to_u32(), tensor.to_u8());
        }
    }
    let Ok(matrix) = MatrixFile::from_bytes("x", bytes, None) else { return false };
    let mut out = vec![0.0; matrix.rows() * matrix.width()];
    matrix.read_range(0, &mut out).unwrap();
    true
}

fn small_files() -> [Vec<u8>; 3] {
    let values = exact(5, 3);
    [
        npy("<f4", false, 3, &values),
        npy("<f2", true, 3, &values),
        safetensors_f32(3, &values, &[("grid", "1x1")]),
    ]
}

#[test]
fn a_file_cut_short_at_any_byte_is_refused() {
    for bytes in small_files() {
        assert!(survives(bytes.clone()));
        for length in 0..bytes.len() {
            let Err(error) =
                MatrixFile::from_bytes("x.safetensors", bytes[..length].to_vec(), None)
            else {
                panic!("{length} of {} bytes were taken for a whole file", bytes.len())
            };
            assert!(matches!(error, Error::File { .. }), "{error}");
        }
    }
}

#[test]
fn what_is_missing_is_said() {
    let [numpy, _, tensors] = small_files();
    let cut = |bytes: &[u8], n: usize| problem("x.safetensors", bytes[..n].to_vec());
    let message = cut(&numpy, numpy.len() - 1);
    assert!(message.contains("[5, 3] in f32 takes 60 bytes, but only 59 follow"), "{message}");
    assert!(cut(&numpy, 40).contains("ends within its .npy header"));
    let message = cut(&tensors, tensors.len() - 1);
    assert!(message.contains("announces 60 bytes of tensors, but only 59 follow"), "{message}");
    assert!(cut(&tensors, 40).contains("ends within its .safetensors header"));
    let mut longer = tensors.clone();
    longer.push(0);
    assert!(problem("x", longer).contains("1 bytes follow the last tensor"));
}

#[test]
fn no_change_of_a_header_byte_panics() {
    for bytes in small_files() {
        let header = bytes.len() - 30;
        for place in 0..header {
            for change in [0x00, 0x20, 0x28, 0x30, 0x39, 0x5b, 0x7b, 0x80, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] = change;
                survives(bytes);
            }
        }
    }
}

#[test]
fn hostile_npy_headers_are_refused() {
    let with_shape = |shape: &str| npy_raw(1, &npy_header("<f4", false, shape), 64, &[0; 64]);
    for shape in [
        "(1099511627776, 1099511627776)",
        "(9223372036854775808, 2)",
        "(18446744073709551615, 1)",
        "(4294967296, 4294967296)",
        "(100000000000000000000000000, 1)",
        "(-1, 4)",
        "(2.5, 4)",
        "'ab'",
        "(None, 4)",
    ] {
        let message = problem("x.npy", with_shape(shape));
        assert!(message.starts_with("x.npy: "), "{message}");
    }
    let deep = format!("{{'descr': {}}}", "(".repeat(8000));
    assert!(problem("x.npy", npy_raw(2, &deep, 64, &[])).contains("not closed"));
    let deep = format!("{}{}", "{".repeat(4000), "}".repeat(4000));
    assert!(problem("x.npy", npy_raw(2, &deep, 64, &[])).contains("malformed"));
    let mut endless = npy_raw(2, "{}", 64, &[]);
    endless[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(problem("x.npy", endless).contains("claims 4294967295 bytes"));
    assert!(problem("x.npy", npy_raw(9, "{}", 64, &[])).contains("unknown version 9"));
    assert!(problem("x.npy", npy_raw(1, "{}", 64, &[])).contains("no \"descr\""));
    assert!(problem("x.npy", npy_raw(1, "{'descr'", 64, &[])).contains("malformed"));
}

fn raw_safetensors(header: &str, data: usize) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.resize(bytes.len() + data, 0);
    bytes
}

#[test]
fn hostile_safetensors_headers_are_refused() {
    let tensor = |name: &str, dtype: &str, shape: &str, from: u64, to: u64| {
        format!(
            "\"{name}\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[{from},{to}]}}"
        )
    };
    // Eight tensors whose sizes add up to just below 2⁶⁴, so that the header's length overflows the sum.
    let eighth = 1u64 << 60;
    let mut many: Vec<String> = (0..15)
        .map(|i| {
            tensor(&format!("t{i}"), "U8", &format!("[{eighth}]"), i * eighth, (i + 1) * eighth)
        })
        .collect();
    let (from, to) = (15 * eighth, u64::MAX - 100);
    many.push(tensor("t15", "U8", &format!("[{}]", to - from), from, to));
    let headers = [
        format!("{{{}}}", tensor("x", "F32", "[4611686018427387904,4]", 0, 16)),
        format!("{{{}}}", tensor("x", "F32", "[18446744073709551615,1]", 0, 16)),
        format!("{{{}}}", tensor("x", "F32", "[2,2]", 16, 0)),
        format!("{{{}}}", tensor("x", "F32", "[2,2]", 0, 1 << 62)),
        format!("{{{}}}", tensor("x", "F32", "[1,2]", 8, 16)),
        format!(
            "{{{},{}}}",
            tensor("x", "F32", "[2,2]", 0, 16),
            tensor("y", "F32", "[2,2]", 0, 16)
        ),
        format!("{{{}}}", tensor("x", "F32", "[-2,2]", 0, 16)),
        format!("{{{}}}", tensor("x", "F99", "[2,2]", 0, 16)),
        format!("{{{}}}", many.join(",")),
        format!("{{\"x\":{}", "[".repeat(100_000)),
        "{\"x\":3}".into(),
        "{}".into(),
    ];
    for header in headers {
        let bytes = raw_safetensors(&header, 16);
        let error = MatrixFile::from_bytes("x", bytes.clone(), Some("x")).unwrap_err();
        assert!(matches!(error, Error::File { .. }), "{error}");
        survives(bytes);
    }
    let mut endless = raw_safetensors("{}", 0);
    endless[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(problem("x", endless).contains("at most 100000000"));
    assert!(problem("x", raw_safetensors("{}", 0)).contains("holds no tensors"));
}

#[test]
fn what_is_no_matrix_is_refused_with_advice() {
    let with_shape = |shape: &str| npy_raw(1, &npy_header("<f4", false, shape), 64, &[0; 96]);
    let message = problem("x.npy", with_shape("(2, 3, 4)"));
    assert!(message.contains("[2, 3, 4]") && message.contains("reshape(-1, d)"), "{message}");
    assert!(message.contains("[pictures, cells, d]"), "{message}");
    assert!(problem("x.npy", with_shape("(24,)")).contains("second axis"));
    assert!(problem("x.npy", with_shape("()")).contains("2-D matrix"));
    assert!(problem("x.npy", with_shape("(4, 0)")).contains("width ≥ 1"));
    let empty = MatrixFile::from_bytes("x.npy", with_shape("(0, 4)"), None).unwrap_err();
    assert!(matches!(empty, Error::Empty { .. }), "{empty}");

    let cube = safetensors(&[("x", FileDtype::F32, &[2, 3, 4], &[0; 96])], &[]);
    assert!(problem("x", cube).contains("[pictures, cells, d]"));
    let none = safetensors(&[("x", FileDtype::F32, &[0, 4], &[])], &[]);
    let none = MatrixFile::from_bytes("x", none, None).unwrap_err();
    assert!(matches!(none, Error::Empty { .. }), "{none}");
}

#[test]
fn other_types_are_refused_by_name() {
    for descr in ["<i4", "|u1", "<f16", "<c8", "|O", "<U5", "|b1"] {
        let header = npy_header(descr, false, "(2, 2)");
        let message = problem("x.npy", npy_raw(1, &header, 64, &[0; 64]));
        assert!(message.contains(descr) && message.contains("f16, f32 or f64"), "{message}");
    }
    let record =
        "{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (2, 2), }";
    assert!(problem("x.npy", npy_raw(1, record, 64, &[0; 64])).contains("'a'"));
    let whole = safetensors(&[("ids", FileDtype::I32, &[2, 2], &[0; 16])], &[]);
    let message = problem("x", whole);
    assert!(message.contains("\"ids\" is I32") && message.contains("BF16"), "{message}");
}

#[test]
fn other_formats_are_named() {
    for (begin, expected) in [
        (&b"PK\x03\x04rest of it"[..], "zip archive"),
        (b"\x80\x04\x95rest of it", "pickle"),
        (b"\x89HDF\r\n\x1a\nrest", "HDF5"),
        (b"PAR1 rest of it", "Parquet"),
        (b"\x1f\x8b\x08 rest", "gzip"),
        (b"1.0,2.0\n3.0,4.0\n", "neither .npy nor .safetensors"),
        (b"x", "neither .npy nor .safetensors"),
    ] {
        let message = problem("data.bin", begin.to_vec());
        assert!(message.contains(expected), "{message}");
    }
    assert!(problem("x.npy", Vec::new()).contains("empty (0 bytes)"));
}

#[test]
fn what_is_no_file_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let message = MatrixFile::open(directory.path(), None).unwrap_err().to_string();
    assert!(message.contains("directory"), "{message}");
    let missing = MatrixFile::open(directory.path().join("no.npy"), None).unwrap_err();
    assert!(matches!(missing, Error::Io { .. }));
    assert!(missing.to_string().contains("no.npy"), "{missing}");
    let empty = file(directory.path(), "a.npy", b"");
    assert!(MatrixFile::open(&empty, None).unwrap_err().to_string().contains("0 bytes"));
    #[cfg(unix)]
    {
        let message = MatrixFile::open("/dev/null", None).unwrap_err().to_string();
        assert!(message.contains("not a regular file"), "{message}");
    }
}
