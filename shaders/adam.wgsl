// One Adam step of a parameter [rows, cols] with the gradient times scale[0], then the projection of each row; a
// workgroup a row.
@group(0) @binding(1) var<storage, read_write> param: array<f32>;   // [rows, cols]
@group(0) @binding(2) var<storage, read_write> first: array<f32>;   // [rows, cols]
@group(0) @binding(3) var<storage, read_write> second: array<f32>;  // [rows, cols]
@group(0) @binding(4) var<storage, read> scale: array<f32>;         // [1, 1]

// 1 to leave rows whose gradient has no entries as they are.
override ACTIVE: u32 = 0u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg);
    if (row >= params.rows || (ACTIVE == 1u && !has_entries(row))) {
        return;
    }
    let start = row * params.cols;
    let factor = scale[0];
    var term = 0.0;
    for (var col0 = t; col0 < params.cols; col0 += 4u * QUADS * LANES) {
        var grad = gradient(row, col0);
        for (var j = 0u; j < 4u * QUADS; j++) {
            let col = col0 + j * LANES;
            if (col < params.cols) {
                let value = step(start + col, grad[j / 4u][j % 4u] * factor);
                term += projection_term(value);
            }
        }
    }
    if (PROJECTION != NONE) {
        let sum = sum_lanes(t, term);
        for (var col = t; col < params.cols; col += LANES) {
            let at = params.param_start + start + col;
            param[at] = projected(param[at], sum);
        }
    }
}

// Moves element i along its gradient g; the new value.
fn step(i: u32, g: f32) -> f32 {
    let first_at = params.first_start + i;
    let second_at = params.second_start + i;
    let m = first[first_at] + params.one_minus_beta1 * (g - first[first_at]);
    let v = params.beta2 * second[second_at] + params.one_minus_beta2 * g * g;
    first[first_at] = m;
    second[second_at] = v;
    let at = params.param_start + i;
    let decayed = param[at] * params.decay;
    let value = decayed - params.step_size * m / (sqrt(v) * params.inv_sqrt_bias2 + params.eps);
    param[at] = value;
    return value;
}
