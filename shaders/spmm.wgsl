// out [rows, n] (+)= Z M: row b is Σ over its entries of values[b, i] · m[indices[b, i]]. Of M only some rows are
// bound; entries of the others are left to another dispatch. A workgroup makes 4 QUADS × LANES columns of a row.
struct Params {
    rows: u32,
    width: u32,
    n: u32,
    // The rows of M that are bound: m_row0 .. m_row0 + m_rows.
    m_row0: u32,
    m_rows: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    out_start: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;    // [rows, width]
@group(0) @binding(2) var<storage, read> values: array<f32>;     // [rows, width]
@group(0) @binding(3) var<storage, read> counts: array<u32>;     // [rows, 1]
@group(0) @binding(4) var<storage, read> m: array<f32>;          // [m_rows, n]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;  // [rows, n]

override LANES: u32 = 64u; // threads of a workgroup

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let group = group_index(wid, nwg);
    let block = 4u * QUADS * LANES;
    let blocks = (params.n + block - 1u) / block;
    let row = group / blocks;
    if (row >= params.rows) {
        return;
    }
    let col0 = group % blocks * block + t;
    var at = places(col0, params.n);
    var sum: Part;
    let count = min(counts[params.counts_start + row], params.width);
    let first = row * params.width;
    for (var i = 0u; i < count; i++) {
        let m_row = indices[params.indices_start + first + i] - params.m_row0; // wraps below m_row0
        if (m_row < params.m_rows) {
            let value = values[params.values_start + first + i];
            for (var q = 0u; q < QUADS; q++) {
                let j = m_row * params.n + at[q];
                sum[q] += value * vec4<f32>(m[j.x], m[j.y], m[j.z], m[j.w]);
            }
        }
    }
    store_part(params.out_start + row * params.n, col0, params.n, sum);
}
