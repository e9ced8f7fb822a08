// out [rows, width] (+)= m[indices[b, i]] · a[b], at the entries only. Of M only some rows are bound; entries of the
// others are left to another dispatch. A workgroup makes 16 entries of a row, THREADS threads each.
struct Params {
    rows: u32,
    width: u32,
    n: u32,
    // The rows of M that are bound: m_row0 .. m_row0 + m_rows.
    m_row0: u32,
    m_rows: u32,
    indices_start: u32,
    counts_start: u32,
    a_start: u32,
    out_start: u32,
    accumulate: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> indices: array<u32>;    // [rows, width]
@group(0) @binding(2) var<storage, read> counts: array<u32>;     // [rows, 1]
@group(0) @binding(3) var<storage, read> m: array<f32>;          // [m_rows, n]
@group(0) @binding(4) var<storage, read> a: array<f32>;          // [rows, n]
@group(0) @binding(5) var<storage, read_write> out: array<f32>;  // [rows, width]

const ENTRIES: u32 = 16u;
override THREADS: u32 = 16u;

var<workgroup> partial: array<f32, ENTRIES * THREADS>;

@compute @workgroup_size(ENTRIES * THREADS)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let group = group_index(wid, nwg);
    let blocks = (params.width + ENTRIES - 1u) / ENTRIES;
    let row = group / blocks;
    if (row >= params.rows) {
        return;
    }
    let place = group % blocks * ENTRIES + t / THREADS;
    let lane = t % THREADS;
    let count = min(counts[params.counts_start + row], params.width);
    var m_row = params.m_rows;
    if (place < count) {
        m_row = indices[params.indices_start + row * params.width + place] - params.m_row0;
    }
    let mine = m_row < params.m_rows; // an index below m_row0 has wrapped
    var sum = 0.0;
    if (mine) {
        for (var col = lane; col < params.n; col += THREADS) {
            sum += m[m_row * params.n + col] * a[params.a_start + row * params.n + col];
        }
    }
    partial[t] = sum;
    workgroupBarrier();
    if (mine && lane == 0u) {
        var total = 0.0;
        for (var i = 0u; i < THREADS; i++) {
            total += partial[t + i];
        }
        let at = params.out_start + row * params.width + place;
        if (params.accumulate != 0u) {
            total += out[at];
        }
        out[at] = total;
    }
}
