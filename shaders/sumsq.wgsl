// partial[row] = the sum of squares of a row of a gradient [rows, cols] with `len` elements in all; a workgroup a row.
@group(0) @binding(1) var<storage, read_write> partial: array<f32>; // [rows] from partial_start

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
    if (!has_entries(row)) {
        if (t == 0u) {
            partial[params.partial_start + row] = 0.0;
        }
        return;
    }
    let here = min(params.cols, params.len - row * params.cols); // the last row may be shorter
    var sum = 0.0;
    for (var col0 = t; col0 < here; col0 += 4u * QUADS * LANES) {
        var grad = gradient(row, col0);
        for (var j = 0u; j < 4u * QUADS; j++) {
            if (col0 + j * LANES < here) {
                let g = grad[j / 4u][j % 4u];
                sum += g * g;
            }
        }
    }
    let total = sum_lanes(t, sum);
    if (t == 0u) {
        partial[params.partial_start + row] = total;
    }
}
