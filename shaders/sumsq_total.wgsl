// out[slot] = the sum of partial [len]; one workgroup.
struct Params {
    len: u32,
    slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;    // [len]
@group(0) @binding(2) var<storage, read_write> out: array<f32>;  // [1, slots]

override LANES: u32 = 128u;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) t: u32) {
    var sum = 0.0;
    for (var i = t; i < params.len; i += LANES) {
        sum += partial[i];
    }
    let total = sum_lanes(t, sum);
    if (t == 0u) {
        out[params.slot] = total;
    }
}
