// The end of building a dictionary, and the beginning of its backward pass. K concepts (rows of one chunk here), d
// dimensions.

const LANES = 256u;
const BLOCK = 4096u; // elements a workgroup of `dictionary_backward`

// ---- D = (W C + R) eᵐ: a thread an element ----
struct Relax {
    count: u32, // elements
    wc_start: u32, // first element of each operand in its chunk
    r_start: u32,
}
@group(0) @binding(0) var<uniform> relax_at: Relax;
@group(0) @binding(1) var<storage, read> relax_r: array<f32>; // R [K, d]
@group(0) @binding(2) var<storage, read> relax_multiplier: array<f32>; // m [1]
@group(0) @binding(3) var<storage, read_write> relax_wc: array<f32>; // W C [K, d], becomes D

@compute @workgroup_size(LANES)
fn add_relaxation(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * LANES + lane;
    if i < relax_at.count {
        let place = relax_at.wc_start + i;
        let sum = relax_wc[place] + relax_r[relax_at.r_start + i];
        relax_wc[place] = sum * exp_exact(relax_multiplier[0]);
    }
}

// ---- the gradient of the multiplier, as the sums of each workgroup, and of what it multiplies ----
struct Backward {
    count: u32, // elements
    dictionary_start: u32, // first element of each operand in its chunk
    grad_start: u32,
    partial_start: u32, // the first workgroup's place among the partial sums
}
@group(0) @binding(0) var<uniform> backward_at: Backward;
@group(0) @binding(1) var<storage, read> backward_dictionary: array<f32>; // D [K, d]
@group(0) @binding(2) var<storage, read> backward_multiplier: array<f32>; // m [1]
@group(0) @binding(3) var<storage, read_write> backward_grad: array<f32>; // [K, d], becomes eᵐ · grad
@group(0) @binding(4) var<storage, read_write> backward_partial: array<f32>; // [groups], Σ grad∘D

@compute @workgroup_size(LANES)
fn dictionary_backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = backward_at;
    let group = group_index(wid, nwg);
    let first = group * BLOCK;
    if first >= at.count {
        return;
    }
    let last = min(first + BLOCK, at.count);
    let scale = exp_exact(backward_multiplier[0]);
    var along = 0.0;
    for (var i = first + lane; i < last; i += LANES) {
        let g = backward_grad[at.grad_start + i];
        along += g * backward_dictionary[at.dictionary_start + i];
        backward_grad[at.grad_start + i] = scale * g;
    }
    let sum = sum_lanes(lane, along);
    if lane == 0u {
        backward_partial[at.partial_start + group] = sum;
    }
}
