//! Giving wgpu a GPU of our choice.
//!
//! wgpu takes its GPU from `navigator.gpu` of a window or a worker, and from nowhere else. For the moment in which it
//! looks, what stands there is what we want it to find: a page's own device to be shared, or, outside of browsers, what
//! Node's `webgpu` made. Nothing else runs in that moment, and all is put back at once.

use js_sys::{Object, Reflect};
use wasm_bindgen::{JsCast, JsValue};

/// wgpu over `gpu`, an object with the `requestAdapter` of WebGPU's `GPU`.
pub fn instance(gpu: &JsValue) -> wgpu::Instance {
    let global: Object = js_sys::global();
    let is_absent = |name: &str| get(&global, name).is_undefined();
    let _scope = (is_absent("Window") && is_absent("WorkerGlobalScope"))
        .then(|| Lent::put(&global, "WorkerGlobalScope", &Object::new()));
    let _navigator =
        is_absent("navigator").then(|| Lent::put(&global, "navigator", &Object::new()));
    let _gpu = Lent::put(&get(&global, "navigator").unchecked_into(), "gpu", gpu);
    wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle())
}

/// The property `name` of an object; undefined if there is none.
pub fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// A property that stands in for another until this is dropped.
struct Lent {
    object: Object,
    name: JsValue,
    /// The object's own property, if it had one: what it inherits reappears by itself.
    before: JsValue,
}

impl Lent {
    fn put(object: &Object, name: &str, value: &JsValue) -> Self {
        let name = JsValue::from_str(name);
        let before = Object::get_own_property_descriptor(object, &name);
        let property = Object::new();
        for (key, value) in [("value", value), ("configurable", &JsValue::TRUE)] {
            // Setting a property of a fresh object cannot fail.
            let _ = Reflect::set(&property, &key.into(), value);
        }
        // If the page froze the object, wgpu finds what was there.
        let _ = Reflect::define_property(object, &name, &property);
        Self { object: object.clone(), name, before }
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // The property is configurable, for we made it.
        let _ = match self.before.dyn_ref::<Object>() {
            Some(before) => Reflect::define_property(&self.object, &self.name, before),
            None => Reflect::delete_property(&self.object, &self.name),
        };
    }
}
