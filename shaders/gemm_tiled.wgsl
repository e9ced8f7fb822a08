// The product for real GPUs, in tiles: each thread reads four numbers of either slab.

// A is stored [k, m]; B is stored [n, k]: only the order in which threads read them depends on it.
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;
// Whether four numbers that stand together are read as one vec4: the host sees to it that m or n, where the operand starts and
// the length of its rows are multiples of 4.
override FOURS_A: bool = false;
override FOURS_B: bool = false;

// op(A)[row..row + 4, l], zero outside.
fn load_a(row: u32, l: u32) -> vec4<f32> {
    var value = vec4<f32>(0.0);
    if (l < params.k && row < params.m) {
        let at = params.a_start + row * params.a_row + l * params.a_col;
        if (FOURS_A) {
            return four_a(at / 4u);
        }
        value.x = one_a(at);
        if (row + 1u < params.m) { value.y = one_a(at + params.a_row); }
        if (row + 2u < params.m) { value.z = one_a(at + 2u * params.a_row); }
        if (row + 3u < params.m) { value.w = one_a(at + 3u * params.a_row); }
    }
    return value;
}

// op(B)[l, col..col + 4], zero outside.
fn load_b(l: u32, col: u32) -> vec4<f32> {
    var value = vec4<f32>(0.0);
    if (l < params.k && col < params.n) {
        let at = params.b_start + l * params.b_row + col * params.b_col;
        if (FOURS_B) {
            return four_b(at / 4u);
        }
        value.x = one_b(at);
        if (col + 1u < params.n) { value.y = one_b(at + params.b_col); }
        if (col + 2u < params.n) { value.z = one_b(at + 2u * params.b_col); }
        if (col + 3u < params.n) { value.w = one_b(at + 3u * params.b_col); }
    }
    return value;
}

fn one_a(at: u32) -> f32 {
    return a[at / 4u][at % 4u];
}

fn one_b(at: u32) -> f32 {
    return b[at / 4u][at % 4u];
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let origin = tile_origin(group_index(wid, nwg), TILE, TILE);
    if (origin.x >= params.m || origin.y >= params.n) {
        return;
    }
    // (quad, depth) of what this thread reads: neighbours read neighbouring addresses.
    let along_quads = vec2<u32>(t % QUADS, t / QUADS);
    let along_depth = vec2<u32>(t / DEPTH, t % DEPTH);
    let from_a = select(along_depth, along_quads, TRANSPOSE_A);
    let from_b = select(along_quads, along_depth, TRANSPOSE_B);
    let row = t / 16u;
    let col = t % 16u;

    var sums: Blocks;
    var next_a = load_a(origin.x + 4u * from_a.x, from_a.y);
    var next_b = load_b(from_b.y, origin.y + 4u * from_b.x);
    for (var l0 = 0u; l0 < params.k; l0 += DEPTH) {
        workgroupBarrier();
        slab_a[from_a.y * STRIDE + from_a.x] = next_a;
        slab_b[from_b.y * STRIDE + from_b.x] = next_b;
        workgroupBarrier();
        // The next slab is on its way while this one is multiplied.
        next_a = load_a(origin.x + 4u * from_a.x, l0 + DEPTH + from_a.y);
        next_b = load_b(l0 + DEPTH + from_b.y, origin.y + 4u * from_b.x);
        multiply_slabs(&sums, row, col);
    }

    store_blocks(origin.x + 4u * row, origin.y + 4u * col, sums);
}
