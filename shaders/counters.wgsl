// How often each concept is active. B rows (of one chunk here), K concepts.

override LANES: u32 = 64u; // threads that count together

// Codes below this count as not active, as in the reference.
const ACTIVE_FROM = 1e-6;

// ---- sparse codes: a workgroup an atom ----
struct Entries {
    concepts: u32,
}
@group(0) @binding(0) var<uniform> entries_at: Entries;
@group(0) @binding(1) var<storage, read> entries_index: array<u32>; // [K + 1 + B·width], see ByAtom
@group(0) @binding(2) var<storage, read> entries_values: array<f32>; // [B, width]
@group(0) @binding(3) var<storage, read_write> entries_fired: array<u32>; // [K], added to
@group(0) @binding(4) var<storage, read_write> entries_active: array<u32>; // [K], of this batch

@compute @workgroup_size(LANES)
fn count_entries(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = entries_at;
    let atom = group_index(wid, nwg);
    if atom >= at.concepts {
        return;
    }
    let end = entries_index[atom + 1u];
    var count = 0u;
    for (var i = entries_index[atom] + lane; i < end; i += LANES) {
        let value = entries_values[entries_index[at.concepts + 1u + i]];
        count += u32(abs(value) >= ACTIVE_FROM);
    }
    let total = sum_counts(lane, count);
    if lane == 0u {
        entries_fired[atom] += total;
        entries_active[atom] = total;
    }
}

// ---- dense codes, by atom: a workgroup takes 64 concepts and `slab` rows, four rows at a time ----
struct Dense {
    rows: u32,
    concepts: u32,
    start: u32, // first element in the chunk
    slab: u32,
    out_start: u32, // count_rows: the first row's place among the counts
}
@group(0) @binding(0) var<uniform> dense_at: Dense;
@group(0) @binding(1) var<storage, read> dense_z: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read_write> dense_fired: array<atomic<u32>>; // [K], added to

var<workgroup> dense_lanes: array<u32, 256>;

@compute @workgroup_size(64, 4)
fn count_columns(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = dense_at;
    let tiles = (at.concepts + 63u) / 64u;
    let group = group_index(wid, nwg);
    let atom = (group % tiles) * 64u + local.x;
    let first = (group / tiles) * at.slab;
    let last = min(first + at.slab, at.rows);
    var count = 0u;
    if atom < at.concepts {
        for (var row = first + local.y; row < last; row += 4u) {
            count += u32(abs(dense_z[at.start + row * at.concepts + atom]) >= ACTIVE_FROM);
        }
    }
    dense_lanes[local.y * 64u + local.x] = count;
    workgroupBarrier();
    if atom < at.concepts && local.y == 0u {
        let total = dense_lanes[local.x] + dense_lanes[local.x + 64u] + dense_lanes[local.x + 128u]
            + dense_lanes[local.x + 192u];
        // Whole numbers: their sum does not depend on the order.
        atomicAdd(&dense_fired[atom], total);
    }
}

// ---- dense codes, by row: a workgroup a row ----
@group(0) @binding(2) var<storage, read_write> dense_counts: array<u32>; // [B]

@compute @workgroup_size(LANES)
fn count_rows(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = dense_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    var count = 0u;
    for (var atom = lane; atom < at.concepts; atom += LANES) {
        count += u32(abs(dense_z[at.start + row * at.concepts + atom]) >= ACTIVE_FROM);
    }
    let total = sum_counts(lane, count);
    if lane == 0u {
        dense_counts[at.out_start + row] = total;
    }
}

// ---- rows since a concept has fired: a thread a concept ----
struct Idle {
    count: u32, // concepts
    fired_start: u32, // first element of each operand in its chunk
    seen_start: u32,
    idle_start: u32,
    rows: u32, // of the batches since the last look
}
@group(0) @binding(0) var<uniform> idle_at: Idle;
@group(0) @binding(1) var<storage, read> idle_fired: array<u32>; // [K]
@group(0) @binding(2) var<storage, read_write> idle_seen: array<u32>; // [K], becomes `fired`
@group(0) @binding(3) var<storage, read_write> idle_rows: array<u32>; // [K]

@compute @workgroup_size(64)
fn count_idle(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let at = idle_at;
    let i = group_index(wid, nwg) * 64u + t;
    if i < at.count {
        let fired = idle_fired[at.fired_start + i];
        let idle = idle_rows[at.idle_start + i];
        let longer = idle + min(at.rows, 0xffffffffu - idle);
        idle_rows[at.idle_start + i] = select(longer, 0u, fired != idle_seen[at.seen_start + i]);
        idle_seen[at.seen_start + i] = fired;
    }
}

// ---- what the log gets: one workgroup ----
struct Totals {
    summed: u32, // how many counts are added up
    compared: u32, // among how many the largest is sought
    active_at: u32, // places of both in the log
    most_at: u32,
}
@group(0) @binding(0) var<uniform> totals_at: Totals;
@group(0) @binding(1) var<storage, read> totals_active: array<u32>; // [summed]
@group(0) @binding(2) var<storage, read> totals_rows: array<u32>; // [compared]
@group(0) @binding(3) var<storage, read_write> totals_log: array<f32>; // [steps, log::WIDTH]

@compute @workgroup_size(LANES)
fn count_totals(@builtin(local_invocation_index) lane: u32) {
    var sum = 0u;
    for (var i = lane; i < totals_at.summed; i += LANES) {
        sum += totals_active[i];
    }
    var most = 0u;
    for (var i = lane; i < totals_at.compared; i += LANES) {
        most = max(most, totals_rows[i]);
    }
    let total = sum_counts(lane, sum);
    let largest = max_counts(lane, most);
    if lane == 0u {
        totals_log[totals_at.active_at] = f32(total);
        totals_log[totals_at.most_at] = f32(largest);
    }
}
