// out [rows, cols] (+)= a gradient that is made from entries, to be stored; a workgroup a row.
@group(0) @binding(1) var<storage, read_write> out: array<f32>; // [rows, cols]

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
    for (var col0 = t; col0 < params.cols; col0 += 4u * QUADS * LANES) {
        store_part(params.out_start + row * params.cols, col0, params.cols, gradient(row, col0));
    }
}
