// The projection of each row of a parameter [rows, cols]; a workgroup a row.
struct Params {
    rows: u32,
    cols: u32,
    param_start: u32,
    bound: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> param: array<f32>; // [rows, cols]

override LANES: u32 = 128u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg);
    if (row >= params.rows) {
        return;
    }
    let start = params.param_start + row * params.cols;
    var term = 0.0;
    for (var col = t; col < params.cols; col += LANES) {
        term += projection_term(param[start + col]);
    }
    let sum = sum_lanes(t, term);
    for (var col = t; col < params.cols; col += LANES) {
        param[start + col] = projected(param[start + col], sum);
    }
}
