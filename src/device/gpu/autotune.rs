//! Which tiles an adapter multiplies with, found by timing them once and kept in a file.

use super::{Gpu, buffers::RowBuffers, gemm};
use crate::data::write_atomically;
use crate::device::Gemm;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use web_time::Instant;

/// Tiles of 128 × 128 along either side of the products that are timed, in ascending order.
const SIDES: [usize; 3] = [4, 8, 16];
/// Their third dimension.
const DEPTH: usize = 128;
/// A submission has as many products as take about so long, for a fast GPU makes one in less time than it takes to submit
/// it and to wait …
const SUBMISSION: Duration = Duration::from_millis(2);
/// … but no more than this.
const MOST_PRODUCTS: usize = 64;
/// Submissions that are timed, of which the fastest counts.
const RUNS: usize = 3;

/// What the choice holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Key {
    version: String,
    adapter: String,
    backend: String,
    driver: String,
}

/// The file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Choice {
    key: Key,
    /// As [`Gpu::enough_tiles`]; none if the large tiles never win.
    enough_tiles: Option<usize>,
}

impl Key {
    fn of(info: &wgpu::AdapterInfo) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_string(),
            adapter: info.name.clone(),
            backend: info.backend.to_str().to_string(),
            driver: format!("{} {}", info.driver, info.driver_info),
        }
    }

    fn path(&self, folder: &Path) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String =
            format!("{} {}", self.adapter, self.backend).chars().map(plain).collect();
        folder.join(format!("products-{name}.json"))
    }
}

/// Takes the choice kept in `folder`, or times and keeps one. A folder that cannot be written costs no more than that
/// the next program times again.
///
/// # Errors
/// [`Error::Device`](crate::Error::Device) if the device failed.
pub(super) async fn tune(gpu: &mut Gpu, folder: &Path) -> Result<()> {
    let key = Key::of(&gpu.info);
    let path = key.path(folder);
    let enough_tiles = match kept(&path, &key) {
        Some(choice) => choice.enough_tiles,
        None => {
            let enough_tiles = measure(gpu).await?;
            let _ = std::fs::create_dir_all(folder);
            let _ = keep(&path, &Choice { key, enough_tiles });
            enough_tiles
        }
    };
    gpu.enough_tiles = enough_tiles.unwrap_or(usize::MAX);
    Ok(())
}

/// The choice in the file, if it is whole and was made for this adapter, driver and version.
fn kept(path: &Path, key: &Key) -> Option<Choice> {
    let text = std::fs::read(path).ok()?;
    let choice: Choice = serde_json::from_slice(&text).ok()?;
    (choice.key == *key).then_some(choice)
}

fn keep(path: &Path, choice: &Choice) -> Result<()> {
    write_atomically(path, |file| Ok(serde_json::to_writer_pretty(file, choice)?))
}

/// The smallest number of large tiles from which on they are faster.
async fn measure(gpu: &mut Gpu) -> Result<Option<usize>> {
    let mut enough = None;
    for side in SIDES.into_iter().rev() {
        let small = fastest(gpu, side, usize::MAX).await?;
        let large = fastest(gpu, side, 0).await?;
        if large >= small {
            break;
        }
        enough = Some(side * side);
    }
    Ok(enough)
}

/// Seconds of a product of `side` × `side` large tiles, with large ones from `enough_tiles` on.
async fn fastest(gpu: &mut Gpu, side: usize, enough_tiles: usize) -> Result<f64> {
    gpu.enough_tiles = enough_tiles;
    let size = side * 128;
    let operands = [
        &gpu.allocate::<f32>(size, DEPTH)?,
        &gpu.allocate::<f32>(DEPTH, size)?,
        &gpu.allocate::<f32>(size, size)?,
    ];
    // The first makes the pipeline.
    seconds(gpu, operands, size, 1).await?;
    let one = seconds(gpu, operands, size, 1).await?;
    let products = ((SUBMISSION.as_secs_f64() / one) as usize).clamp(1, MOST_PRODUCTS);
    let mut fastest = f64::INFINITY;
    for _ in 0..RUNS {
        fastest = fastest.min(seconds(gpu, operands, size, products).await? / products as f64);
    }
    Ok(fastest)
}

/// Seconds of a submission of so many products, [size, DEPTH] · [DEPTH, size].
async fn seconds(
    gpu: &Gpu,
    operands: [&RowBuffers; 3],
    size: usize,
    products: usize,
) -> Result<f64> {
    let whole = [&(0..size), &(0..size), &(0..DEPTH)];
    gpu.sync().await?;
    let started = Instant::now();
    for _ in 0..products {
        gemm::piece(gpu, operands, whole, true, &Gemm::default());
    }
    gpu.sync().await?;
    Ok(started.elapsed().as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_kept_for_one_driver_and_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key {
            version: "1".into(),
            adapter: "A GPU/2".into(),
            backend: "vulkan".into(),
            driver: "a 1".into(),
        };
        let path = key.path(folder.path());
        assert_eq!(path.file_name().unwrap(), "products-a-gpu-2-vulkan.json");
        assert_eq!(kept(&path, &key), None);

        for enough_tiles in [Some(64), None] {
            let choice = Choice { key: key.clone(), enough_tiles };
            keep(&path, &choice).unwrap();
            assert_eq!(kept(&path, &key), Some(choice));
        }
        assert_eq!(kept(&path, &Key { driver: "a 2".into(), ..key.clone() }), None);
        assert_eq!(kept(&path, &Key { version: "2".into(), ..key.clone() }), None);

        let text = std::fs::read(&path).unwrap();
        std::fs::write(&path, &text[..text.len() / 2]).unwrap();
        assert_eq!(kept(&path, &key), None);
    }
}
