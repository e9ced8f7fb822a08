// The operands of a product four numbers at a time.
@group(0) @binding(1) var<storage, read> a: array<vec4<f32>>;  // op(A) [m, k], stored [m, k] or [k, m]
@group(0) @binding(2) var<storage, read> b: array<vec4<f32>>;  // op(B) [k, n], stored [k, n] or [n, k]

fn four_a(at: u32) -> vec4<f32> {
    return a[at];
}

fn four_b(at: u32) -> vec4<f32> {
    return b[at];
}
