// The steps of Adam that rows of a parameter have missed while their atom did not fire, each with a gradient of zero and
// the projection after it; a workgroup a row.
struct Params {
    rows: u32,
    cols: u32,
    atom0: u32,       // the atom of row 0
    param_start: u32,
    first_start: u32,
    second_start: u32,
    now: u32,         // steps in all
    firing: u32,      // 1 for rows that have entries only
    one_minus_beta1: f32,
    beta2: f32,
    eps: f32,
    rest: f32,
    bound: f32,
    // The last of the steps, which only the next dispatch reads from `steps`.
    step_size: f32,
    inv_sqrt_bias2: f32,
    decay: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> param: array<f32>;   // [rows, cols]
@group(0) @binding(2) var<storage, read_write> first: array<f32>;   // [rows, cols]
@group(0) @binding(3) var<storage, read_write> second: array<f32>;  // [rows, cols]
@group(0) @binding(4) var<storage, read_write> done: array<u32>;    // [atoms]
@group(0) @binding(5) var<storage, read_write> steps: array<f32>;   // [now, 3]: the last is written
@group(0) @binding(6) var<storage, read> index: array<u32>;         // [atoms + 1 + entries], if some fire

override LANES: u32 = 128u; // threads a workgroup

var<workgroup> first_missed: u32;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let row = group_index(wid, nwg);
    if (row >= params.rows) {
        return;
    }
    let last = params.now - 1u;
    if (row == 0u && t == 0u && params.now > 0u) {
        steps[3u * last] = params.step_size;
        steps[3u * last + 1u] = params.inv_sqrt_bias2;
        steps[3u * last + 2u] = params.decay;
    }
    let atom = params.atom0 + row;
    if (params.firing == 1u && index[atom] == index[atom + 1u]) {
        return;
    }
    // A row has one number of steps, which a thread reads for all before one writes the next.
    if (t == 0u) {
        first_missed = done[atom];
    }
    let missed = workgroupUniformLoad(&first_missed);
    for (var i = missed; i < params.now; i++) {
        var term = 0.0;
        if (i == last) {
            term = coast(row, t, params.step_size, params.inv_sqrt_bias2, params.decay);
        } else {
            term = coast(row, t, steps[3u * i], steps[3u * i + 1u], steps[3u * i + 2u]);
        }
        if (PROJECTION != NONE) {
            let sum = sum_lanes(t, term);
            for (var col = t; col < params.cols; col += LANES) {
                let at = params.param_start + row * params.cols + col;
                param[at] = projected(param[at], sum);
            }
        }
    }
    if (t == 0u) {
        done[atom] = params.now + params.firing;
    }
}

// A step without a gradient of this thread's part of a row; what it adds to the sum that the projection needs.
fn coast(row: u32, t: u32, step_size: f32, inv_sqrt_bias2: f32, decay: f32) -> f32 {
    var term = 0.0;
    for (var col = t; col < params.cols; col += LANES) {
        let i = row * params.cols + col;
        let before = first[params.first_start + i];
        let m = before - params.one_minus_beta1 * before;
        let v = second[params.second_start + i] * params.beta2;
        let along = m / (sqrt(v) * inv_sqrt_bias2 + params.eps);
        first[params.first_start + i] = select(m, 0.0, abs(along) < params.rest);
        second[params.second_start + i] = v;
        let at = params.param_start + i;
        let value = param[at] * decay - step_size * along;
        param[at] = value;
        term += projection_term(value);
    }
    return term;
}
