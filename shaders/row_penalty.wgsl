// A penalty on each row of the codes, and its gradient: a workgroup a row. B rows (of one chunk here).

const LANES = 64u;

// Which penalty, numbered as in `RowPenalty`.
override PENALTY: u32 = 0u;
const HOYER: u32 = 0u; // (√K − ‖z‖₁/(‖z‖₂ + 1e-6))/(√K − 1)
const KAPPA_4: u32 = 1u; // Σz⁴/((Σz²)² + 1e-6)
const EPS = 1e-6;

struct Params {
    rows: u32,
    width: u32,
    counted: u32, // whether only the first places of a row hold values, as many as `counts` says
    values_start: u32, // first element of each operand in its chunk
    counts_start: u32,
    grad_start: u32,
    partial_start: u32, // the first row's place among the partial sums
    factor: f32,
    root: f32, // √K
    scale: f32, // 1/(√K − 1), 0 for K = 1
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> values: array<f32>;         // [B, width]
@group(0) @binding(2) var<storage, read> counts: array<u32>;         // [B]; not read unless counted
@group(0) @binding(3) var<storage, read_write> grad: array<f32>;     // [B, width], added to
@group(0) @binding(4) var<storage, read_write> partials: array<f32>;  // [B], the penalties

@compute @workgroup_size(LANES)
fn row_penalty(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group_index(wid, nwg);
    if row >= params.rows {
        return;
    }
    var count = params.width;
    if params.counted != 0u {
        count = min(count, counts[params.counts_start + row]);
    }
    let start = params.values_start + row * params.width;
    let grad_start = params.grad_start + row * params.width;

    // Σz², and Σ|z| or Σz⁴.
    var even = 0.0;
    var other = 0.0;
    for (var i = lane; i < count; i += LANES) {
        let z = values[start + i];
        even += z * z;
        other += select(z * z * (z * z), abs(z), PENALTY == HOYER);
    }
    let squares = sum_lanes(lane, even);
    let sum = sum_lanes(lane, other);

    if PENALTY == HOYER {
        let norm = sqrt(squares);
        let ratio = sum / (norm + EPS);
        let slope = -params.factor * params.scale / (norm + EPS);
        for (var i = lane; i < count; i += LANES) {
            let z = values[start + i];
            // The norm's derivative z/‖z‖ is taken as 0 where the norm is.
            let direction = select(z / norm, 0.0, norm == 0.0);
            grad[grad_start + i] += slope * (sign(z) - ratio * direction);
        }
        if lane == 0u {
            partials[params.partial_start + row] = (params.root - ratio) * params.scale;
        }
    } else {
        let below = squares * squares + EPS;
        let ratio = sum / below;
        let slope = 4.0 * params.factor / below;
        for (var i = lane; i < count; i += LANES) {
            let z = values[start + i];
            grad[grad_start + i] += slope * (z * z - ratio * squares) * z;
        }
        if lane == 0u {
            partials[params.partial_start + row] = ratio;
        }
    }
}
