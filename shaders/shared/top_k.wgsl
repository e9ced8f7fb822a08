// Of relu(pre) [rows, concepts] the k largest of each row: indices ascending, the lowest index on a tie, zeros never.
// With SIGNED of pre itself, NaN never.
override SIGNED: u32 = 0u;

struct Params {
    rows: u32,
    concepts: u32,
    k: u32,
    pre_start: u32,
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    // What a dispatch of top_k_rows.wgsl reads of each row; top_k.wgsl reads all.
    first_col: u32,
    end_col: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<u32>;            // [rows, concepts], the bits of f32
@group(0) @binding(2) var<storage, read_write> indices: array<u32>;  // [rows, k]
@group(0) @binding(3) var<storage, read_write> values: array<u32>;   // [rows, k], the bits of f32
@group(0) @binding(4) var<storage, read_write> counts: array<u32>;   // [rows, 1]

const INFINITY: u32 = 0x7f800000u;
const SIGN: u32 = 0x80000000u;

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
