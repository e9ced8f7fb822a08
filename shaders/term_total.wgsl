// The value of a term of the loss, from its partial sums: one workgroup.

const LANES = 256u;

struct Params {
    count: u32, // partial sums
    cell_at: u32, // place of the value in the log
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<f32>;    // [count]
@group(0) @binding(2) var<storage, read_write> cells: array<f32>;  // [steps, log::WIDTH]

@compute @workgroup_size(LANES)
fn term_total(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var i = lane; i < params.count; i += LANES) {
        sum += partials[i];
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        cells[params.cell_at] = params.factor * total;
    }
}
