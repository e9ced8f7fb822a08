// The reanimation of concepts that no row of the batch uses. K concepts, B rows (of one chunk here).

const LANES = 256u;
const BLOCK = 4096u; // elements a workgroup

// ---- how many concepts are dead: one workgroup ----
struct Count {
    concepts: u32,
}
@group(0) @binding(0) var<uniform> count_at: Count;
@group(0) @binding(1) var<storage, read> count_sums: array<f32>; // [K], Σ_b z
@group(0) @binding(2) var<storage, read_write> count_out: array<f32>; // [1]

@compute @workgroup_size(LANES)
fn count_dead(@builtin(local_invocation_index) lane: u32) {
    var count = 0.0;
    for (var j = lane; j < count_at.concepts; j += LANES) {
        count += select(0.0, 1.0, count_sums[j] == 0.0);
    }
    // Whole numbers, exact up to 2²⁴ of them.
    let total = sum_lanes(lane, count);
    if lane == 0u {
        count_out[0] = total;
    }
}

// ---- the gradient, and the sums of each workgroup ----
struct Gradient {
    count: u32, // elements
    concepts: u32,
    pre_start: u32, // first element of each operand in its chunk
    grad_start: u32,
    partial_start: u32, // the first workgroup's place among the partial sums
    factor: f32,
}
@group(0) @binding(0) var<uniform> gradient_at: Gradient;
@group(0) @binding(1) var<storage, read> gradient_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> gradient_sums: array<f32>; // [K], Σ_b z
@group(0) @binding(3) var<storage, read> gradient_dead: array<f32>; // [1], how many
@group(0) @binding(4) var<storage, read_write> gradient_out: array<f32>; // [B, K], added to
@group(0) @binding(5) var<storage, read_write> gradient_partial: array<f32>; // [groups]

@compute @workgroup_size(LANES)
fn reanimate(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = gradient_at;
    let group = group_index(wid, nwg);
    let first = group * BLOCK;
    if first >= at.count {
        return;
    }
    let last = min(first + BLOCK, at.count);
    let slope = -at.factor / (gradient_dead[0] + 1e-6);
    var sum = 0.0;
    for (var i = first + lane; i < last; i += LANES) {
        if gradient_sums[i % at.concepts] == 0.0 {
            sum += gradient_pre[at.pre_start + i];
            gradient_out[at.grad_start + i] += slope;
        }
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        // Without a dead concept the slope is huge, and the sum 0.
        gradient_partial[at.partial_start + group] = slope * total;
    }
}
