//! Letting the page's event loop run during long computations.
//!
//! Whatever computes for long reads figures back now and then. Natively that is no reason to wait; in the browser the CPU
//! backend takes it as the occasion to let timers, messages and clicks through, which a promise that is settled at once
//! (a microtask) would not.

#[cfg(all(target_arch = "wasm32", feature = "web"))]
pub(crate) use web::{breathe, pause_with};

/// Nothing to wait for.
#[cfg(not(all(target_arch = "wasm32", feature = "web")))]
pub(crate) async fn breathe() {}

#[cfg(all(target_arch = "wasm32", feature = "web"))]
mod web {
    use std::{
        cell::{Cell, RefCell},
        time::Duration,
    };
    use wasm_bindgen::{JsCast, JsValue};
    use wasm_bindgen_futures::JsFuture;
    use web_time::Instant;

    /// How long to compute without a pause: a frame of the screen.
    const STRETCH: Duration = Duration::from_millis(16);

    thread_local! {
        static LAST: Cell<Option<Instant>> = const { Cell::new(None) };
        static PAUSE: RefCell<Option<js_sys::Function>> = const { RefCell::new(None) };
    }

    /// Says what to call for a pause: a function whose promise is settled by a later task.
    pub(crate) fn pause_with(pause: js_sys::Function) {
        PAUSE.set(Some(pause));
    }

    /// Pauses, if the last pause is a while ago.
    pub(crate) async fn breathe() {
        if LAST.get().is_some_and(|last| last.elapsed() < STRETCH) {
            return;
        }
        let promise = PAUSE.with_borrow(|pause| {
            let called = pause.as_ref()?.call0(&JsValue::UNDEFINED).ok()?;
            called.dyn_into::<js_sys::Promise>().ok()
        });
        if let Some(promise) = promise {
            // A pause has nothing to say.
            let _ = JsFuture::from(promise).await;
        }
        LAST.set(Some(Instant::now()));
    }
}
