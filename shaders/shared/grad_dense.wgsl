// A gradient that is stored. Of `params`: cols, len (elements in all), grad_start.
@group(0) @binding(GRAD) var<storage, read> grad: array<f32>; // [rows, cols]

// Columns col, col + LANES, col + 2 LANES and col + 3 LANES of a row; unspecified past the end.
fn gradient(row: u32, col: u32) -> vec4<f32> {
    let cols = vec4<u32>(row * params.cols + col) + vec4<u32>(0u, 1u, 2u, 3u) * LANES;
    let at = params.grad_start + min(cols, vec4<u32>(params.len - 1u));
    return vec4<f32>(grad[at.x], grad[at.y], grad[at.z], grad[at.w]);
}

// What is stored counts as if it had some.
fn has_entries(row: u32) -> bool {
    return true;
}
