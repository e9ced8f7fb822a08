// dense[b, indices[b, i]] += factor · values[b, i]; a workgroup a row, whose entries are of different concepts.
struct Params {
    rows: u32,
    width: u32,
    concepts: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    dense_start: u32,
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;      // [rows, width]
@group(0) @binding(2) var<storage, read> values: array<f32>;       // [rows, width]
@group(0) @binding(3) var<storage, read> counts: array<u32>;       // [rows, 1]
@group(0) @binding(4) var<storage, read_write> dense: array<f32>;  // [rows, concepts]

const GROUP: u32 = 64u;

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg);
    if (row >= params.rows) {
        return;
    }
    let start = params.dense_start + row * params.concepts;
    let count = min(counts[params.counts_start + row], params.width);
    for (var i = t; i < count; i += GROUP) {
        let col = indices[params.indices_start + row * params.width + i];
        if (col < params.concepts) {
            dense[start + col] += params.factor * values[params.values_start + row * params.width + i];
        }
    }
}
