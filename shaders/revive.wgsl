// A push for the bias of concepts that have not fired for long: a thread a concept. K concepts.

struct Revive {
    count: u32, // concepts
    idle_start: u32, // first element of each operand in its chunk
    bias_start: u32,
    after: u32, // rows without firing
    amount: f32,
}
@group(0) @binding(0) var<uniform> at: Revive;
@group(0) @binding(1) var<storage, read> idle: array<u32>; // [K]
@group(0) @binding(2) var<storage, read_write> bias: array<f32>; // [K]

@compute @workgroup_size(64)
fn revive(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let i = group_index(wid, nwg) * 64u + t;
    if i < at.count && idle[at.idle_start + i] >= at.after {
        bias[at.bias_start + i] += at.amount;
    }
}
