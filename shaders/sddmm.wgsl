// out [rows, width] (+)= m[indices[b, i]] · a[b], at the entries only. Of M only some rows are bound; entries of the
// others are left to another dispatch. A workgroup makes 16 entries of a row at a time, THREADS threads each; `blocks`
// workgroups share a row.
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
    blocks: u32,
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
    let row = group / params.blocks;
    if (row >= params.rows) {
        return;
    }
    let lane = t % THREADS;
    let count = min(counts[params.counts_start + row], params.width);
    for (var first = group % params.blocks * ENTRIES; first < count; first += params.blocks * ENTRIES) {
        let place = first + t / THREADS;
        var m_row = params.m_rows;
        if (place < count) {
            m_row = indices[params.indices_start + row * params.width + place] - params.m_row0;
        }
        let mine = m_row < params.m_rows; // an index below m_row0 has wrapped
        var sum = 0.0;
        if (mine) {
            sum = product(m_row * params.n, params.a_start + row * params.n, lane);
        }
        let total = sum_threads(t, sum);
        if (mine && lane == 0u) {
            let at = params.out_start + row * params.width + place;
            out[at] = select(total, out[at] + total, params.accumulate != 0u);
        }
    }
}

// Every THREADS-th column, from `lane` on, of the rows that start at m[m_at] and a[a_at]. Eight at a time, whose reads
// need not wait for each other.
fn product(m_at: u32, a_at: u32, lane: u32) -> f32 {
    var sum = 0.0;
    var col = lane;
    for (; col + 7u * THREADS < params.n; col += 8u * THREADS) {
        sum += quad(m_at + col, a_at + col) + quad(m_at + col + 4u * THREADS, a_at + col + 4u * THREADS);
    }
    for (; col < params.n; col += THREADS) {
        sum += m[m_at + col] * a[a_at + col];
    }
    return sum;
}

fn quad(m_at: u32, a_at: u32) -> f32 {
    let columns = vec4<u32>(0u, 1u, 2u, 3u) * THREADS;
    let i = m_at + columns;
    let j = a_at + columns;
    return dot(vec4<f32>(m[i.x], m[i.y], m[i.z], m[i.w]), vec4<f32>(a[j.x], a[j.y], a[j.z], a[j.w]));
}

// The sum over the threads of an entry, for the first of them.
fn sum_threads(t: u32, sum: f32) -> f32 {
    if (THREADS == 1u) {
        return sum;
    }
    workgroupBarrier(); // the sums before have been read
    partial[t] = sum;
    workgroupBarrier();
    var total = 0.0;
    if (t % THREADS == 0u) {
        for (var i = 0u; i < THREADS; i++) {
            total += partial[t + i];
        }
    }
    return total;
}
