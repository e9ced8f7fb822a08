// The product of halves, A Bᵀ, for real GPUs: as gemm_tiled.wgsl, but for how the slabs are read. A thread takes a block of
// 4 rows × 4 steps along k, of A or of B, four halves at a time, and turns it; a quarter of the threads suffices for
// either. The host sees to it that k, where the operands start and the lengths of their rows are multiples of 4.

// Blocks along k of a slab.
override STEPS: u32 = DEPTH / 4u;

// Rows row..row + 4 of A at the steps l..l + 4, a vec4 of rows a step. Rows past the end repeat the last one, whose
// products are not stored; steps past the end are zero.
fn load_a(row: u32, l: u32) -> mat4x4<f32> {
    if (l >= params.k) {
        return mat4x4<f32>();
    }
    let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    let at = (params.a_start + rows * params.a_row + l) / 4u;
    return transpose(mat4x4<f32>(four_a(at.x), four_a(at.y), four_a(at.z), four_a(at.w)));
}

// The same of the columns of op(B), which are rows of B.
fn load_b(l: u32, col: u32) -> mat4x4<f32> {
    if (l >= params.k) {
        return mat4x4<f32>();
    }
    let cols = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
    let at = (params.b_start + cols * params.b_col + l) / 4u;
    return transpose(mat4x4<f32>(four_b(at.x), four_b(at.y), four_b(at.z), four_b(at.w)));
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
    // What this thread reads: of A the first 64 threads, of B the next; neighbours read neighbouring addresses.
    let reads_a = t < 64u;
    let reads_b = t >= 64u && t < 128u;
    let quad = (t % 64u) / STEPS;
    let depth = 4u * (t % STEPS);
    let row = t / 16u;
    let col = t % 16u;

    var sums: Blocks;
    var next: mat4x4<f32>;
    if (reads_a) {
        next = load_a(origin.x + 4u * quad, depth);
    } else if (reads_b) {
        next = load_b(depth, origin.y + 4u * quad);
    }
    for (var l0 = 0u; l0 < params.k; l0 += DEPTH) {
        workgroupBarrier();
        let at = depth * STRIDE + quad;
        if (reads_a) {
            slab_a[at] = next[0];
            slab_a[at + STRIDE] = next[1];
            slab_a[at + 2u * STRIDE] = next[2];
            slab_a[at + 3u * STRIDE] = next[3];
        } else if (reads_b) {
            slab_b[at] = next[0];
            slab_b[at + STRIDE] = next[1];
            slab_b[at + 2u * STRIDE] = next[2];
            slab_b[at + 3u * STRIDE] = next[3];
        }
        workgroupBarrier();
        // The next slab is on its way while this one is multiplied.
        let l1 = l0 + DEPTH + depth;
        if (reads_a) {
            next = load_a(origin.x + 4u * quad, l1);
        } else if (reads_b) {
            next = load_b(l1, origin.y + 4u * quad);
        }
        multiply_slabs(&sums, row, col);
    }

    store_blocks(origin.x + 4u * row, origin.y + 4u * col, sums);
}
