// Writes every entry to its place: the offset of its atom, and the number of the atom's entries in rows before.
@group(0) @binding(1) var<storage, read> indices: array<u32>;      // [rows, width]
@group(0) @binding(2) var<storage, read> counts: array<u32>;       // [rows, 1]
@group(0) @binding(3) var<storage, read> bits: array<u32>;         // [atoms, stride]
@group(0) @binding(4) var<storage, read_write> index: array<u32>;  // [concepts + 1 + places]

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let i = group_index(wid, nwg) * GROUP + t;
    if (i >= params.rows * params.width) {
        return;
    }
    let row = i / params.width;
    if (i % params.width >= counts[params.counts_start + row]) {
        return;
    }
    let atom = indices[params.indices_start + i] - params.atom0; // wraps below atom0
    if (atom >= params.atoms) {
        return;
    }
    let batch_row = params.row0 + row;
    let first = atom * params.stride;
    var rank = 0u;
    for (var word = 0u; word < batch_row / 32u; word++) {
        rank += countOneBits(bits[first + word]);
    }
    let below = (1u << (batch_row % 32u)) - 1u;
    rank += countOneBits(bits[first + batch_row / 32u] & below);
    let at = params.concepts + 1u + index[params.atom0 + atom] + rank;
    index[at] = params.row0 * params.width + i;
}
