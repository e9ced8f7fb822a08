// The product for drivers that compute on the CPU with subgroups of 8, one SIMD register: what costs most there is
// reading memory, element by element and lane by lane. A workgroup is one subgroup and makes 32 rows × 64 columns of C, a
// thread 8 of the columns. Of A each thread reads four rows, which the others get from its register; of B, its own
// columns. Four steps along k are made at a time, each read being a vec4. The host sees to it that k, where the operands
// start and the lengths of their rows are multiples of 4. Rows and columns past the end repeat others and are not stored.
override TRANSPOSE_A: bool = false;
override TRANSPOSE_B: bool = false;

const TILE_ROWS: u32 = 32u;
const TILE_COLS: u32 = 64u;

// 8 columns of a row.
struct Cols {
    left: vec4<f32>,
    right: vec4<f32>,
}

// Four steps along k: of 8 columns of op(B).
struct Steps {
    l0: Cols,
    l1: Cols,
    l2: Cols,
    l3: Cols,
}

// op(A)[row..row + 4, l..l + 4], a vec4 a row.
fn read_a(row: u32, l: u32) -> mat4x4<f32> {
    if (TRANSPOSE_A) {
        let at = (params.a_start + min(row, params.m - 4u) + l * params.a_col) / 4u;
        let next = params.a_col / 4u;
        return transpose(mat4x4<f32>(four_a(at), four_a(at + next), four_a(at + 2u * next), four_a(at + 3u * next)));
    }
    let rows = min(vec4<u32>(row) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.m - 1u));
    let at = (params.a_start + rows * params.a_row + l) / 4u;
    return mat4x4<f32>(four_a(at.x), four_a(at.y), four_a(at.z), four_a(at.w));
}

// op(B)[l..l + 4, col..col + 4], a vec4 a step.
fn read_b(l: u32, col: u32) -> mat4x4<f32> {
    if (TRANSPOSE_B) {
        let cols = min(vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u), vec4<u32>(params.n - 1u));
        let at = (params.b_start + cols * params.b_col + l) / 4u;
        return transpose(mat4x4<f32>(four_b(at.x), four_b(at.y), four_b(at.z), four_b(at.w)));
    }
    let at = (params.b_start + l * params.b_row + min(col, params.n - 4u)) / 4u;
    let next = params.b_row / 4u;
    return mat4x4<f32>(four_b(at), four_b(at + next), four_b(at + 2u * next), four_b(at + 3u * next));
}

fn read_steps(l: u32, col: u32) -> Steps {
    let left = read_b(l, col);
    let right = read_b(l, col + 4u);
    return Steps(
        Cols(left[0], right[0]),
        Cols(left[1], right[1]),
        Cols(left[2], right[2]),
        Cols(left[3], right[3]),
    );
}

// sum + four steps of a row of op(A) times those of op(B).
fn add(sum: Cols, x: vec4<f32>, y: Steps) -> Cols {
    return Cols(
        fma(x.wwww, y.l3.left, fma(x.zzzz, y.l2.left, fma(x.yyyy, y.l1.left, fma(x.xxxx, y.l0.left, sum.left)))),
        fma(x.wwww, y.l3.right, fma(x.zzzz, y.l2.right, fma(x.yyyy, y.l1.right, fma(x.xxxx, y.l0.right, sum.right)))),
    );
}

fn store_cols(row: u32, col: u32, sum: Cols) {
    store(row, col, sum.left);
    store(row, col + 4u, sum.right);
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let origin = tile_origin(group_index(wid, nwg), TILE_ROWS, TILE_COLS);
    if (origin.x >= params.m || origin.y >= params.n) {
        return;
    }
    let row = origin.x;
    let col = origin.y + lane * 8u;
    var r0: Cols;
    var r1: Cols;
    var r2: Cols;
    var r3: Cols;
    var r4: Cols;
    var r5: Cols;
    var r6: Cols;
    var r7: Cols;
    var r8: Cols;
    var r9: Cols;
    var r10: Cols;
    var r11: Cols;
    var r12: Cols;
    var r13: Cols;
    var r14: Cols;
    var r15: Cols;
    var r16: Cols;
    var r17: Cols;
    var r18: Cols;
    var r19: Cols;
    var r20: Cols;
    var r21: Cols;
    var r22: Cols;
    var r23: Cols;
    var r24: Cols;
    var r25: Cols;
    var r26: Cols;
    var r27: Cols;
    var r28: Cols;
    var r29: Cols;
    var r30: Cols;
    var r31: Cols;
    for (var l = 0u; l < params.k; l += 4u) {
        let x = read_a(row + lane * 4u, l);
        let y = read_steps(l, col);
        r0 = add(r0, subgroupBroadcast(x[0], 0u), y);
        r1 = add(r1, subgroupBroadcast(x[1], 0u), y);
        r2 = add(r2, subgroupBroadcast(x[2], 0u), y);
        r3 = add(r3, subgroupBroadcast(x[3], 0u), y);
        r4 = add(r4, subgroupBroadcast(x[0], 1u), y);
        r5 = add(r5, subgroupBroadcast(x[1], 1u), y);
        r6 = add(r6, subgroupBroadcast(x[2], 1u), y);
        r7 = add(r7, subgroupBroadcast(x[3], 1u), y);
        r8 = add(r8, subgroupBroadcast(x[0], 2u), y);
        r9 = add(r9, subgroupBroadcast(x[1], 2u), y);
        r10 = add(r10, subgroupBroadcast(x[2], 2u), y);
        r11 = add(r11, subgroupBroadcast(x[3], 2u), y);
        r12 = add(r12, subgroupBroadcast(x[0], 3u), y);
        r13 = add(r13, subgroupBroadcast(x[1], 3u), y);
        r14 = add(r14, subgroupBroadcast(x[2], 3u), y);
        r15 = add(r15, subgroupBroadcast(x[3], 3u), y);
        r16 = add(r16, subgroupBroadcast(x[0], 4u), y);
        r17 = add(r17, subgroupBroadcast(x[1], 4u), y);
        r18 = add(r18, subgroupBroadcast(x[2], 4u), y);
        r19 = add(r19, subgroupBroadcast(x[3], 4u), y);
        r20 = add(r20, subgroupBroadcast(x[0], 5u), y);
        r21 = add(r21, subgroupBroadcast(x[1], 5u), y);
        r22 = add(r22, subgroupBroadcast(x[2], 5u), y);
        r23 = add(r23, subgroupBroadcast(x[3], 5u), y);
        r24 = add(r24, subgroupBroadcast(x[0], 6u), y);
        r25 = add(r25, subgroupBroadcast(x[1], 6u), y);
        r26 = add(r26, subgroupBroadcast(x[2], 6u), y);
        r27 = add(r27, subgroupBroadcast(x[3], 6u), y);
        r28 = add(r28, subgroupBroadcast(x[0], 7u), y);
        r29 = add(r29, subgroupBroadcast(x[1], 7u), y);
        r30 = add(r30, subgroupBroadcast(x[2], 7u), y);
        r31 = add(r31, subgroupBroadcast(x[3], 7u), y);
    }
    store_cols(row + 0u, col, r0);
    store_cols(row + 1u, col, r1);
    store_cols(row + 2u, col, r2);
    store_cols(row + 3u, col, r3);
    store_cols(row + 4u, col, r4);
    store_cols(row + 5u, col, r5);
    store_cols(row + 6u, col, r6);
    store_cols(row + 7u, col, r7);
    store_cols(row + 8u, col, r8);
    store_cols(row + 9u, col, r9);
    store_cols(row + 10u, col, r10);
    store_cols(row + 11u, col, r11);
    store_cols(row + 12u, col, r12);
    store_cols(row + 13u, col, r13);
    store_cols(row + 14u, col, r14);
    store_cols(row + 15u, col, r15);
    store_cols(row + 16u, col, r16);
    store_cols(row + 17u, col, r17);
    store_cols(row + 18u, col, r18);
    store_cols(row + 19u, col, r19);
    store_cols(row + 20u, col, r20);
    store_cols(row + 21u, col, r21);
    store_cols(row + 22u, col, r22);
    store_cols(row + 23u, col, r23);
    store_cols(row + 24u, col, r24);
    store_cols(row + 25u, col, r25);
    store_cols(row + 26u, col, r26);
    store_cols(row + 27u, col, r27);
    store_cols(row + 28u, col, r28);
    store_cols(row + 29u, col, r29);
    store_cols(row + 30u, col, r30);
    store_cols(row + 31u, col, r31);
}
