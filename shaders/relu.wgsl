// relu and its backward pass: a thread an element, of one chunk.

struct Elements {
    count: u32,
    from_start: u32, // first element of each operand in its chunk
    to_start: u32,
}
@group(0) @binding(0) var<uniform> elements_at: Elements;
@group(0) @binding(1) var<storage, read> elements_from: array<f32>; // what decides: x, or the output
@group(0) @binding(2) var<storage, read_write> elements_to: array<f32>; // the output, or the gradient

// NaN passes, to be seen in the loss.
fn passes(x: f32) -> bool {
    return x > 0.0 || is_nan(x);
}

@compute @workgroup_size(256)
fn relu(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = elements_at;
    let i = group_index(wid, nwg) * 256u + lane;
    if i < at.count {
        let x = elements_from[at.from_start + i];
        elements_to[at.to_start + i] = select(0.0, x, passes(x));
    }
}

@compute @workgroup_size(256)
fn relu_backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = elements_at;
    let i = group_index(wid, nwg) * 256u + lane;
    if i < at.count && !passes(elements_from[at.from_start + i]) {
        elements_to[at.to_start + i] = 0.0;
    }
}
