// index[atom] = how many entries each atom has; a thread an atom. The first kernel clears the bits of the batch.
@group(0) @binding(1) var<storage, read_write> bits: array<u32>;   // [atoms, stride]
@group(0) @binding(2) var<storage, read_write> index: array<u32>;  // [concepts + 1 + places]

@compute @workgroup_size(256)
fn clear(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let i = group_index(wid, nwg) * GROUP + t;
    if (i < params.atoms * params.words) {
        bits[i / params.words * params.stride + i % params.words] = 0u;
    }
}

@compute @workgroup_size(256)
fn count(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let atom = group_index(wid, nwg) * GROUP + t;
    if (atom >= params.atoms) {
        return;
    }
    var sum = 0u;
    for (var i = 0u; i < params.words; i++) {
        sum += countOneBits(bits[atom * params.stride + i]);
    }
    index[params.atom0 + atom] = sum;
}
