// The mean squared error, its gradient, and what the multiplier gets of it. B rows (of one chunk here), d dimensions.

override LANES: u32 = 256u;
const BLOCK = 4096u; // elements a workgroup

// ---- elementwise, and the sums of each workgroup ----
struct Error {
    count: u32, // elements
    x_start: u32, // first element of each operand in its chunk
    raw_start: u32,
    h_start: u32,
    partial_start: u32, // the first workgroup's place among the partial sums
    factor: f32, // 2 / (B d), of the whole batch
}
@group(0) @binding(0) var<uniform> error_at: Error;
@group(0) @binding(1) var<storage, read> error_x: array<f32>; // [B, d]
@group(0) @binding(2) var<storage, read> error_multiplier: array<f32>; // m [1]
@group(0) @binding(3) var<storage, read_write> error_raw: array<f32>; // [B, d], becomes x̂ = eᵐ raw
@group(0) @binding(4) var<storage, read_write> error_h: array<f32>; // [B, d], eᵐ G with G = factor · (x̂ − x)
@group(0) @binding(5) var<storage, read_write> error_partial: array<vec2<f32>>; // [groups], Σ r² and Σ G∘x̂

@compute @workgroup_size(LANES)
fn squared_error(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = error_at;
    let group = group_index(wid, nwg);
    let first = group * BLOCK;
    if first >= at.count {
        return;
    }
    let last = min(first + BLOCK, at.count);
    let scale = exp_exact(error_multiplier[0]);
    var squares = 0.0;
    var along = 0.0;
    for (var i = first + lane; i < last; i += LANES) {
        let x_hat = scale * error_raw[at.raw_start + i];
        let r = x_hat - error_x[at.x_start + i];
        let g = at.factor * r;
        error_raw[at.raw_start + i] = x_hat;
        error_h[at.h_start + i] = scale * g;
        squares += r * r;
        along += g * x_hat;
    }
    let sse = sum_lanes(lane, squares);
    let gradient = sum_lanes(lane, along);
    if lane == 0u {
        error_partial[at.partial_start + group] = vec2<f32>(sse, gradient);
    }
}

// ---- the sums of the sums: one workgroup ----
struct Totals {
    count: u32, // partial sums
    sse_at: u32, // place of Σ r² in the log
}
@group(0) @binding(0) var<uniform> totals_at: Totals;
@group(0) @binding(1) var<storage, read> totals_partial: array<vec2<f32>>; // [count]
@group(0) @binding(2) var<storage, read_write> totals_multiplier: array<f32>; // ∂loss/∂m [1]
@group(0) @binding(3) var<storage, read_write> totals_log: array<f32>; // [steps, log::WIDTH]

@compute @workgroup_size(LANES)
fn error_totals(@builtin(local_invocation_index) lane: u32) {
    var sum = vec2<f32>(0.0);
    for (var i = lane; i < totals_at.count; i += LANES) {
        sum += totals_partial[i];
    }
    let sse = sum_lanes(lane, sum.x);
    let gradient = sum_lanes(lane, sum.y);
    if lane == 0u {
        totals_log[totals_at.sse_at] = sse;
        totals_multiplier[0] = gradient;
    }
}
