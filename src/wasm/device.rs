//! What computes, for JavaScript.

use super::{JsResult, lend};
use crate::{
    device::{
        self,
        gpu::{self, Gpu},
    },
    error::Error,
};
use std::sync::Arc;
use wasm_bindgen::prelude::*;

/// A CPU or a GPU.
#[wasm_bindgen]
#[derive(Clone)]
pub struct Device {
    pub(super) inner: device::Device,
}

#[wasm_bindgen]
impl Device {
    /// The CPU.
    pub fn cpu() -> Device {
        Self { inner: device::Device::cpu() }
    }

    /// The GPU that `gpu.requestAdapter` gives; `power` is "low-power", "high-performance" or nothing.
    pub async fn gpu(gpu: JsValue, power: Option<String>) -> JsResult<Device> {
        let options = wgpu::RequestAdapterOptions {
            power_preference: match power.as_deref() {
                Some("low-power") => wgpu::PowerPreference::LowPower,
                Some("high-performance") => wgpu::PowerPreference::HighPerformance,
                _ => wgpu::PowerPreference::None,
            },
            ..Default::default()
        };
        let adapter =
            lend::instance(&gpu).request_adapter(&options).await.map_err(|_| no_adapter())?;
        let (device, queue) = gpu::open(&adapter, false).await?;
        let mut info = adapter.get_info();
        if info.name.is_empty() {
            info.name = short_name(&device);
        }
        gpu::check(&info.name, &device.limits())?;
        let gpu = Gpu::from_device(info, device, queue);
        Ok(Self { inner: device::Device::Gpu(Arc::new(gpu)) })
    }

    /// Another handle to the same device, to be given away to a call.
    pub fn share(&self) -> Device {
        self.clone()
    }

    /// A name for people.
    #[wasm_bindgen(getter)]
    pub fn name(&self) -> String {
        self.inner.name()
    }

    /// Whether it is a GPU, real or software.
    #[wasm_bindgen(getter, js_name = isGpu)]
    pub fn is_gpu(&self) -> bool {
        self.inner.is_gpu()
    }

    /// Whether it is a GPU in software.
    #[wasm_bindgen(getter, js_name = isFallback)]
    pub fn is_fallback(&self) -> bool {
        self.inner.is_software()
    }

    /// The promise `lost` of the browser's device; undefined for the CPU.
    #[wasm_bindgen(getter)]
    pub fn lost(&self) -> JsValue {
        match &self.inner {
            device::Device::Gpu(gpu) => {
                gpu.browser_device().map_or(JsValue::UNDEFINED, |device| lend::get(device, "lost"))
            }
            device::Device::Cpu(_) => JsValue::UNDEFINED,
        }
    }
}

fn no_adapter() -> Error {
    Error::NoDevice {
        problem: "WebGPU is there, but has no adapter".into(),
        hint: "Update the browser or the graphics driver, or use the CPU backend.".into(),
    }
}

/// Browsers that keep the adapter's description to themselves tell at least of its maker.
fn short_name(device: &wgpu::Device) -> String {
    let Some(device) = device.as_webgpu() else { return "GPU".into() };
    let info = lend::get(device, "adapterInfo");
    let parts = ["vendor", "architecture"]
        .map(|name| lend::get(&info, name).as_string().unwrap_or_default());
    let name = parts.join(" ").trim().to_string();
    if name.is_empty() { "GPU".into() } else { name }
}
