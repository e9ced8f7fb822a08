// Sums and extremes over rows or columns. B rows (of one chunk here), n columns.

const LANES = 64u;

// ---- sums of columns, over slabs of rows: a workgroup takes 64 columns and `slab` rows, four rows at a time ----
struct Slabs {
    rows: u32,
    cols: u32,
    start: u32, // first element in the chunk
    slab: u32,
}
@group(0) @binding(0) var<uniform> slabs_at: Slabs;
@group(0) @binding(1) var<storage, read> slabs_in: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read_write> slabs_partial: array<f32>; // [⌈B/slab⌉, n]

var<workgroup> slabs_lanes: array<f32, 256>;

@compute @workgroup_size(64, 4)
fn column_slabs(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = slabs_at;
    let tiles = (at.cols + 63u) / 64u;
    let group = group_index(wid, nwg);
    let col = (group % tiles) * 64u + local.x;
    let slab = group / tiles;
    let first = slab * at.slab;
    let last = min(first + at.slab, at.rows);
    let inside = col < at.cols && first < at.rows;
    var sum = 0.0;
    if inside {
        for (var row = first + local.y; row < last; row += 4u) {
            sum += slabs_in[at.start + row * at.cols + col];
        }
    }
    slabs_lanes[local.y * 64u + local.x] = sum;
    workgroupBarrier();
    if inside && local.y == 0u {
        slabs_partial[slab * at.cols + col] = (slabs_lanes[local.x] + slabs_lanes[local.x + 64u])
            + (slabs_lanes[local.x + 128u] + slabs_lanes[local.x + 192u]);
    }
}

// ---- sums of the slabs: a thread a column ----
struct Columns {
    slabs: u32,
    cols: u32,
    accumulate: u32, // whether earlier chunks came before
}
@group(0) @binding(0) var<uniform> columns_at: Columns;
@group(0) @binding(1) var<storage, read> columns_partial: array<f32>; // [slabs, n]
@group(0) @binding(2) var<storage, read_write> columns_out: array<f32>; // [n]

@compute @workgroup_size(64)
fn column_totals(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = columns_at;
    let col = group_index(wid, nwg) * 64u + lane;
    if col >= at.cols {
        return;
    }
    var sum = 0.0;
    for (var slab = 0u; slab < at.slabs; slab++) {
        sum += columns_partial[slab * at.cols + col];
    }
    columns_out[col] = sum + select(0.0, columns_out[col], at.accumulate != 0u);
}

// ---- over each row: a workgroup a row ----
struct Rows {
    rows: u32,
    cols: u32,
    start: u32, // first element in the chunk
    out_start: u32,
    diagonal: i32, // row_max: the column that row 0 leaves out; row i leaves out `diagonal + i`
    skip: u32, // row_max: whether one is left out
}
@group(0) @binding(0) var<uniform> rows_at: Rows;
@group(0) @binding(1) var<storage, read> rows_in: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read_write> rows_out: array<f32>; // [B]

@compute @workgroup_size(LANES)
fn row_sumsq(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = rows_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    var sum = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        let value = rows_in[at.start + row * at.cols + col];
        sum += value * value;
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        rows_out[at.out_start + row] = total;
    }
}

@compute @workgroup_size(LANES)
fn row_max(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = rows_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    let left_out = at.diagonal + i32(row);
    var best = rows_out[at.out_start + row];
    for (var col = lane; col < at.cols; col += LANES) {
        if at.skip == 0u || i32(col) != left_out {
            best = max(best, rows_in[at.start + row * at.cols + col]);
        }
    }
    lane_sums[lane] = best;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if lane < half {
            lane_sums[lane] = max(lane_sums[lane], lane_sums[lane + half]);
        }
        workgroupBarrier();
    }
    if lane == 0u {
        rows_out[at.out_start + row] = lane_sums[0];
    }
}

// ---- the factor that clips the gradients: one thread ----
struct Clip {
    slots: u32,
    norm_at: u32, // place of the norm in the log
    limited: u32,
    max_norm: f32,
}
@group(0) @binding(0) var<uniform> clip_at: Clip;
@group(0) @binding(1) var<storage, read> clip_sumsq: array<f32>; // [slots]
@group(0) @binding(2) var<storage, read_write> clip_scale: array<f32>; // [1]
@group(0) @binding(3) var<storage, read_write> clip_log: array<f32>; // [steps, log::WIDTH]

@compute @workgroup_size(1)
fn clip_factor() {
    var sum = 0.0;
    for (var slot = 0u; slot < clip_at.slots; slot++) {
        sum += clip_sumsq[slot];
    }
    let norm = sqrt(sum);
    clip_log[clip_at.norm_at] = norm;
    var scale = 1.0;
    if clip_at.limited != 0u {
        // NaN must not become 1: it would go on as if nothing had happened.
        scale = select(min(1.0, clip_at.max_norm / (norm + 1e-6)), norm, is_nan(norm));
    }
    clip_scale[0] = scale;
}
