enable f16;

// The operands of a product four halves at a time, in the device's own type.
@group(0) @binding(1) var<storage, read> a: array<vec4<f16>>;  // op(A) [m, k], stored [m, k]
@group(0) @binding(2) var<storage, read> b: array<vec4<f16>>;  // op(B) [k, n], stored [n, k]

fn four_a(at: u32) -> vec4<f32> {
    return vec4<f32>(a[at]);
}

fn four_b(at: u32) -> vec4<f32> {
    return vec4<f32>(b[at]);
}
