// Of relu(pre) [rows, concepts] the k largest of each row: indices ascending, the lowest index on a tie, zeros never.
// With SIGNED of pre itself, NaN never.
// A workgroup a row. The bits of positive floats order as the floats do, so the k-th largest is found digit by digit
// from histograms (11, 10 and 10 bits; with the sign 11, 11 and 10); then the row is read once more and what lies
// above it is written in order.
override SIGNED: u32 = 0u;

struct Params {
    rows: u32,
    concepts: u32,
    k: u32,
    pre_start: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<u32>;            // [rows, concepts], the bits of f32
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;  // [rows, k]
@group(0) @binding(3) var<storage, read_write> values: array<u32>;   // [rows, k], the bits of f32
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;   // [rows, 1]

const GROUP: u32 = 256u;
const BINS: u32 = 2048u;
const BINS_EACH: u32 = 8u; // BINS / GROUP
const TILE: u32 = 8192u;   // elements that the masks cover: 32 a thread
const INFINITY: u32 = 0x7f800000u;
const SIGN: u32 = 0x80000000u;

var<workgroup> histogram: array<atomic<u32>, 2048>; // [BINS]
var<workgroup> scan: array<u32, 256>;               // [GROUP]
var<workgroup> found: vec2<u32>;                    // the digit, and how many keys lie above it
var<workgroup> above: array<atomic<u32>, 256>;      // [TILE / 32] bits: larger than the k-th
var<workgroup> equal: array<atomic<u32>, 256>;      // [TILE / 32] bits: equal to it

// A number that orders as the values do, 0 for what is never taken: the bits of relu(x), those of zero for NaN as well.
// With SIGNED the sign bit of positive values is set and all bits of negative ones are turned over; -0 is 0.
fn key(start: u32, col: u32) -> u32 {
    let bits = pre[start + col];
    if (SIGNED == 0u) {
        return select(0u, bits, bits <= INFINITY);
    }
    let size = bits & ~SIGN;
    if (size > INFINITY) {
        return 0u;
    }
    return select(SIGN | size, ~bits, bits > SIGN);
}

// The bits of the value with this key.
fn value_of(key: u32) -> u32 {
    if (SIGNED == 0u) {
        return key;
    }
    return select(~key, key ^ SIGN, key >= SIGN);
}

// The sum of `value` over all threads up to this one. To be reached by all threads of the workgroup.
fn inclusive_scan(t: u32, value: u32) -> u32 {
    workgroupBarrier();
    scan[t] = value;
    workgroupBarrier();
    for (var step = 1u; step < GROUP; step *= 2u) {
        var sum = scan[t];
        if (t >= step) {
            sum += scan[t - step];
        }
        workgroupBarrier();
        scan[t] = sum;
        workgroupBarrier();
    }
    return scan[t];
}

// Counts the keys that share `prefix` above `shift + bits` by their next digit, and finds the digit of the
// `rank`-th largest of them (from 1): (digit, how many keys have a larger one). If there are fewer than `rank`, the
// digit is BINS and the second number is how many there are.
fn find_digit(t: u32, start: u32, prefix: u32, shift: u32, bits: u32, rank: u32) -> vec2<u32> {
    for (var i = t; i < BINS; i += GROUP) {
        atomicStore(&histogram[i], 0u);
    }
    if (t == 0u) {
        found = vec2<u32>(BINS, 0u);
    }
    workgroupBarrier();
    for (var col = t; col < params.concepts; col += GROUP) {
        let x = key(start, col);
        if (x != 0u && ((x >> shift) >> bits) == prefix) {
            atomicAdd(&histogram[(x >> shift) & ((1u << bits) - 1u)], 1u);
        }
    }
    workgroupBarrier();
    // Thread 0 has the largest digits, so that a scan counts from above.
    let top = BINS - 1u - t * BINS_EACH;
    var sum = 0u;
    for (var i = 0u; i < BINS_EACH; i++) {
        sum += atomicLoad(&histogram[top - i]);
    }
    let up_to_here = inclusive_scan(t, sum);
    var larger = up_to_here - sum;
    if (larger < rank && up_to_here >= rank) {
        for (var i = 0u; i < BINS_EACH; i++) {
            let here = atomicLoad(&histogram[top - i]);
            if (larger + here >= rank) {
                found = vec2<u32>(top - i, larger);
                break;
            }
            larger += here;
        }
    } else if (t == GROUP - 1u && up_to_here < rank) {
        found = vec2<u32>(BINS, up_to_here);
    }
    return workgroupUniformLoad(&found);
}

// (the k-th largest key, how many equal ones belong to the k); key 0 if there are fewer than k that may be taken.
fn find_threshold(t: u32, start: u32) -> vec2<u32> {
    let high = find_digit(t, start, 0u, 20u + SIGNED, 11u, params.k);
    if (high.x == BINS) {
        return vec2<u32>(0u, 0u);
    }
    var rank = params.k - high.y;
    let middle = find_digit(t, start, high.x, 10u, 10u + SIGNED, rank);
    rank -= middle.y;
    let prefix = (high.x << (10u + SIGNED)) | middle.x;
    let low = find_digit(t, start, prefix, 0u, 10u, rank);
    return vec2<u32>((prefix << 10u) | low.x, rank - low.y);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg);
    if (row >= params.rows) {
        return;
    }
    if (params.k == 0u) {
        if (t == 0u) {
            counts[params.counts_start + row] = 0u;
        }
        return;
    }
    let start = params.pre_start + row * params.concepts;
    let threshold = find_threshold(t, start);
    var taken = 0u;       // written by the tiles before
    var equal_seen = 0u;  // equal ones in the tiles before
    for (var base = 0u; base < params.concepts; base += TILE) {
        atomicStore(&above[t], 0u);
        atomicStore(&equal[t], 0u);
        workgroupBarrier();
        let end = min(base + TILE, params.concepts);
        for (var col = base + t; col < end; col += GROUP) {
            let x = key(start, col);
            let bit = 1u << (col % 32u);
            if (x > threshold.x) {
                atomicOr(&above[(col - base) / 32u], bit);
            } else if (x == threshold.x && x != 0u) {
                atomicOr(&equal[(col - base) / 32u], bit);
            }
        }
        workgroupBarrier();
        // Thread t writes the entries of word t. Both counts fit 16 bits, and so one scan serves both.
        let word_above = atomicLoad(&above[t]);
        let word_equal = atomicLoad(&equal[t]);
        let both = countOneBits(word_above) | (countOneBits(word_equal) << 16u);
        let up_to_here = inclusive_scan(t, both);
        let before = up_to_here - both;
        var equal_rank = equal_seen + (before >> 16u);
        var place = taken + (before & 0xffffu)
            + min(equal_rank, threshold.y) - min(equal_seen, threshold.y);
        for (var word = word_above | word_equal; word != 0u; word &= word - 1u) {
            let bit = firstTrailingBit(word);
            if (((word_equal >> bit) & 1u) != 0u) {
                equal_rank += 1u;
                if (equal_rank > threshold.y) {
                    continue;
                }
            }
            let col = base + t * 32u + bit;
            indices[params.indices_start + row * params.k + place] = col;
            values[params.values_start + row * params.k + place] = value_of(key(start, col));
            place += 1u;
        }
        let all = workgroupUniformLoad(&scan[GROUP - 1u]);
        let equal_after = equal_seen + (all >> 16u);
        taken += (all & 0xffffu) + min(equal_after, threshold.y) - min(equal_seen, threshold.y);
        equal_seen = equal_after;
    }
    if (t == 0u) {
        counts[params.counts_start + row] = taken;
    }
}
