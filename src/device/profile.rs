//! Where the time goes: seconds by operation, on any device.

use super::Device;
use crate::error::Result;
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use web_time::Instant;

/// What one operation of the [`Backend`](super::Backend) has cost.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct OperationTime {
    /// Its name: that of the method.
    pub name: &'static str,
    /// How often it ran.
    pub calls: u64,
    /// What all these calls took together, in seconds.
    pub seconds: f64,
}

impl Device {
    /// Begins or ends taking the time of every operation; what was taken so far is dropped. Off at first.
    ///
    /// It costs next to nothing on the CPU; a GPU may be slower for it.
    pub fn set_profiling(&self, on: bool) {
        match self {
            Self::Cpu(cpu) => cpu.profiler.set(on),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.set_profiling(on),
        }
    }

    /// The time of each operation since the last call, the dearest first. Empty where nothing was taken: while
    /// profiling is off, and on a GPU that has no timestamps.
    ///
    /// # Errors
    /// [`Error::Device`](crate::Error::Device) if the device failed.
    pub async fn take_profile(&self) -> Result<Vec<OperationTime>> {
        match self {
            Self::Cpu(cpu) => Ok(cpu.profiler.take()),
            #[cfg(feature = "gpu")]
            Self::Gpu(gpu) => gpu.take_profile().await,
        }
    }
}

/// Times by operation, while it is switched on.
#[derive(Debug, Default)]
pub(crate) struct Profiler {
    on: AtomicBool,
    times: Mutex<BTreeMap<&'static str, (u64, Duration)>>,
}

impl Profiler {
    /// Takes the time of the operation `name` until the timer is dropped; `None` while it is off.
    pub fn time(&self, name: &'static str) -> Option<Timer<'_>> {
        self.on.load(Ordering::Relaxed).then(|| Timer {
            profiler: self,
            name,
            started: Instant::now(),
        })
    }

    fn set(&self, on: bool) {
        self.times().clear();
        self.on.store(on, Ordering::Relaxed);
    }

    fn take(&self) -> Vec<OperationTime> {
        sorted(std::mem::take(&mut *self.times()))
    }

    fn times(&self) -> MutexGuard<'_, BTreeMap<&'static str, (u64, Duration)>> {
        // An operation that panicked has left whole sums behind.
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The dearest first, those that cost the same by name.
fn sorted(times: BTreeMap<&'static str, (u64, Duration)>) -> Vec<OperationTime> {
    let mut all: Vec<_> = times
        .into_iter()
        .map(|(name, (calls, time))| OperationTime { name, calls, seconds: time.as_secs_f64() })
        .collect();
    all.sort_by(|a, b| b.seconds.total_cmp(&a.seconds));
    all
}

/// An operation that is running.
#[derive(Debug)]
pub(crate) struct Timer<'a> {
    profiler: &'a Profiler,
    name: &'static str,
    started: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        let time = self.started.elapsed();
        let mut times = self.profiler.times();
        let (calls, sum) = times.entry(self.name).or_default();
        *calls += 1;
        *sum += time;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Tensor, device::Gemm};
    use pollster::block_on;

    #[test]
    fn calls_are_counted_while_it_is_on() {
        let device = Device::cpu();
        let a = Tensor::from_slice(&device, 8, 8, &[1.0; 64]).unwrap();
        let mut c = Tensor::zeros(&device, 8, 8).unwrap();
        let names = |profile: Vec<OperationTime>| -> Vec<_> {
            assert!(profile.iter().all(|operation| operation.seconds.is_finite()));
            profile.into_iter().map(|operation| (operation.name, operation.calls)).collect()
        };
        device.gemm(&a, &a, &mut c, Gemm::default());
        assert_eq!(names(block_on(device.take_profile()).unwrap()), []);

        device.set_profiling(true);
        device.gemm(&a, &a, &mut c, Gemm::default());
        device.gemm(&a, &a, &mut c, Gemm::default());
        device.fill(&mut c, 0.0);
        let mut taken = names(block_on(device.take_profile()).unwrap());
        taken.sort_unstable();
        assert_eq!(taken, [("fill", 1), ("gemm", 2)]);
        assert_eq!(names(block_on(device.take_profile()).unwrap()), []);

        device.fill(&mut c, 0.0);
        device.set_profiling(false);
        device.fill(&mut c, 0.0);
        assert_eq!(names(block_on(device.take_profile()).unwrap()), []);
    }
}
