// index[j], a count for each atom, becomes the sum of the counts before it, and index[concepts] that of all. One
// workgroup; each thread has a run of atoms, of which it reads four at a time, so that their reads need not wait for each
// other.
@group(0) @binding(1) var<storage, read_write> index: array<u32>; // [concepts + 1 + places]

var<workgroup> scan: array<u32, 256>; // [GROUP]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
    let run = (params.concepts + GROUP - 1u) / GROUP;
    let start = min(t * run, params.concepts);
    let end = min(start + run, params.concepts);
    var sum = 0u;
    for (var atom = start; atom < end; atom += 4u) {
        let four = counts(atom, end);
        sum += four.x + four.y + four.z + four.w;
    }
    scan[t] = sum;
    workgroupBarrier();
    for (var step = 1u; step < GROUP; step *= 2u) {
        var total = scan[t];
        if (t >= step) {
            total += scan[t - step];
        }
        workgroupBarrier();
        scan[t] = total;
        workgroupBarrier();
    }
    var before = scan[t] - sum;
    for (var atom = start; atom < end; atom += 4u) {
        var four = counts(atom, end);
        for (var i = 0u; i < 4u && atom + i < end; i++) {
            index[atom + i] = before;
            before += four[i];
        }
    }
    if (t == GROUP - 1u) {
        index[params.concepts] = before;
    }
}

// The counts of four atoms, zero from `end` on.
fn counts(atom: u32, end: u32) -> vec4<u32> {
    let atoms = vec4<u32>(atom) + vec4<u32>(0u, 1u, 2u, 3u);
    let inside = min(atoms, vec4<u32>(end - 1u));
    let found = vec4<u32>(index[inside.x], index[inside.y], index[inside.z], index[inside.w]);
    return select(vec4<u32>(0u), found, atoms < vec4<u32>(end));
}
