// Sets the bit (atom, row) of every entry; the bits are zero before.
@group(0) @binding(1) var<storage, read> indices: array<u32>;              // [rows, width]
@group(0) @binding(2) var<storage, read> counts: array<u32>;               // [rows, 1]
@group(0) @binding(3) var<storage, read_write> bits: array<atomic<u32>>;   // [atoms, stride]

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
    if (i % params.width < counts[params.counts_start + row]) {
        let atom = indices[params.indices_start + i] - params.atom0; // wraps below atom0
        if (atom < params.atoms) {
            let batch_row = params.row0 + row;
            atomicOr(&bits[atom * params.stride + batch_row / 32u], 1u << (batch_row % 32u));
        }
    }
}
