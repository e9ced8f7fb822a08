// The operands of a product four halves at a time, two in each number: for devices that have no type of their own.
@group(0) @binding(1) var<storage, read> a: array<vec2<u32>>;  // op(A) [m, k], stored [m, k]
@group(0) @binding(2) var<storage, read> b: array<vec2<u32>>;  // op(B) [k, n], stored [n, k]

fn four_a(at: u32) -> vec4<f32> {
    let halves = a[at];
    return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
}

fn four_b(at: u32) -> vec4<f32> {
    let halves = b[at];
    return vec4<f32>(unpack2x16float(halves.x), unpack2x16float(halves.y));
}
