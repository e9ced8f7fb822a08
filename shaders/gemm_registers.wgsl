// The product for drivers that compute on the CPU: no workgroup memory and no barriers, which cost most there, but a
// large tile in each thread's registers. A workgroup is one row of 8 threads (one SIMD register) and makes
// 16 rows × 128 columns of C; rows and columns past the end repeat the last one and are not stored.
const ROWS: u32 = 16u;
const QUADS: u32 = 4u;
const LANES: u32 = 8u;

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let origin = tile_origin(group_index(wid, nwg), ROWS, 4u * QUADS * LANES);
    if (origin.x >= params.m || origin.y >= params.n) {
        return;
    }
    var rows: array<u32, 16>; // where row i of op(A) starts
    for (var i = 0u; i < ROWS; i++) {
        rows[i] = params.a_start + min(origin.x + i, params.m - 1u) * params.a_row;
    }
    let col0 = origin.y + t * 4u * QUADS;
    var cols: array<vec4<u32>, 4>; // where its columns of op(B) start
    for (var j = 0u; j < QUADS; j++) {
        let col = vec4<u32>(col0 + 4u * j) + vec4<u32>(0u, 1u, 2u, 3u);
        cols[j] = params.b_start + min(col, vec4<u32>(params.n - 1u)) * params.b_col;
    }

    var sums: array<vec4<f32>, 64>; // [ROWS, QUADS]
    for (var l = 0u; l < params.k; l++) {
        var y: array<vec4<f32>, 4>;
        let shift = l * params.b_row;
        for (var j = 0u; j < QUADS; j++) {
            let at = cols[j] + shift;
            y[j] = vec4<f32>(b[at.x], b[at.y], b[at.z], b[at.w]);
        }
        for (var i = 0u; i < ROWS; i++) {
            let x = a[rows[i] + l * params.a_col];
            for (var j = 0u; j < QUADS; j++) {
                sums[i * QUADS + j] += x * y[j];
            }
        }
    }
    for (var i = 0u; i < ROWS; i++) {
        for (var j = 0u; j < QUADS; j++) {
            store(origin.x + i, col0 + 4u * j, sums[i * QUADS + j]);
        }
    }
}
