//! What the package's tests need to get at from outside; no part of its interface.

use wasm_bindgen::prelude::*;

/// Every variant of every kernel as JSON, so that a browser's own compiler can be shown each: [{ name, source, entry,
/// constants }].
#[wasm_bindgen]
pub fn shaders() -> String {
    let shaders: Vec<_> = crate::device::gpu::all_shaders()
        .into_iter()
        .map(|shader| {
            let constants: serde_json::Map<_, _> = shader
                .constants
                .iter()
                .map(|(name, value)| (name.to_string(), (*value).into()))
                .collect();
            serde_json::json!({
                "name": shader.name,
                "source": shader.source,
                "entry": shader.entry,
                "constants": constants,
            })
        })
        .collect();
    super::options::json(&shaders)
}

/// Panics with this message, to see what comes of it.
#[wasm_bindgen]
pub fn panic(message: String) {
    panic!("{message}");
}
