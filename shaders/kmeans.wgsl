// Distances and means for k-means. n rows (of one chunk here), d dimensions, N centres.

const LANES = 64u;

// ---- the nearest centre: a workgroup a row ----
struct Nearest {
    rows: u32,
    centres: u32,
    products_start: u32, // first element of each operand in its chunk
    x_sq_start: u32,
    assignment_start: u32,
    distance_start: u32,
}
@group(0) @binding(0) var<uniform> nearest_at: Nearest;
@group(0) @binding(1) var<storage, read> nearest_products: array<f32>; // X Cᵀ [n, N]
@group(0) @binding(2) var<storage, read> nearest_x_sq: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> nearest_c_sq: array<f32>; // [N]
@group(0) @binding(4) var<storage, read_write> nearest_assignment: array<u32>; // [n]
@group(0) @binding(5) var<storage, read_write> nearest_distance: array<f32>; // [n]

var<workgroup> nearest_value: array<f32, LANES>;
var<workgroup> nearest_index: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn nearest(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = nearest_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    // A thread without a centre repeats the last one.
    var index = min(lane, at.centres - 1u);
    let products = at.products_start + row * at.centres;
    var value = nearest_c_sq[index] - 2.0 * nearest_products[products + index];
    for (var centre = lane + LANES; centre < at.centres; centre += LANES) {
        let other = nearest_c_sq[centre] - 2.0 * nearest_products[products + centre];
        if other < value {
            value = other;
            index = centre;
        }
    }
    nearest_value[lane] = value;
    nearest_index[lane] = index;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if lane < half {
            let other = nearest_value[lane + half];
            let other_index = nearest_index[lane + half];
            if other < nearest_value[lane]
                || (other == nearest_value[lane] && other_index < nearest_index[lane]) {
                nearest_value[lane] = other;
                nearest_index[lane] = other_index;
            }
        }
        workgroupBarrier();
    }
    if lane == 0u {
        nearest_assignment[at.assignment_start + row] = nearest_index[0];
        nearest_distance[at.distance_start + row] =
            max(0.0, nearest_x_sq[at.x_sq_start + row] + nearest_value[0]);
    }
}

// ---- the distance with one more centre, for each of some candidates: a workgroup a row and candidate ----
struct Closer {
    rows: u32,
    cols: u32,
    candidates: u32,
    x_start: u32,
    distance_start: u32,
    out_start: u32,
}
@group(0) @binding(0) var<uniform> closer_at: Closer;
@group(0) @binding(1) var<storage, read> closer_x: array<f32>; // [n, d]
@group(0) @binding(2) var<storage, read> closer_candidates: array<f32>; // [L, d]
@group(0) @binding(3) var<storage, read> closer_distance: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> closer_out: array<f32>; // [n, L]

@compute @workgroup_size(LANES)
fn closer(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = closer_at;
    let pair = group_index(wid, nwg);
    let row = pair / at.candidates;
    if row >= at.rows {
        return;
    }
    let x = at.x_start + row * at.cols;
    let candidate = pair % at.candidates * at.cols;
    var sum = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        let difference = closer_x[x + col] - closer_candidates[candidate + col];
        sum += difference * difference;
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        closer_out[at.out_start + pair] = min(closer_distance[at.distance_start + row], total);
    }
}

// ---- means: a thread an element ----
struct Mean {
    count: u32, // elements
    cols: u32,
    row0: u32, // the first centre of these chunks
    sums_start: u32,
    centres_start: u32,
}
@group(0) @binding(0) var<uniform> mean_at: Mean;
@group(0) @binding(1) var<storage, read> mean_sums: array<f32>; // [N, d]
@group(0) @binding(2) var<storage, read> mean_counts: array<u32>; // [N]
@group(0) @binding(3) var<storage, read_write> mean_centres: array<f32>; // [N, d]

@compute @workgroup_size(256)
fn mean_rows(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = mean_at;
    let i = group_index(wid, nwg) * 256u + lane;
    if i >= at.count {
        return;
    }
    let members = mean_counts[at.row0 + i / at.cols];
    if members > 0u {
        mean_centres[at.centres_start + i] = mean_sums[at.sums_start + i] / f32(members);
    }
}
