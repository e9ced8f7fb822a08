// The sum of f(v) over some values, and its gradient. `fn f(v: f32) -> vec2<f32>`, the value and the derivative, is
// written after this for each expression. B rows (of one chunk here).

const LANES = 256u;
const BLOCK = 4096u; // elements a workgroup

struct Params {
    count: u32, // elements
    width: u32,
    counted: u32, // whether only the first places of a row hold values, as many as `counts` says
    values_start: u32, // first element of each operand in its chunk
    counts_start: u32,
    grad_start: u32,
    partial_start: u32, // the first workgroup's place among the partial sums
    factor: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;         // [B, width]
@group(0) @binding(2) var<storage, read> counts: array<u32>;         // [B]; not read unless counted
@group(0) @binding(3) var<storage, read_write> grad: array<f32>;     // [B, width], added to
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;  // [groups], Σ f

@compute @workgroup_size(LANES)
fn pointwise(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let group = group_index(wid, nwg);
    let first = group * BLOCK;
    if first >= params.count {
        return;
    }
    let last = min(first + BLOCK, params.count);
    var sum = 0.0;
    for (var i = first + lane; i < last; i += LANES) {
        if params.counted != 0u {
            let row = i / params.width;
            if i - row * params.width >= counts[params.counts_start + row] {
                continue;
            }
        }
        let dual = f(values[params.values_start + i]);
        sum += dual.x;
        grad[params.grad_start + i] += params.factor * dual.y;
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        partials[params.partial_start + group] = total;
    }
}
