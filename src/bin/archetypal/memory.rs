//! Whether the machine can hold what training needs, before any of it is asked for.

use crate::failure::Outcome;
use archetypal::{
    Device, Error, human_bytes,
    sae::SaeSettings,
    train::{TrainSettings, half_bytes, memory_needed, monitoring_bytes, parameter_bytes},
};

/// Bytes that training on `rows` rows takes at its peak.
pub fn needed(
    device: &Device,
    settings: &SaeSettings,
    training: &TrainSettings,
    rows: usize,
) -> Outcome<u64> {
    let loss = training.whole_loss()?;
    let batch = training.largest_batch(rows);
    let needed = memory_needed(device, settings, &loss, batch);
    let monitoring = if training.monitoring == 2 { monitoring_bytes(settings) } else { 0 };
    let halves = if training.half { half_bytes(settings, batch) } else { 0 };
    Ok(needed.saturating_add(monitoring).saturating_add(halves))
}

/// Refuses sizes that cannot work.
pub fn check(
    device: &Device,
    settings: &SaeSettings,
    training: &TrainSettings,
    rows: usize,
) -> Outcome {
    let Some(available) = available() else { return Ok(()) };
    // A GPU tells of its own memory only by refusing; the machine still holds the parameters while they start out.
    let needed = match device.is_gpu() {
        false => needed(device, settings, training, rows)?,
        true => parameter_bytes(settings),
    };
    if needed <= available {
        return Ok(());
    }
    let SaeSettings { nb_concepts, input_shape, .. } = settings;
    let batch = training.largest_batch(rows);
    let over = settings.nb_points().map_or(String::new(), |n| format!(" over {n} points"));
    Err(Error::TooLarge {
        what: format!(
            "training {nb_concepts} concepts{over} of {input_shape} dimensions in batches of {batch}"
        ),
        needed: human_bytes(needed),
        limit_name: "the free memory of this machine".into(),
        limit: human_bytes(available),
        hint: "Lower --concepts (K), --points (N) or --batch-size: W alone is K × N, the codes are batch × K.".into(),
    }
    .into())
}

/// How many things of so many bytes fit into most of the free memory; one where that is not known.
pub fn fitting(bytes: u64) -> usize {
    let most = available().map_or(bytes, |available| available / 4 * 3);
    usize::try_from(most / bytes.max(1)).unwrap_or(usize::MAX).max(1)
}

/// Bytes that programs can still get; `None` where the system does not say.
#[cfg(target_os = "linux")]
fn available() -> Option<u64> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let info = read("/proc/meminfo")?;
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024);
    // A container may have less; "max" for no limit does not parse. What it uses now is mostly cached files.
    let container =
        read("/sys/fs/cgroup/memory.max").and_then(|max| max.trim().parse::<u64>().ok());
    Some(container.map_or(machine, |container| machine.min(container)))
}

#[cfg(not(target_os = "linux"))]
fn available() -> Option<u64> {
    None
}
