//! Taking times: medians of runs that each end with a wait for the device.

use crate::failure::Outcome;
use archetypal::Device;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A run is repeated until it takes this long, so that the clock's own grain does not count.
const LEAST: Duration = Duration::from_millis(5);

/// How often something is run.
#[derive(Clone, Copy, Debug)]
pub struct Runs {
    /// Before the clock starts.
    pub warm_up: usize,
    /// With the clock.
    pub timed: usize,
}

/// Seconds of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Time {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Time {
    /// Of at least one run.
    pub fn of(mut seconds: Vec<f64>) -> Self {
        seconds.sort_by(f64::total_cmp);
        let middle = seconds.len() / 2;
        let median = match seconds.len() % 2 {
            1 => seconds[middle],
            _ => (seconds[middle - 1] + seconds[middle]) / 2.0,
        };
        Self { median, least: seconds[0], most: seconds[seconds.len() - 1] }
    }
}

/// Times `work`, once a run: for what takes milliseconds or more.
pub async fn whole(
    device: &Device,
    runs: Runs,
    mut work: impl AsyncFnMut() -> Outcome,
) -> Outcome<Time> {
    for _ in 0..runs.warm_up {
        work().await?;
    }
    device.sync().await?;
    let mut seconds = Vec::with_capacity(runs.timed);
    for _ in 0..runs.timed {
        let started = Instant::now();
        work().await?;
        device.sync().await?;
        seconds.push(started.elapsed().as_secs_f64());
    }
    Ok(Time::of(seconds))
}

/// Times one operation that may be short: several in a run, and their mean.
pub async fn operation(device: &Device, runs: Runs, mut work: impl FnMut()) -> Outcome<Time> {
    for _ in 0..runs.warm_up {
        work();
    }
    device.sync().await?;
    let started = Instant::now();
    work();
    device.sync().await?;
    let repeat =
        (LEAST.as_secs_f64() / started.elapsed().as_secs_f64().max(1e-9)).ceil().clamp(1.0, 1e4);
    let time = whole(device, Runs { warm_up: 0, ..runs }, async || {
        (0..repeat as usize).for_each(|_| work());
        Ok(())
    });
    let Time { median, least, most } = time.await?;
    Ok(Time { median: median / repeat, least: least / repeat, most: most / repeat })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert_eq!(Time::of(vec![3.0, 1.0, 2.0]), Time { median: 2.0, least: 1.0, most: 3.0 });
        assert_eq!(Time::of(vec![4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Time::of(vec![7.0]).median, 7.0);
    }
}
