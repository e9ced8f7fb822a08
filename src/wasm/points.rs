//! Points that archetypal atoms are blends of.

use super::{JsResult, data::Data, device::Device, options::Options};
use crate::{
    data::{Normalize, Normalizer, Statistics},
    points::{self, Progress},
};
use js_sys::Function;
use wasm_bindgen::prelude::*;

/// `count` points of the normalised data, [count, width] row by row. `on_progress(phase, done, of)` hears how far it
/// is.
#[wasm_bindgen(js_name = findPoints)]
pub async fn find_points(
    data: Data,
    device: Device,
    options: String,
    on_progress: Option<Function>,
) -> JsResult<Vec<f32>> {
    let (source, device) = (data.source, device.inner);
    let mut options = Options::parse(&options)?;
    let count = options.take("count")?.unwrap_or(0);
    let seed = options.take("seed")?.unwrap_or(0);
    let method = options.take("method")?.unwrap_or_default();
    let normalize: Normalize = options.take("normalize")?.unwrap_or_default();
    options.finish()?;
    let statistics = Statistics::compute_breathing(&*source, |_| {}).await?;
    let normalizer = Normalizer::new(normalize, &statistics);
    let mut tell = |progress| report(on_progress.as_ref(), progress);
    Ok(points::find(&device, &*source, &normalizer, method, count, seed, &mut tell).await?)
}

/// Tells of the search for points.
pub(super) fn report(on_progress: Option<&Function>, progress: Progress) {
    let (phase, done, of) = match progress {
        Progress::Seeding { done, total } => ("seeding", done, total),
        Progress::Iteration { iteration, .. } => ("iteration", iteration, points::MOST_ITERATIONS),
    };
    tell(on_progress, phase, done, of);
}

/// Tells JavaScript; what it throws is its own affair.
pub(super) fn tell(on_progress: Option<&Function>, phase: &str, done: usize, of: usize) {
    let Some(on_progress) = on_progress else { return };
    let _ = on_progress.call3(&JsValue::UNDEFINED, &phase.into(), &done.into(), &of.into());
}
