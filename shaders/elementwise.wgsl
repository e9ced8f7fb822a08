// Operations on each element for itself: a thread an element. Rows of one chunk of each operand.

struct Params {
    count: u32, // elements
    out_start: u32, // first element of each operand in its chunk
    a_start: u32,
    value: f32, // what `fill` writes, the momentum, the bandwidth
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> a: array<f32>; // of the shape of `out`
@group(0) @binding(3) var<storage, read> one: array<f32>; // a threshold or a multiplier [1, 1]

fn element(wid: vec3<u32>, nwg: vec3<u32>, lane: u32) -> u32 {
    return group_index(wid, nwg) * 256u + lane;
}

@compute @workgroup_size(256)
fn fill(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        out[params.out_start + i] = params.value;
    }
}

@compute @workgroup_size(256)
fn ln(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        out[params.out_start + i] = ln_exact(a[params.a_start + i]);
    }
}

// ln(x) to about one unit in the last place; the built-in one may be off by 2⁻²¹ near 1.
fn ln_exact(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    if bits < 0x00800000u || bits >= 0x7f800000u {
        if is_nan(x) {
            return x;
        }
        return log(x);
    }
    // x = 2ⁿ (1 + r), with 1 + r between √½ and √2.
    let shifted = bits - 0x3f3504f3u;
    let n = f32(bitcast<i32>(shifted) >> 23u);
    let r = bitcast<f32>((shifted & 0x007fffffu) + 0x3f3504f3u) - 1.0;
    // Cephes' logf: the minimax polynomial of ln(1 + r), and ln 2 in two parts.
    let low = 3.3333331174e-1 + r * (-2.4999993993e-1 + r * (2.0000714765e-1 + r * -1.6668057665e-1));
    let high = 1.4249322787e-1 + r * (-1.2420140846e-1 + r * (1.1676998740e-1 + r * (-1.1514610310e-1 + r * 7.0376836292e-2)));
    let s = r * r;
    let tail = r * s * (low + s * s * high) - n * 2.12194440e-4 - 0.5 * s;
    return (r + tail) + n * 0.693359375;
}

@compute @workgroup_size(256)
fn above(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        out[params.out_start + i] = jump_code(a[params.a_start + i], one[0]);
    }
}

@compute @workgroup_size(256)
fn running_threshold(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        let current = a[params.a_start + i];
        let running = out[params.out_start + i];
        let mixed = params.value * running + (1.0 - params.value) * current;
        out[params.out_start + i] = select(mixed, current, running < 0.0);
    }
}

@compute @workgroup_size(256)
fn keep_selected(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        // By the bits: a device may take the smallest numbers for zero.
        let selected = (bitcast<u32>(a[params.a_start + i]) & 0x7fffffffu) != 0u;
        out[params.out_start + i] = select(0.0, out[params.out_start + i], selected);
    }
}

@compute @workgroup_size(256)
fn scale_atoms(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        out[params.out_start + i] = a[params.a_start + i] * exp_exact(one[0]);
    }
}

// ∂loss/∂t becomes ∂loss/∂θ, for t = ln θ: · bandwidth / θ.
@compute @workgroup_size(256)
fn direct_thresholds(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = element(wid, nwg, lane);
    if i < params.count {
        let theta = a[params.a_start + i];
        let grad = out[params.out_start + i];
        // Where θ is 0 so is the gradient, and remains.
        out[params.out_start + i] = select(grad * params.value / theta, grad, theta == 0.0);
    }
}
