// A penalty on the number of active codes, through the thresholds. B rows (of one chunk here), K concepts.

// ---- Σ_b κ(a − θ): a workgroup takes 64 concepts and `slab` rows, four rows at a time ----
struct Kappas {
    rows: u32,
    concepts: u32,
    pre_start: u32, // first element in the chunk
    slab: u32,
    bandwidth: f32,
}
@group(0) @binding(0) var<uniform> kappas_at: Kappas;
@group(0) @binding(1) var<storage, read> kappas_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> kappas_theta: array<f32>; // [K]
@group(0) @binding(3) var<storage, read_write> kappas_partial: array<f32>; // [⌈B/slab⌉, K]

var<workgroup> kappas_lanes: array<f32, 256>;

@compute @workgroup_size(64, 4)
fn kappas(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = kappas_at;
    let tiles = (at.concepts + 63u) / 64u;
    let group = group_index(wid, nwg);
    let atom = (group % tiles) * 64u + local.x;
    let slab = group / tiles;
    let first = slab * at.slab;
    let last = min(first + at.slab, at.rows);
    let inside = atom < at.concepts && first < at.rows;
    var sum = 0.0;
    if inside {
        let bound = kappas_theta[atom];
        for (var row = first + local.y; row < last; row += 4u) {
            let pre = kappas_pre[at.pre_start + row * at.concepts + atom];
            sum += kappa(max(pre, 0.0) - bound, at.bandwidth);
        }
    }
    kappas_lanes[local.y * 64u + local.x] = sum;
    workgroupBarrier();
    if inside && local.y == 0u {
        kappas_partial[slab * at.concepts + atom] = (kappas_lanes[local.x] + kappas_lanes[local.x + 64u])
            + (kappas_lanes[local.x + 128u] + kappas_lanes[local.x + 192u]);
    }
}

// ---- the value, and the gradient of each threshold: a thread a concept ----
struct Gradient {
    concepts: u32,
    active_at: u32, // places in the log
    cell_at: u32,
    rows: f32, // B
    factor: f32,
    target_l0: f32,
}
@group(0) @binding(0) var<uniform> gradient_at: Gradient;
@group(0) @binding(1) var<storage, read> gradient_theta: array<f32>; // [K]
@group(0) @binding(2) var<storage, read> gradient_kappas: array<f32>; // [K], Σ_b κ
@group(0) @binding(3) var<storage, read_write> gradient_log: array<f32>; // [steps, log::WIDTH]
@group(0) @binding(4) var<storage, read_write> gradient_out: array<f32>; // [K], added to

@compute @workgroup_size(64)
fn l0_gradient(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = gradient_at;
    let atom = group_index(wid, nwg) * 64u + lane;
    if atom >= at.concepts {
        return;
    }
    let excess = gradient_log[at.active_at] / at.rows / at.target_l0 - 1.0;
    let slope = -2.0 * at.factor * excess / at.target_l0 / at.rows;
    gradient_out[atom] += slope * gradient_theta[atom] * gradient_kappas[atom];
    // Another place of the log than what all threads read.
    if atom == 0u {
        gradient_log[at.cell_at] = at.factor * excess * excess;
    }
}
