// The selection for drivers that compute on the CPU, where barriers cost most: a thread a row, which it reads once. The best
// so far are a heap in its own memory, for k up to MOST: the first one is what a further one must exceed.
//
// Such a driver may end a thread whose loops go round too often, so that long rows are read by several dispatches:
// between them the heap lies, as it is, in `values` and `indices`.
const GROUP: u32 = 8u;
const MOST: u32 = 64u;
const NOTHING: u32 = 0xffffffffu; // the column of a place that is free, whose key is 0

var<private> keys: array<u32, MOST>;
var<private> cols: array<u32, MOST>;

@compute @workgroup_size(GROUP)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg) * GROUP + t;
    let k = min(params.k, MOST);
    if (row >= params.rows) {
        return;
    }
    let kept = row * params.k;
    for (var i = 0u; i < k; i++) {
        keys[i] = 0u;
        cols[i] = NOTHING;
        if (params.first_col > 0u) {
            keys[i] = values[params.values_start + kept + i];
            cols[i] = indices[params.indices_start + kept + i];
        }
    }
    if (k > 0u) {
        take_best(params.pre_start + row * params.concepts, k);
    }
    if (params.end_col < params.concepts) {
        for (var i = 0u; i < k; i++) {
            values[params.values_start + kept + i] = keys[i];
            indices[params.indices_start + kept + i] = cols[i];
        }
        return;
    }
    let count = sort(k);
    for (var i = 0u; i < count; i++) {
        indices[params.indices_start + kept + i] = cols[i];
        values[params.values_start + kept + i] = value_of(keys[i]);
    }
    counts[params.counts_start + row] = count;
}

// Takes what is good enough of columns first_col .. end_col. Four at a time, of which mostly none is.
fn take_best(start: u32, k: u32) {
    let last = params.end_col - 1u;
    var least = keys[0];
    for (var col = params.first_col; col < params.end_col; col += 4u) {
        let four = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(last));
        var x = vec4<u32>(key(start, four.x), key(start, four.y), key(start, four.z), key(start, four.w));
        if (max(max(x.x, x.y), max(x.z, x.w)) <= least) {
            continue;
        }
        for (var j = 0u; j < 4u; j++) {
            if (x[j] > least && col + j <= last) {
                replace_worst(k, x[j], col + j);
                least = keys[0];
            }
        }
    }
}

// Puts a better one in the place of the worst, and down to where both below it are better. Of equal keys the later column is
// the worse one; none below is later than this.
fn replace_worst(k: u32, x: u32, col: u32) {
    var place = 0u;
    for (var below = 1u; below < k; below = 2u * place + 1u) {
        let left = below;
        let right = min(below + 1u, k - 1u);
        let of_right = keys[right] < keys[left] || (keys[right] == keys[left] && cols[right] > cols[left]);
        let worse = select(left, right, of_right);
        if (keys[worse] >= x) {
            break;
        }
        keys[place] = keys[worse];
        cols[place] = cols[worse];
        place = worse;
    }
    keys[place] = x;
    cols[place] = col;
}

// Those that are there by their columns, first; how many.
fn sort(k: u32) -> u32 {
    var count = 0u;
    for (var i = 0u; i < k; i++) {
        let x = keys[i];
        let col = cols[i];
        if (col == NOTHING) {
            continue;
        }
        var place = count;
        for (; place > 0u && cols[place - 1u] > col; place--) {
            keys[place] = keys[place - 1u];
            cols[place] = cols[place - 1u];
        }
        keys[place] = x;
        cols[place] = col;
        count++;
    }
    return count;
}
