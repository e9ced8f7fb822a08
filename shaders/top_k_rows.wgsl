// The selection for drivers that compute on the CPU, where barriers cost most: a thread a row, which it reads once. The best
// so far stand in its own memory, the largest first; an equal one comes after those before it. For k up to MOST.
const GROUP: u32 = 8u;
const MOST: u32 = 64u;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg) * GROUP + t;
    if (row >= params.rows) {
        return;
    }
    let k = min(params.k, MOST);
    let start = params.pre_start + row * params.concepts;
    var keys: array<u32, 64>;  // [MOST]
    var cols: array<u32, 64>;
    var count = 0u;
    var least = 0u; // what a further one must exceed
    for (var col = 0u; col < params.concepts; col++) {
        let x = key(start, col);
        if (x <= least || k == 0u) {
            continue;
        }
        var place = min(count, k - 1u);
        count = min(count + 1u, k);
        for (; place > 0u && keys[place - 1u] < x; place--) {
            keys[place] = keys[place - 1u];
            cols[place] = cols[place - 1u];
        }
        keys[place] = x;
        cols[place] = col;
        least = select(0u, keys[k - 1u], count == k);
    }
    let first = row * params.k;
    for (var i = 0u; i < count; i++) {
        // By their columns now: among those that are in order already.
        let x = keys[i];
        let col = cols[i];
        var place = i;
        for (; place > 0u && cols[place - 1u] > col; place--) {
            keys[place] = keys[place - 1u];
            cols[place] = cols[place - 1u];
        }
        keys[place] = x;
        cols[place] = col;
    }
    for (var i = 0u; i < count; i++) {
        indices[params.indices_start + first + i] = cols[i];
        values[params.values_start + first + i] = value_of(keys[i]);
    }
    counts[params.counts_start + row] = count;
}
