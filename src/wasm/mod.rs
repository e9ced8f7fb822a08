//! What the npm package is made of: the classes that JavaScript sees, thin over the crate's own.
//!
//! web/archetypal puts its TypeScript over them, which keeps calls to one object in line, so that none here meets
//! another one half done. Settings, events and figures cross as JSON, numbers as typed arrays.

mod atlas;
mod data;
mod device;
mod fit;
mod lend;
mod model;
mod options;
mod points;
mod testing;
mod training;

use wasm_bindgen::prelude::*;

/// What every fallible function here returns: an error becomes a JavaScript `Error` with its text.
type JsResult<T> = std::result::Result<T, JsError>;

/// Says how to pause, and who is to hear of a panic: `pause()` returns a promise that a later task settles;
/// `crashed(message)` is called before the module stops for good.
#[wasm_bindgen]
pub fn configure(pause: js_sys::Function, crashed: js_sys::Function) {
    crate::device::pause::pause_with(pause);
    std::panic::set_hook(Box::new(move |info| {
        // Nothing more can be done if that fails too.
        let _ = crashed.call1(&JsValue::UNDEFINED, &JsValue::from_str(&info.to_string()));
    }));
}

/// The version of the crate.
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_string()
}
