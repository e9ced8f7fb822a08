// What the codes leave over, and how well the concepts that were left out tell it. B rows (of one chunk here), K
// concepts, d dimensions.

const LANES = 256u;
const BLOCK = 4096u; // elements a workgroup

// ---- relu(pre) − z ----
struct Remainder {
    count: u32, // elements
    concepts: u32,
    pre_start: u32, // first element of each operand in its chunk
    z_start: u32,
    out_start: u32,
    limited: u32, // whether only concepts count that are idle for `limit` rows
    limit: u32,
}
@group(0) @binding(0) var<uniform> remainder_at: Remainder;
@group(0) @binding(1) var<storage, read> remainder_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> remainder_z: array<f32>; // [B, K]
@group(0) @binding(3) var<storage, read> remainder_idle: array<u32>; // [K]; not read unless limited
@group(0) @binding(4) var<storage, read_write> remainder_out: array<f32>; // [B, K]

@compute @workgroup_size(LANES)
fn remainder(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = remainder_at;
    let i = group_index(wid, nwg) * LANES + lane;
    if i >= at.count {
        return;
    }
    let pre = remainder_pre[at.pre_start + i];
    // A NaN goes on, so that the loss shows it.
    var value = select(max(pre, 0.0), pre, is_nan(pre)) - remainder_z[at.z_start + i];
    if at.limited != 0u && remainder_idle[i % at.concepts] < at.limit {
        value = 0.0;
    }
    remainder_out[at.out_start + i] = value;
}

// ---- the squared error of the residual, and its gradients ----
struct Error {
    count: u32, // elements
    x_start: u32, // first element of each operand in its chunk
    x_hat_start: u32,
    e_hat_start: u32,
    grad_start: u32,
    partial_start: u32, // the first workgroup's place among the partial sums
    both: u32, // whether the reconstruction gets a gradient
    mean: f32, // factor / (B d), of the whole batch
    scaled: u32,
}
@group(0) @binding(0) var<uniform> error_at: Error;
@group(0) @binding(1) var<storage, read> error_x: array<f32>; // [B, d]
@group(0) @binding(2) var<storage, read> error_x_hat: array<f32>; // [B, d]
@group(0) @binding(3) var<storage, read> error_scale: array<f32>; // [1]; not read unless scaled
@group(0) @binding(4) var<storage, read_write> error_e_hat: array<f32>; // [B, d], becomes its gradient
@group(0) @binding(5) var<storage, read_write> error_grad: array<f32>; // [B, d], added to if `both`
@group(0) @binding(6) var<storage, read_write> error_partial: array<f32>; // [groups]

@compute @workgroup_size(LANES)
fn residual_error(
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
    var mean = at.mean;
    if at.scaled != 0u {
        mean *= error_scale[0];
    }
    let slope = -2.0 * mean;
    var sum = 0.0;
    for (var i = first + lane; i < last; i += LANES) {
        let residual = error_x[at.x_start + i] - error_x_hat[at.x_hat_start + i];
        let q = residual - error_e_hat[at.e_hat_start + i];
        sum += q * q;
        error_e_hat[at.e_hat_start + i] = slope * q;
        if at.both != 0u {
            error_grad[at.grad_start + i] += slope * q;
        }
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        error_partial[at.partial_start + group] = mean * total;
    }
}

// ---- the share of concepts that are dead: one workgroup ----
struct Share {
    concepts: u32,
    limit: u32,
    at_most: f32,
}
@group(0) @binding(0) var<uniform> share_at: Share;
@group(0) @binding(1) var<storage, read> share_idle: array<u32>; // [K]
@group(0) @binding(2) var<storage, read_write> share_out: array<f32>; // [1]

@compute @workgroup_size(LANES)
fn dead_share(@builtin(local_invocation_index) lane: u32) {
    var dead = 0.0;
    for (var j = lane; j < share_at.concepts; j += LANES) {
        dead += select(0.0, 1.0, share_idle[j] >= share_at.limit);
    }
    let total = sum_lanes(lane, dead);
    if lane == 0u {
        share_out[0] = min(total / share_at.at_most, 1.0);
    }
}
