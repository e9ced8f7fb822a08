//! Codes, rows, atoms, examples and the data themselves, in pieces.

use super::{
    Stage,
    codes::AllCodes,
    manifest,
    subject::{Output, Subject, chunks},
};
use crate::{
    data::{TensorOut, encode_tensors},
    error::Result,
};
use half::{f16, slice::HalfFloatSliceExt};
use std::collections::BTreeMap;

/// Writes `codes/`, `rows/`, `atoms/`, `examples/` and the data, as far as they are wanted.
pub(super) fn put(
    subject: &Subject<'_>,
    codes: &AllCodes,
    atoms: &[f32],
    out: &mut Output<'_>,
) -> Result<()> {
    out.at(Stage::Rows, 0, subject.rows);
    put_codes(subject, codes, out)?;
    put_atoms(subject, atoms, out)?;
    put_examples(subject, out)?;
    if subject.about.with_rows {
        put_rows(subject, out)?;
    }
    if subject.about.with_data {
        put_data(subject, out)?;
    }
    Ok(())
}

fn put_codes(subject: &Subject<'_>, codes: &AllCodes, out: &mut Output<'_>) -> Result<()> {
    let all = &codes.by_row;
    for (index, rows) in chunks(subject.rows, subject.chunks.codes) {
        let ends = &all.indptr[rows.start..=rows.end];
        let first = ends[0];
        let indptr: Vec<u32> = ends.iter().map(|end| (end - first) as u32).collect();
        let entries = first as usize..ends[rows.len()] as usize;
        let tensors = [
            TensorOut::u32("indptr", &[indptr.len()], &indptr),
            TensorOut::u32("indices", &[entries.len()], &all.indices[entries.clone()]),
            TensorOut::f32("values", &[entries.len()], &all.values[entries.clone()]),
        ];
        out.tables(&format!("codes/{index}.safetensors"), &tensors)?;
    }
    Ok(())
}

fn put_atoms(subject: &Subject<'_>, atoms: &[f32], out: &mut Output<'_>) -> Result<()> {
    let d = subject.width;
    for (index, concepts) in chunks(subject.concepts, subject.chunks.atoms) {
        let values = halves(&atoms[concepts.start * d..concepts.end * d]);
        let tensors = [TensorOut::f16("atoms", &[concepts.len(), d], &values)];
        out.tables(&format!("atoms/{index}.safetensors"), &tensors)?;
    }
    Ok(())
}

fn put_examples(subject: &Subject<'_>, out: &mut Output<'_>) -> Result<()> {
    for (index, examples) in subject.about.examples.chunks(subject.chunks.examples).enumerate() {
        let json = serde_json::to_vec(examples).expect("examples are plain data");
        out.sink.put(&format!("examples/{index}.json"), json)?;
    }
    Ok(())
}

fn put_rows(subject: &Subject<'_>, out: &mut Output<'_>) -> Result<()> {
    for (index, rows) in chunks(subject.rows, subject.chunks.rows) {
        let (end, count) = (rows.end, rows.len());
        let batch = subject.loader.rows(&rows.collect::<Vec<_>>())?;
        let values = halves(&batch.data);
        let tensors = [TensorOut::f16("x", &[count, subject.width], &values)];
        out.tables(&format!("rows/{index}.safetensors"), &tensors)?;
        out.at(Stage::Rows, end, subject.rows);
    }
    Ok(())
}

fn put_data(subject: &Subject<'_>, out: &mut Output<'_>) -> Result<()> {
    let (n, d) = (subject.rows, subject.width);
    let mut values = Vec::with_capacity(n * d);
    for (_, rows) in chunks(n, subject.chunks.rows) {
        let mut piece = vec![0.0; rows.len() * d];
        subject.loader.source().read_range(rows.start, &mut piece)?;
        values.extend(halves(&piece));
    }
    let grid = subject.about.grid.map(|grid| ("grid".to_owned(), grid.to_string()));
    let metadata: BTreeMap<_, _> = grid.into_iter().collect();
    let bytes = encode_tensors(&[TensorOut::f16("data", &[n, d], &values)], &metadata);
    out.sink.put(manifest::DATA, bytes)
}

/// As halves; what exceeds their range becomes the largest of them.
fn halves(values: &[f32]) -> Vec<f16> {
    let most = f16::MAX.to_f32();
    let clamped: Vec<f32> = values.iter().map(|value| value.clamp(-most, most)).collect();
    let mut halves = vec![f16::ZERO; values.len()];
    halves.convert_from_f32_slice(&clamped);
    halves
}
