// The selection of a row by a workgroup. The bits of positive floats order as the floats do, so the k-th
// largest is found digit by digit from histograms (11, 10 and 10 bits; with the sign 11, 11 and 10); then the row is read
// once more and what lies above it is written in order.
override LANES: u32 = 256u;
const BINS: u32 = 2048u;
override BINS_EACH: u32 = BINS / LANES;
override TILE: u32 = 32u * LANES; // elements that the masks cover: 32 a thread

var<workgroup> histogram: array<atomic<u32>, BINS>;
var<workgroup> scan: array<u32, LANES>;
var<workgroup> found: vec2<u32>;               // the digit, and how many keys lie above it
var<workgroup> above: array<atomic<u32>, LANES>; // bits of a tile: larger than the k-th
var<workgroup> equal: array<atomic<u32>, LANES>; // bits of a tile: equal to it

// The sum of `value` over all threads up to this one. To be reached by all threads of the workgroup.
fn inclusive_scan(t: u32, value: u32) -> u32 {
    workgroupBarrier();
    scan[t] = value;
    workgroupBarrier();
    for (var step = 1u; step < LANES; step *= 2u) {
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
    for (var i = t; i < BINS; i += LANES) {
        atomicStore(&histogram[i], 0u);
    }
    if (t == 0u) {
        found = vec2<u32>(BINS, 0u);
    }
    workgroupBarrier();
    for (var col = t; col < params.concepts; col += LANES) {
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
    } else if (t == LANES - 1u && up_to_here < rank) {
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

@compute @workgroup_size(LANES)
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
        for (var col = base + t; col < end; col += LANES) {
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
        let all = workgroupUniformLoad(&scan[LANES - 1u]);
        let equal_after = equal_seen + (all >> 16u);
        taken += (all & 0xffffu) + min(equal_after, threshold.y) - min(equal_seen, threshold.y);
        equal_seen = equal_after;
    }
    if (t == 0u) {
        counts[params.counts_start + row] = taken;
    }
}
