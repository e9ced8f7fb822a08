// Projections of a parameter [rows, cols] that need all of its rows: divides them by the largest norm of a row.
override L1: u32 = 0u; // whether the norm is the sum of sizes, else the Euclidean one

const LANES = 128u;

// ---- the norm of each row: a workgroup a row ----
struct Norms {
    rows: u32, // of the chunk
    cols: u32,
    out_start: u32, // the first row's place among the norms
}
@group(0) @binding(0) var<uniform> norms_at: Norms;
@group(0) @binding(1) var<storage, read> norms_param: array<f32>; // [rows, cols]
@group(0) @binding(2) var<storage, read_write> norms_out: array<f32>; // [rows]

@compute @workgroup_size(LANES)
fn row_norms(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = norms_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    var sum = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        let value = norms_param[row * at.cols + col];
        sum += select(value * value, abs(value), L1 != 0u);
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        norms_out[at.out_start + row] = select(sqrt(total), total, L1 != 0u);
    }
}

// ---- the largest of them: one workgroup ----
struct Largest {
    rows: u32, // of all chunks
}
@group(0) @binding(0) var<uniform> largest_at: Largest;
@group(0) @binding(1) var<storage, read> largest_norms: array<u32>; // [rows], the bits of f32
@group(0) @binding(2) var<storage, read_write> largest_out: array<u32>; // [1], likewise

@compute @workgroup_size(LANES)
fn largest_norm(@builtin(local_invocation_index) lane: u32) {
    // In the order of their bits NaN comes after all numbers: it is to be seen.
    var most = 0u;
    for (var i = lane; i < largest_at.rows; i += LANES) {
        most = max(most, largest_norms[i] & 0x7fffffffu);
    }
    let largest = max_counts(lane, most);
    if lane == 0u {
        largest_out[0] = largest;
    }
}

// ---- a thread an element ----
struct Divide {
    count: u32, // elements of the chunk
}
@group(0) @binding(0) var<uniform> divide_at: Divide;
@group(0) @binding(1) var<storage, read> divide_largest: array<f32>; // [1]
@group(0) @binding(2) var<storage, read_write> divide_param: array<f32>; // [rows, cols]

@compute @workgroup_size(LANES)
fn divide_rows(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * LANES + lane;
    let largest = divide_largest[0];
    // By its bits: a device may find NaN not unequal to 0.
    if i < divide_at.count && bitcast<u32>(largest) != 0u {
        divide_param[i] /= largest;
    }
}
