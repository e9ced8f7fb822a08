// Jump over sparse codes. B rows (of one chunk here), K concepts, width = K places a row.

const LANES = 64u;

// ---- codes: a workgroup a row, 2 048 concepts at a time ----
struct Select {
    rows: u32,
    concepts: u32,
    pre_start: u32, // first element of each operand in its chunk
    indices_start: u32,
    values_start: u32,
    counts_start: u32,
    reach: f32,
}
@group(0) @binding(0) var<uniform> select_at: Select;
@group(0) @binding(1) var<storage, read> select_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> select_theta: array<f32>; // [K]
@group(0) @binding(3) var<storage, read_write> select_indices: array<u32>; // [B, width]
@group(0) @binding(4) var<storage, read_write> select_values: array<f32>; // [B, width]
@group(0) @binding(5) var<storage, read_write> select_counts: array<u32>; // [B]

const WORDS = 64u;
var<workgroup> select_words: array<atomic<u32>, WORDS>; // one bit an atom of the tile: whether it is listed
var<workgroup> select_before: array<u32, WORDS + 1u>; // bits set before each word

// Whether the entry is active, or so near the threshold that κ counts. NaN is listed, to be seen in the loss.
fn listed(pre: f32, theta: f32) -> bool {
    let code = jump_code(pre, theta);
    return code > 0.0 || is_nan(code) || abs(max(pre, 0.0) - theta) <= select_at.reach;
}

@compute @workgroup_size(256)
fn select_entries(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = select_at;
    let row = group_index(wid, nwg);
    if row >= at.rows {
        return;
    }
    let pre_row = at.pre_start + row * at.concepts;
    let places = row * at.concepts;
    let bit = lane % 32u;
    var found = 0u;
    for (var tile = 0u; tile < at.concepts; tile += WORDS * 32u) {
        if lane < WORDS {
            atomicStore(&select_words[lane], 0u);
        }
        workgroupBarrier();
        for (var i = lane; i < WORDS * 32u; i += 256u) {
            let atom = tile + i;
            if atom < at.concepts && listed(select_pre[pre_row + atom], select_theta[atom]) {
                atomicOr(&select_words[i / 32u], 1u << bit);
            }
        }
        workgroupBarrier();
        if lane <= WORDS {
            var before = 0u;
            for (var word = 0u; word < lane; word++) {
                before += countOneBits(atomicLoad(&select_words[word]));
            }
            select_before[lane] = before;
        }
        workgroupBarrier();
        for (var i = lane; i < WORDS * 32u; i += 256u) {
            let word = atomicLoad(&select_words[i / 32u]);
            if ((word >> bit) & 1u) != 0u {
                let atom = tile + i;
                let below = countOneBits(word & ((1u << bit) - 1u));
                let place = places + found + select_before[i / 32u] + below;
                select_indices[at.indices_start + place] = atom;
                select_values[at.values_start + place] =
                    jump_code(select_pre[pre_row + atom], select_theta[atom]);
            }
        }
        found += select_before[WORDS];
        workgroupBarrier();
    }
    if lane == 0u {
        select_counts[at.counts_start + row] = found;
    }
}

// ---- gradients: a workgroup an atom ----
struct Backward {
    concepts: u32,
    width: u32,
    row0: u32, // the rows of the batch that stand in this chunk of pre
    rows: u32,
    pre_start: u32,
    accumulate: u32, // whether earlier chunks came before
    bandwidth: f32,
}
@group(0) @binding(0) var<uniform> backward_at: Backward;
@group(0) @binding(1) var<storage, read> backward_pre: array<f32>; // [B, K]
@group(0) @binding(2) var<storage, read> backward_theta: array<f32>; // [K]
@group(0) @binding(3) var<storage, read> backward_index: array<u32>; // [K + 1 + B·width], see ByAtom
@group(0) @binding(4) var<storage, read_write> backward_grad: array<f32>; // [B, width], ∂loss/∂z, then ∂loss/∂pre
@group(0) @binding(5) var<storage, read_write> backward_out: array<f32>; // [K], ∂loss/∂t

@compute @workgroup_size(LANES)
fn backward(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = backward_at;
    let atom = group_index(wid, nwg);
    if atom >= at.concepts {
        return;
    }
    let bound = backward_theta[atom];
    let entries = at.concepts + 1u;
    let end = backward_index[atom + 1u];
    var sum = 0.0;
    for (var i = backward_index[atom] + lane; i < end; i += LANES) {
        let entry = backward_index[entries + i];
        let row = entry / at.width - at.row0;
        // Rows before this chunk wrap around to large numbers.
        if row < at.rows {
            let pre = backward_pre[at.pre_start + row * at.concepts + atom];
            let g = backward_grad[entry];
            sum += kappa(max(pre, 0.0) - bound, at.bandwidth) * g;
            backward_grad[entry] = select(0.0, g, jump_passes(pre, bound));
        }
    }
    let total = sum_lanes(lane, sum);
    if lane == 0u {
        let before = select(0.0, backward_out[atom], at.accumulate != 0u);
        backward_out[atom] = before + (total * -(bound / at.bandwidth)) * bound;
    }
}
