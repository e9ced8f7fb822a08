// index[j], a count for each atom, becomes the sum of the counts before it, and index[concepts] that of all. One
// workgroup; each thread has a run of atoms.
@group(0) @binding(1) var<storage, read_write> index: array<u32>; // [concepts + 1 + places]

var<workgroup> scan: array<u32, 256>; // [GROUP]

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) t: u32) {
    let run = (params.concepts + GROUP - 1u) / GROUP;
    let start = min(t * run, params.concepts);
    let end = min(start + run, params.concepts);
    var sum = 0u;
    for (var atom = start; atom < end; atom++) {
        sum += index[atom];
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
    for (var atom = start; atom < end; atom++) {
        let here = index[atom];
        index[atom] = before;
        before += here;
    }
    if (t == GROUP - 1u) {
        index[params.concepts] = before;
    }
}
