// out[slot] = the sum of partial [len]; one workgroup.
struct Params {
    len: u32,
    slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;    // [len]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [1, slots]

override LANES: u32 = 256u;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) t: u32) {
    var sum = 0.0;
    var i = t;
    // Eight at a time, whose reads need not wait for each other: there is no other workgroup to go on with meanwhile.
    for (; i + 7u * LANES < params.len; i += 8u * LANES) {
        sum += four(i) + four(i + 4u * LANES);
    }
    for (; i < params.len; i += LANES) {
        sum += partial[i];
    }
    let total = sum_lanes(t, sum);
    if (t == 0u) {
        out[params.slot] = total;
    }
}

fn four(i: u32) -> f32 {
    return (partial[i] + partial[i + LANES]) + (partial[i + 2u * LANES] + partial[i + 3u * LANES]);
}
