// The normalisation of each row and its backward pass: a workgroup a row. B rows (of one chunk here), n columns.

const LANES = 128u;

// ---- forward ----
struct Forward {
    rows: u32,
    cols: u32,
    x_start: u32, // first element of each operand in its chunk
    normed_start: u32,
    inv_std_start: u32,
    out_start: u32,
    eps: f32,
}
@group(0) @binding(0) var<uniform> forward_at: Forward;
@group(0) @binding(1) var<storage, read> forward_x: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read> forward_weight: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> forward_bias: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> forward_normed: array<f32>; // [B, n]
@group(0) @binding(5) var<storage, read_write> forward_inv_std: array<f32>; // [B]
@group(0) @binding(6) var<storage, read_write> forward_out: array<f32>; // [B, n]

@compute @workgroup_size(LANES)
fn forward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = forward_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    let x = at.x_start + row * at.cols;
    var sum = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        sum += forward_x[x + col];
    }
    let count = f32(at.cols);
    let near = sum_lanes(lane, sum) / count;
    // What the sum was rounded by shows in the mean of the deviations, and is taken out again.
    var deviations = 0.0;
    var squares = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        let deviation = forward_x[x + col] - near;
        deviations += deviation;
        squares += deviation * deviation;
    }
    let off = sum_lanes(lane, deviations) / count;
    let variance = max(sum_lanes(lane, squares) / count - off * off, 0.0);
    let inv_std = inverseSqrt(variance + at.eps);
    for (var col = lane; col < at.cols; col += LANES) {
        let normed = ((forward_x[x + col] - near) - off) * inv_std;
        forward_normed[at.normed_start + row * at.cols + col] = normed;
        forward_out[at.out_start + row * at.cols + col] = normed * forward_weight[col] + forward_bias[col];
    }
    if lane == 0u {
        forward_inv_std[at.inv_std_start + row] = inv_std;
    }
}

// ---- backward ----
struct Backward {
    rows: u32,
    cols: u32,
    normed_start: u32,
    inv_std_start: u32,
    grad_start: u32,
}
@group(0) @binding(0) var<uniform> backward_at: Backward;
@group(0) @binding(1) var<storage, read> backward_normed: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read> backward_inv_std: array<f32>; // [B]
@group(0) @binding(3) var<storage, read> backward_weight: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> backward_grad: array<f32>; // [B, n], ∂loss/∂out, then ∂loss/∂x

@compute @workgroup_size(LANES)
fn backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = backward_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    let grad = at.grad_start + row * at.cols;
    let normed = at.normed_start + row * at.cols;
    var sum = 0.0;
    var dot = 0.0;
    for (var col = lane; col < at.cols; col += LANES) {
        let g = backward_grad[grad + col] * backward_weight[col];
        sum += g;
        dot += g * backward_normed[normed + col];
    }
    let count = f32(at.cols);
    let mean = sum_lanes(lane, sum) / count;
    let along = sum_lanes(lane, dot) / count;
    let inv_std = backward_inv_std[at.inv_std_start + row];
    for (var col = lane; col < at.cols; col += LANES) {
        let g = backward_grad[grad + col] * backward_weight[col];
        backward_grad[grad + col] = inv_std * ((g - mean) - backward_normed[normed + col] * along);
    }
}
