// The end of a product: C one number at a time.
@group(0) @binding(4) var<storage, read_write> c: array<f32>;  // [m, n]

// C[row, col..col + 4] (+)= sum (+ bias), as far as it lies within C.
fn store(row: u32, col: u32, sum: vec4<f32>) {
    if (row >= params.m) {
        return;
    }
    for (var j = 0u; j < 4u && col + j < params.n; j++) {
        let at = params.c_start + row * params.c_row + col + j;
        var value = sum[j];
        if (params.has_bias != 0u) {
            value += bias[params.bias_start + col + j];
        }
        if (params.accumulate != 0u) {
            value += c[at];
        }
        c[at] = value;
    }
}
