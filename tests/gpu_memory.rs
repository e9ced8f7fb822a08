//! Memory of the GPU: what is written comes back, also where a matrix is split by rows.
#![cfg(feature = "gpu")]

mod common;

use archetypal::device::GpuOptions;
use archetypal::{Device, Error, Tensor};
use pollster::block_on;

#[test]
fn what_is_written_comes_back() {
    for max_binding in [None, Some(64), Some(100)] {
        let Some(gpu) = common::gpu("what_is_written_comes_back", max_binding) else { return };
        for (rows, cols) in [(1, 1), (7, 3), (5, 16), (33, 5), (0, 4), (4, 0)] {
            let data = common::noise(rows * cols, 7);
            let mut tensor = Tensor::from_slice(&gpu, rows, cols, &data).unwrap();
            assert_eq!(block_on(tensor.read()).unwrap(), data, "{rows} × {cols}, {max_binding:?}");

            let shorter = rows / 2;
            tensor.set_rows(shorter);
            let other = common::noise(shorter * cols, 8);
            tensor.write(&other);
            tensor.set_rows(rows);
            let expected = [&other[..], &data[shorter * cols..]].concat();
            assert_eq!(block_on(tensor.read()).unwrap(), expected);
        }
    }
}

#[test]
fn memory_starts_at_zero() {
    let Some(gpu) = common::gpu("memory_starts_at_zero", Some(256)) else { return };
    let tensor = Tensor::<u32>::zeros(&gpu, 100, 3).unwrap();
    assert_eq!(block_on(tensor.read()).unwrap(), vec![0; 300]);
    block_on(gpu.sync()).unwrap();
}

#[test]
fn too_much_is_an_error_that_says_what_to_lower() {
    let Some(gpu) = common::gpu("too_much_is_an_error", Some(1024)) else { return };
    let wide = Tensor::<f32>::zeros(&gpu, 1, 257).unwrap_err();
    assert!(matches!(wide, Error::TooLarge { .. }), "{wide}");
    assert!(wide.to_string().contains("--concepts"), "{wide}");
    let tall = Tensor::<f32>::zeros(&gpu, usize::MAX / 8, 256).unwrap_err();
    assert!(matches!(tall, Error::TooLarge { .. }), "{tall}");
}

#[test]
fn an_unknown_adapter_is_an_error_that_lists_the_others() {
    let options = GpuOptions { adapter: Some("no such thing".into()), ..GpuOptions::default() };
    let error = block_on(Device::gpu(&options)).unwrap_err();
    assert!(matches!(error, Error::NoDevice { .. }));
    assert!(error.to_string().contains("no such thing"), "{error}");
}

#[test]
fn adapters_are_listed_with_their_limits() {
    let Some(gpu) = common::gpu("adapters_are_listed", None) else { return };
    let adapters = block_on(archetypal::device::gpu::adapters());
    let found = adapters.iter().find(|adapter| gpu.name().starts_with(&adapter.name)).unwrap();
    assert!(found.usable);
    assert!(found.limits.max_storage_buffers_per_shader_stage >= 7);
}
