//! What is done besides training: encoding, selecting, finding points.

use super::{
    Setting,
    clock::{self, Time},
    cost::{self, Cost},
    machine, model,
    roofline::Roofline,
};
use crate::failure::Outcome;
use archetypal::{
    Tensor,
    device::Codes,
    points::{KMeans, Progress, kmeans},
};
use serde::Serialize;
use std::time::Instant;

/// A piece of work, with its count and its limit.
#[derive(Clone, Debug, Serialize)]
pub struct Work {
    pub name: String,
    pub seconds: Time,
    pub flops: f64,
    pub bytes: f64,
    /// The least seconds that the device needs for it.
    pub limit: Option<f64>,
    /// limit / seconds.
    pub share: Option<f64>,
    /// Peak of the resident set, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
}

impl Work {
    /// Beside what the device could do.
    pub fn new(
        name: impl Into<String>,
        seconds: Time,
        cost: Cost,
        roofline: Option<&Roofline>,
    ) -> Self {
        let limit = roofline.map(|roofline| roofline.limit([&cost]));
        Self {
            name: name.into(),
            seconds,
            flops: cost.flops,
            bytes: cost.bytes,
            limit,
            share: limit.map(|limit| limit / seconds.median),
            memory: None,
        }
    }
}

/// The codes of a batch, from raw rows on the host to sparse codes there.
pub async fn encode(setting: &Setting<'_>, roofline: Option<&Roofline>) -> Outcome<Work> {
    let Setting { device, size, rows, runs, .. } = *setting;
    let mut sae = model::build(device, setting.model, size, rows, setting.l0).await?;
    sae.eval()?;
    let fill = model::fill(&sae, size, rows).await?;
    let _ = machine::reset_peak();
    let mut batches = rows.batches(size.batch);
    let seconds = clock::whole(device, runs, async || {
        sae.codes(batches.next().expect("they go round")).await?;
        Ok(())
    });
    let work = Work::new("encode", seconds.await?, cost::of_encoding(size, fill), roofline);
    Ok(Work { memory: machine::peak(), ..work })
}

/// The selection alone, of the size's k and of the reference's default, K / 10.
pub async fn top_k(setting: &Setting<'_>, roofline: Option<&Roofline>) -> Outcome<Vec<Work>> {
    let Setting { device, size, runs, .. } = *setting;
    let pre_codes = pre_codes(setting).await?;
    let mut all = Vec::new();
    for k in [size.k, (size.concepts / 10).max(1)] {
        let mut codes = Codes::new(device, size.batch, k, size.concepts)?;
        let seconds = clock::operation(device, runs, || device.top_k(&pre_codes, &mut codes));
        let values = (size.batch * (size.concepts + 2 * k)) as f64;
        let cost = Cost::new("top-k", 0.0, values);
        all.push(Work::new(format!("top-k, k {k}"), seconds.await?, cost, roofline));
    }
    Ok(all)
}

/// Pre-codes of the first batch.
pub async fn pre_codes(setting: &Setting<'_>) -> Outcome<Tensor> {
    let Setting { device, size, rows, .. } = *setting;
    let sae = model::build(device, model::Model::RaTopK, size, rows, setting.l0).await?;
    Ok(sae.encode(rows.first(size.batch))?.pre_codes)
}

/// The seeds and one iteration of k-means, for as many centres as there are points, or for a quarter of the rows.
pub async fn k_means(setting: &Setting<'_>, roofline: Option<&Roofline>) -> Outcome<Vec<Work>> {
    /// As many centres show how fast it is; more only take longer.
    const MOST_CENTRES: usize = 1024;
    let Setting { device, size, rows, runs, .. } = *setting;
    let count = rows.values.len() / size.d;
    let centres = size.points.min(count / 4).clamp(1, MOST_CENTRES);
    let options =
        KMeans { iterations: runs.timed + 1, tolerance: f64::MIN, ..KMeans::new(centres, 0) };
    let (started, mut seeded) = (Instant::now(), None);
    let mut ends = Vec::new();
    let mut tell = |progress| match progress {
        Progress::Seeding { .. } => seeded = Some(started.elapsed()),
        Progress::Iteration { .. } => ends.push(started.elapsed()),
    };
    kmeans(device, &rows.values, size.d, options, &mut tell).await?;
    let (n, c, d) = (count as f64, centres as f64, size.d as f64);
    let mut all = Vec::new();
    if let Some(seeded) = seeded {
        let cost = Cost::new("k-means++", 2.0 * n * c * d, c * n * (d + 1.0));
        let seconds = Time::of(vec![seeded.as_secs_f64()]);
        all.push(Work::new(format!("k-means, {centres} seeds"), seconds, cost, roofline));
    }
    // The first is left out: it allocates.
    let seconds: Vec<_> = ends.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    if !seconds.is_empty() {
        let cost = Cost::new("k-means", 2.0 * n * c * d + n * d, n * d + 2.0 * c * d + n);
        let name = format!("k-means, an iteration over {count} rows");
        all.push(Work::new(name, Time::of(seconds), cost, roofline));
    }
    Ok(all)
}
