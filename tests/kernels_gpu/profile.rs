//! The time of kernels.

use crate::common::gpu;
use archetypal::{Device, Tensor, device::gpu::adapters};
use pollster::block_on;

/// Calls by kernel.
fn taken(device: &Device) -> Vec<(&'static str, u64)> {
    let profile = block_on(device.take_profile()).unwrap();
    assert!(profile.iter().all(|kernel| kernel.seconds.is_finite() && kernel.seconds >= 0.0));
    profile.into_iter().map(|kernel| (kernel.name, kernel.calls)).collect()
}

#[test]
fn kernels_are_timed_while_it_is_on() {
    let Some(device) = gpu("kernels_are_timed_while_it_is_on", None) else { return };
    let adapters = block_on(adapters());
    let adapter = adapters.iter().find(|adapter| device.name().starts_with(&adapter.name)).unwrap();
    let timed = adapter.features.iter().any(|feature| feature == "TIMESTAMP_QUERY");
    let mut tensor = Tensor::zeros(&device, 3, 5).unwrap();
    device.fill(&mut tensor, 1.0);
    assert_eq!(taken(&device), []);

    // More than a set of queries holds.
    device.set_profiling(true);
    for _ in 0..2100 {
        device.fill(&mut tensor, 2.0);
    }
    let expected = if timed { vec![("fill", 2100)] } else { vec![] };
    assert_eq!(taken(&device), expected);
    assert_eq!(taken(&device), []);
    assert_eq!(block_on(tensor.read()).unwrap(), [2.0; 15]);

    device.set_profiling(false);
    device.fill(&mut tensor, 3.0);
    assert_eq!(taken(&device), []);
}
