//! The kernels as text, so that a test can put each through a browser's own compiler.

use wasm_bindgen::prelude::*;

/// Every variant of every kernel as JSON: [{ name, source, entry, constants }]. Not part of the package's interface.
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
