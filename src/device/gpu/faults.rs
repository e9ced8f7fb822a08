//! The first thing that went wrong on the device, kept until someone asks.

use crate::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

/// Where the callbacks of a device leave what the driver said.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    first: Option<Fault>,
    /// A lost device stays lost.
    lost: Option<String>,
}

#[derive(Clone, Debug)]
struct Fault {
    problem: String,
    out_of_memory: bool,
}

impl Faults {
    /// Catches what `device` reports from now on, instead of wgpu's panic.
    pub fn watch(device: &wgpu::Device) -> Self {
        let faults = Self::default();
        let errors = faults.clone();
        device.on_uncaptured_error(Arc::new(move |error| {
            let out_of_memory = matches!(error, wgpu::Error::OutOfMemory { .. });
            errors.note(error.to_string(), out_of_memory);
        }));
        let losses = faults.clone();
        device.set_device_lost_callback(move |reason, message| {
            // In the browser nobody destroys it but a page that shares it.
            if reason != wgpu::DeviceLostReason::Destroyed || cfg!(target_arch = "wasm32") {
                losses.lock().lost.get_or_insert(format!("it was lost ({message})"));
            }
        });
        faults
    }

    /// Keeps `problem` unless there is an earlier one.
    pub fn note(&self, problem: String, out_of_memory: bool) {
        self.lock().first.get_or_insert(Fault { problem, out_of_memory });
    }

    /// The fault since the last call, as an error of the device called `name`.
    pub fn take(&self, name: &str) -> Option<Error> {
        let mut state = self.lock();
        let first = state.first.take();
        let lost = state.lost.clone().map(|problem| Fault { problem, out_of_memory: false });
        let fault = first.or(lost)?;
        let hint = if fault.out_of_memory {
            "It has too little memory: lower --concepts, --points or --batch-size, or use --backend cpu."
        } else {
            "Try again; if it happens again, update the driver or use --backend cpu."
        };
        Some(Error::Device {
            device: name.to_string(),
            problem: fault.problem.trim().replace('\n', " "),
            hint: hint.to_string(),
        })
    }

    /// Takes the fault if it is a lack of memory, for who just asked for some.
    pub fn take_out_of_memory(&self) -> bool {
        let mut state = self.lock();
        let found = state.first.as_ref().is_some_and(|fault| fault.out_of_memory);
        if found {
            state.first = None;
        }
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
