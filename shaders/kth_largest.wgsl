// The k-th largest of all relu(pre), digit by digit: the bits of positive floats order as the floats do. For each digit
// `count_digits` adds to a histogram, chunk by chunk, and `take_digit` finds the digit in it.

const GROUP: u32 = 256u;
const BINS: u32 = 2048u;
const BINS_EACH: u32 = 8u; // BINS / GROUP
const BLOCK: u32 = 16384u; // elements a workgroup
const INFINITY: u32 = 0x7f800000u;

struct Params {
    count: u32, // elements of the chunk
    shift: u32, // lowest bit of the digit
    bits: u32, // and its length; 0 before the first
    rank: u32, // before the first: k
}
@group(0) @binding(0) var<uniform> params: Params;

// ---- a workgroup a block ----
@group(0) @binding(1) var<storage, read> pre: array<u32>; // [B, K], the bits of f32
@group(0) @binding(2) var<storage, read> known: array<u32>; // the digits so far as one number, the rank among their bearers
@group(0) @binding(3) var<storage, read_write> totals: array<atomic<u32>>; // [BINS]

var<workgroup> counts: array<atomic<u32>, BINS>;

@compute @workgroup_size(GROUP)
fn count_digits(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let first = group_index(wid, nwg) * BLOCK;
    if first >= params.count {
        return;
    }
    for (var i = t; i < BINS; i += GROUP) {
        atomicStore(&counts[i], 0u);
    }
    workgroupBarrier();
    let prefix = known[0];
    let last = min(first + BLOCK, params.count);
    for (var i = first + t; i < last; i += GROUP) {
        let x = pre[i];
        // Positive, no NaN, and with the digits so far.
        if x - 1u < INFINITY && (x >> params.shift) >> params.bits == prefix {
            atomicAdd(&counts[(x >> params.shift) & ((1u << params.bits) - 1u)], 1u);
        }
    }
    workgroupBarrier();
    for (var i = t; i < BINS; i += GROUP) {
        let count = atomicLoad(&counts[i]);
        if count != 0u {
            // Whole numbers: their sum does not depend on the order.
            atomicAdd(&totals[i], count);
        }
    }
}

// ---- one workgroup: the next digit, and a histogram of zeros ----
@group(0) @binding(1) var<storage, read_write> histogram: array<u32>; // [BINS]
@group(0) @binding(2) var<storage, read_write> found: array<u32>; // as `known`
@group(0) @binding(3) var<storage, read_write> out: array<u32>; // [1, 1], the bits of f32

var<workgroup> scan: array<u32, GROUP>;

// The sum of `value` over all threads up to this one.
fn inclusive_scan(t: u32, value: u32) -> u32 {
    scan[t] = value;
    workgroupBarrier();
    for (var step = 1u; step < GROUP; step *= 2u) {
        var sum = scan[t];
        if t >= step {
            sum += scan[t - step];
        }
        workgroupBarrier();
        scan[t] = sum;
        workgroupBarrier();
    }
    return scan[t];
}

@compute @workgroup_size(GROUP)
fn take_digit(@builtin(local_invocation_index) t: u32) {
    // Thread 0 has the largest digits, so that a scan counts from above.
    let top = BINS - 1u - t * BINS_EACH;
    let prefix = found[0];
    let rank = found[1];
    storageBarrier(); // one thread overwrites both below
    var sum = 0u;
    for (var i = 0u; i < BINS_EACH; i++) {
        sum += histogram[top - i];
    }
    let up_to_here = inclusive_scan(t, sum);
    var larger = up_to_here - sum;
    // Zeros are not in the histogram: what is not found has the digit 0, which the last thread has.
    if larger < rank && (up_to_here >= rank || t == GROUP - 1u) {
        var digit = top;
        for (var i = 0u; i + 1u < BINS_EACH && larger + histogram[digit] < rank; i++) {
            larger += histogram[digit];
            digit -= 1u;
        }
        found[0] = (prefix << params.bits) | digit;
        found[1] = rank - larger;
        out[0] = found[0];
    }
    workgroupBarrier();
    for (var i = 0u; i < BINS_EACH; i++) {
        histogram[top - i] = 0u;
    }
}

// ---- one workgroup, before the first digit ----
@compute @workgroup_size(GROUP)
fn begin_digits(@builtin(local_invocation_index) t: u32) {
    for (var i = t; i < BINS; i += GROUP) {
        histogram[i] = 0u;
    }
    if t == 0u {
        found[0] = 0u;
        found[1] = params.rank;
    }
}
