//! Memory of the GPU: what is written comes back, also where a matrix is split by rows.
#![cfg(feature = "gpu")]

mod common;

use archetypal::device::gpu::Gpu;
use archetypal::device::{Gemm, GpuOptions};
use archetypal::{Device, Error, Tensor};
use pollster::block_on;
use std::sync::Arc;

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

/// A device of the program's own, shared with the crate.
fn shared(test: &str) -> Option<(Device, wgpu::Device)> {
    common::gpu(test, None)?;
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let adapter = adapters.into_iter().next().unwrap();
    let (device, queue) =
        block_on(adapter.request_device(&wgpu::DeviceDescriptor::default())).unwrap();
    let gpu = Gpu::from_device(adapter.get_info(), device.clone(), queue);
    Some((Device::Gpu(Arc::new(gpu)), device))
}

#[test]
fn a_device_can_be_shared() {
    let Some((gpu, _)) = shared("a_device_can_be_shared") else { return };
    let tensor = Tensor::from_slice(&gpu, 2, 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let mut product = Tensor::zeros(&gpu, 2, 2).unwrap();
    gpu.gemm(&tensor, &tensor, &mut product, Gemm::default());
    assert_eq!(block_on(product.read()).unwrap(), [7.0, 10.0, 15.0, 22.0]);
}

#[test]
fn a_device_that_is_gone_is_an_error() {
    let Some((gpu, device)) = shared("a_device_that_is_gone_is_an_error") else { return };
    let tensor = Tensor::from_slice(&gpu, 2, 2, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    let mut product = Tensor::zeros(&gpu, 2, 2).unwrap();
    device.destroy();
    gpu.gemm(&tensor, &tensor, &mut product, Gemm::default());
    let error = block_on(product.read()).unwrap_err();
    assert!(matches!(error, Error::Device { .. }), "{error}");
    assert!(error.to_string().contains("--backend cpu"), "{error}");
}

/// Writes come after what was recorded before them, and before what is recorded later.
#[test]
fn writes_keep_their_place_among_commands() {
    let Some(gpu) = common::gpu("writes_keep_their_place", None) else { return };
    let one = Tensor::from_slice(&gpu, 1, 1, &[1.0]).unwrap();
    let mut source = Tensor::from_slice(&gpu, 1, 1, &[0.0]).unwrap();
    let mut copies: Vec<_> = (0..3).map(|_| Tensor::zeros(&gpu, 1, 1).unwrap()).collect();
    for (i, copy) in copies.iter_mut().enumerate() {
        source.write(&[i as f32 + 5.0]);
        gpu.gemm(&source, &one, copy, Gemm::default());
    }
    let got: Vec<f32> = copies.iter().map(|copy| block_on(copy.read_scalar()).unwrap()).collect();
    assert_eq!(got, [5.0, 6.0, 7.0]);
}

/// More dispatches than the parameters of one submission hold, and buffers that come and go among them.
#[test]
fn recording_goes_on_when_its_memory_is_full() {
    let Some(gpu) = common::gpu("recording_goes_on_when_its_memory_is_full", None) else { return };
    let one = Tensor::from_slice(&gpu, 1, 1, &[1.0]).unwrap();
    let mut sum = Tensor::zeros(&gpu, 1, 1).unwrap();
    for i in 0..5000 {
        let add = Gemm { accumulate: true, ..Gemm::default() };
        if i % 1000 == 0 {
            let short_lived = Tensor::from_slice(&gpu, 1, 1, &[1.0]).unwrap();
            gpu.gemm(&short_lived, &one, &mut sum, add);
        } else {
            gpu.gemm(&one, &one, &mut sum, add);
        }
    }
    assert_eq!(block_on(sum.read_scalar()).unwrap(), 5000.0);
}

/// More than what waits in staging memory at a time, either way.
#[test]
fn large_matrices_go_in_pieces() {
    let Some(gpu) = common::gpu("large_matrices_go_in_pieces", None) else { return };
    let (rows, cols) = (17_000, 1031);
    let data = common::bits(rows * cols, 9);
    let tensor = Tensor::from_slice(&gpu, rows, cols, &data).unwrap();
    assert!(block_on(tensor.read()).unwrap() == data);
}
