// Jump over dense codes. B rows (of one chunk here), K concepts.

// ---- θ [K] = e^t ----
struct Theta {
    concepts: u32,
}
@group(0) @binding(0) var<uniform> theta_at: Theta;
@group(0) @binding(1) var<storage, read> theta_logs: array<f32>; // t [K]
@group(0) @binding(2) var<storage, read_write> theta_out: array<f32>; // θ [K]

@compute @workgroup_size(256)
fn theta(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * 256u + lane;
    if i < theta_at.concepts {
        theta_out[i] = exp_exact(theta_logs[i]);
    }
}

// ---- codes ----
struct Forward {
    count: u32, // elements
    concepts: u32,
    pre_start: u32, // first element of each operand in its chunk
    z_start: u32,
}
@group(0) @binding(0) var<uniform> forward_at: Forward;
@group(0) @binding(1) var<storage, read> forward_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> forward_theta: array<f32>; // [K]
@group(0) @binding(3) var<storage, read_write> forward_z: array<f32>; // [B, K]

@compute @workgroup_size(256)
fn forward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * 256u + lane;
    if i < forward_at.count {
        let bound = forward_theta[i % forward_at.concepts];
        forward_z[forward_at.z_start + i] = jump_code(forward_pre[forward_at.pre_start + i], bound);
    }
}

// ---- gradients: a workgroup takes 64 concepts and `slab` rows, four rows at a time ----
struct Backward {
    rows: u32,
    concepts: u32,
    pre_start: u32,
    grad_start: u32,
    slab: u32,
    bandwidth: f32,
}
@group(0) @binding(0) var<uniform> backward_at: Backward;
@group(0) @binding(1) var<storage, read> backward_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> backward_theta: array<f32>; // [K]
@group(0) @binding(3) var<storage, read_write> backward_grad: array<f32>; // [B, K], ∂loss/∂z, then ∂loss/∂pre
@group(0) @binding(4) var<storage, read_write> backward_partial: array<f32>; // [⌈B/slab⌉, K], parts of ∂loss/∂t

var<workgroup> backward_lanes: array<f32, 256>;

@compute @workgroup_size(64, 4)
fn backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = backward_at;
    let tiles = (at.concepts + 63u) / 64u;
    let group = group_index(wid, nwg);
    let atom = (group % tiles) * 64u + local.x;
    let slab = group / tiles;
    let first = slab * at.slab;
    let last = min(first + at.slab, at.rows);
    let inside = atom < at.concepts && first < at.rows;
    var sum = 0.0;
    var bound = 0.0;
    if inside {
        bound = backward_theta[atom];
        for (var row = first + local.y; row < last; row += 4u) {
            let offset = row * at.concepts + atom;
            let pre = backward_pre[at.pre_start + offset];
            let g = backward_grad[at.grad_start + offset];
            sum += kappa(max(pre, 0.0) - bound, at.bandwidth) * g;
            backward_grad[at.grad_start + offset] = select(0.0, g, jump_passes(pre, bound));
        }
    }
    backward_lanes[local.y * 64u + local.x] = sum;
    workgroupBarrier();
    if inside && local.y == 0u {
        let total = (backward_lanes[local.x] + backward_lanes[local.x + 64u])
            + (backward_lanes[local.x + 128u] + backward_lanes[local.x + 192u]);
        // In this order, because θ² may overflow where the sum is zero.
        backward_partial[slab * at.concepts + atom] = (total * -(bound / at.bandwidth)) * bound;
    }
}
