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
        var grad = gradient(row, col0);
        for (var j = 0u; j < 4u * QUADS; j++) {
            let col = col0 + j * LANES;
            if (col < params.cols) {
                let at = params.out_start + row * params.cols + col;
                let g = grad[j / 4u][j % 4u];
                if (params.accumulate != 0u) {
                    out[at] += g;
                } else {
                    out[at] = g;
                }
            }
        }
    }
}
