// The end of a product: C four numbers at a time. The host sees to it that n, where C starts and the length of its rows are
// multiples of 4.
@group(0) @binding(4) var<storage, read_write> c: array<vec4<f32>>;  // [m, n]

// C[row, col..col + 4] (+)= sum (+ bias), unless it lies outside of C.
fn store(row: u32, col: u32, sum: vec4<f32>) {
    if (row >= params.m || col >= params.n) {
        return;
    }
    let at = (params.c_start + row * params.c_row + col) / 4u;
    var value = sum;
    if (params.has_bias != 0u) {
        let first = params.bias_start + col;
        value += vec4<f32>(bias[first], bias[first + 1u], bias[first + 2u], bias[first + 3u]);
    }
    if (params.accumulate != 0u) {
        value += c[at];
    }
    c[at] = value;
}
