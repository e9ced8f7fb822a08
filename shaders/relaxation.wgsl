// The end of building D = (W C + R) eᵐ: a thread an element. K concepts (rows of one chunk here), d dimensions.

struct Relax {
    count: u32, // elements
    wc_start: u32, // first element of each operand in its chunk
    r_start: u32,
}
@group(0) @binding(0) var<uniform> at: Relax;
@group(0) @binding(1) var<storage, read> r: array<f32>; // R [K, d]
@group(0) @binding(2) var<storage, read> multiplier: array<f32>; // m [1]
@group(0) @binding(3) var<storage, read_write> wc: array<f32>; // W C [K, d], becomes D

@compute @workgroup_size(256)
fn add_relaxation(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * 256u + lane;
    if i < at.count {
        let place = at.wc_start + i;
        wc[place] = (wc[place] + r[at.r_start + i]) * exp_exact(multiplier[0]);
    }
}
