// The normalisation of each column over a batch, its backward pass, and the moments that stay for evaluation.
// B rows (of one chunk here), n columns.

// ---- forward: a thread an element ----
struct Forward {
    count: u32, // elements
    cols: u32,
    x_start: u32, // first element of each operand in its chunk
    normed_start: u32,
    out_start: u32,
    eps: f32,
}
@group(0) @binding(0) var<uniform> forward_at: Forward;
@group(0) @binding(1) var<storage, read> forward_x: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read> forward_mean: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> forward_variance: array<f32>; // [n]
@group(0) @binding(4) var<storage, read> forward_weight: array<f32>; // [n]
@group(0) @binding(5) var<storage, read> forward_bias: array<f32>; // [n]
@group(0) @binding(6) var<storage, read_write> forward_normed: array<f32>; // [B, n]
@group(0) @binding(7) var<storage, read_write> forward_out: array<f32>; // [B, n]

@compute @workgroup_size(256)
fn forward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = forward_at;
    let i = group_index(wid, nwg) * 256u + lane;
    if i < at.count {
        let col = i % at.cols;
        let inv_std = inverseSqrt(forward_variance[col] + at.eps);
        let normed = (forward_x[at.x_start + i] - forward_mean[col]) * inv_std;
        forward_normed[at.normed_start + i] = normed;
        forward_out[at.out_start + i] = normed * forward_weight[col] + forward_bias[col];
    }
}

// ---- backward: a thread an element ----
struct Backward {
    count: u32,
    cols: u32,
    normed_start: u32,
    grad_start: u32,
    inv_rows: f32, // 1 / rows of the whole batch
    eps: f32,
}
@group(0) @binding(0) var<uniform> backward_at: Backward;
@group(0) @binding(1) var<storage, read> backward_normed: array<f32>; // [B, n]
@group(0) @binding(2) var<storage, read> backward_variance: array<f32>; // [n]
@group(0) @binding(3) var<storage, read> backward_weight: array<f32>; // [n]
@group(0) @binding(4) var<storage, read> backward_sums: array<f32>; // Σ grad [n]
@group(0) @binding(5) var<storage, read> backward_dots: array<f32>; // Σ grad ∘ normed [n]
@group(0) @binding(6) var<storage, read_write> backward_grad: array<f32>; // [B, n], ∂loss/∂out, then ∂loss/∂x

@compute @workgroup_size(256)
fn backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = backward_at;
    let i = group_index(wid, nwg) * 256u + lane;
    if i < at.count {
        let col = i % at.cols;
        let mean = backward_sums[col] * at.inv_rows;
        let along = backward_dots[col] * at.inv_rows;
        // The weight is the same in every row: it can be taken out of the means.
        let factor = backward_weight[col] * inverseSqrt(backward_variance[col] + at.eps);
        let place = at.grad_start + i;
        let normed = backward_normed[at.normed_start + i];
        backward_grad[place] = factor * ((backward_grad[place] - mean) - normed * along);
    }
}

// ---- the running moments: a thread a column ----
struct Running {
    cols: u32,
    unbias: f32, // B/(B − 1)
    momentum: f32,
}
@group(0) @binding(0) var<uniform> running_at: Running;
@group(0) @binding(1) var<storage, read> running_batch_mean: array<f32>; // [n]
@group(0) @binding(2) var<storage, read> running_batch_variance: array<f32>; // [n]
@group(0) @binding(3) var<storage, read_write> running_mean: array<f32>; // [n]
@group(0) @binding(4) var<storage, read_write> running_variance: array<f32>; // [n]

@compute @workgroup_size(256)
fn running(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = running_at;
    let col = group_index(wid, nwg) * 256u + lane;
    if col < at.cols {
        let mean = running_mean[col];
        running_mean[col] = mean + at.momentum * (running_batch_mean[col] - mean);
        let variance = running_variance[col];
        running_variance[col] = variance + at.momentum * (running_batch_variance[col] * at.unbias - variance);
    }
}
