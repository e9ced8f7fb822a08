//! The codes of all rows on the host, by rows and by concepts.

use super::{
    AtlasProgress, Stage,
    subject::{Output, Subject},
};
use crate::{
    device::ACTIVE_FROM,
    error::{Error, Result, human_bytes},
    metrics::{Evaluation, evaluate_seeing},
    sae::CodeRows,
};

/// Bytes of a code in both orders.
const BYTES_A_CODE: u64 = 16;

/// All codes that are not zero, twice: 16 bytes each.
#[derive(Debug, Default)]
pub(super) struct AllCodes {
    /// Row by row, concepts ascending.
    pub by_row: CodeRows,
    /// Where each concept starts in `rows` and `values`; one more than concepts.
    starts: Vec<usize>,
    /// Concept by concept, ascending.
    rows: Vec<u32>,
    values: Vec<f32>,
}

impl AllCodes {
    /// Encodes all rows, and judges the model on the way.
    pub async fn encode(subject: &Subject<'_>, out: &mut Output<'_>) -> Result<(Evaluation, Self)> {
        let Subject { sae, loader, rows: total, .. } = *subject;
        out.at(Stage::Encode, 0, total);
        let mut all =
            CodeRows { concepts: subject.concepts, indptr: vec![0], ..CodeRows::default() };
        let Output { sink, on_progress } = out;
        let mut see = |codes: CodeRows| {
            sink.go_on()?;
            append(&mut all, &codes)
        };
        let mut tell = |done| on_progress(AtlasProgress { stage: Stage::Encode, done, total });
        let figures = evaluate_seeing(sae, loader, Some(&mut see), &mut tell).await?;
        Ok((figures, Self::new(all)?))
    }

    pub(super) fn new(by_row: CodeRows) -> Result<Self> {
        let mut starts = vec![0; by_row.concepts + 1];
        for &concept in &by_row.indices {
            starts[concept as usize + 1] += 1;
        }
        for concept in 0..by_row.concepts {
            starts[concept + 1] += starts[concept];
        }
        let count = by_row.values.len();
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        reserve(&mut rows, count, count)?;
        reserve(&mut values, count, count)?;
        rows.resize(count, 0);
        values.resize(count, 0.0);
        let mut next = starts.clone();
        for row in 0..by_row.len() {
            for (concept, value) in by_row.row(row) {
                let place = &mut next[concept as usize];
                (rows[*place], values[*place]) = (row as u32, value);
                *place += 1;
            }
        }
        Ok(Self { by_row, starts, rows, values })
    }

    /// (row, code) of all rows in which a concept is not zero, rows ascending.
    pub fn of_concept(&self, concept: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let range = self.starts[concept]..self.starts[concept + 1];
        self.rows[range.clone()].iter().copied().zip(self.values[range].iter().copied())
    }

    /// The same of those rows only that lie in `first..first + count`.
    pub fn of_concept_in(
        &self,
        concept: usize,
        first: usize,
        count: usize,
    ) -> impl Iterator<Item = (u32, f32)> + '_ {
        let start = self.starts[concept];
        let rows = &self.rows[start..self.starts[concept + 1]];
        let skipped = rows.partition_point(|&row| (row as usize) < first);
        let here = rows[skipped..].iter().take_while(move |&&row| (row as usize) < first + count);
        here.copied().zip(self.values[start + skipped..].iter().copied())
    }

    /// Whether a concept is active in no row.
    pub fn is_dead(&self, concept: usize) -> bool {
        !self.of_concept(concept).any(|(_, value)| is_active(value))
    }
}

/// Whether a code counts as active here. Negative ones, which only an identity encoder has, do not.
pub(super) fn is_active(value: f32) -> bool {
    value >= ACTIVE_FROM
}

/// Adds the next rows.
fn append(all: &mut CodeRows, next: &CodeRows) -> Result<()> {
    let before = all.values.len();
    let count = before + next.values.len();
    reserve(&mut all.indices, next.values.len(), count)?;
    reserve(&mut all.values, next.values.len(), count)?;
    all.indices.extend_from_slice(&next.indices);
    all.values.extend_from_slice(&next.values);
    all.indptr.extend(next.indptr.iter().skip(1).map(|end| before as u64 + end));
    Ok(())
}

/// Room for `more`, of `count` codes that are known so far.
fn reserve<T>(values: &mut Vec<T>, more: usize, count: usize) -> Result<()> {
    values.try_reserve(more).map_err(|_| Error::TooLarge {
        what: format!("an atlas of at least {count} codes"),
        needed: human_bytes(count as u64 * BYTES_A_CODE),
        limit_name: "what this machine can give".into(),
        limit: "less".into(),
        hint: "Take a part of the rows, or a model with fewer active codes.".into(),
    })
}
