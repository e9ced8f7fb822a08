// The product for drivers that compute on the CPU: no workgroup memory and no barriers, which cost most there, but a
// large tile in each thread's registers. A workgroup is one row of 8 threads (one SIMD register) and makes
// 16 rows × 128 columns of C, a thread 16 of the columns; rows and columns past the end repeat the last one and are
// not stored. Rows are written out one by one: such drivers keep an array that a loop indexes in memory.
@group(0) @binding(1) var<storage, read> a: array<f32>;        // op(A) [m, k], stored [m, k] or [k, m]
@group(0) @binding(2) var<storage, read> b: array<f32>;        // op(B) [k, n], stored [k, n] or [n, k]

const TILE_ROWS: u32 = 16u;
const TILE_COLS: u32 = 128u;

// 16 columns of a row.
struct Cols {
    c0: vec4<f32>,
    c1: vec4<f32>,
    c2: vec4<f32>,
    c3: vec4<f32>,
}

// Where element (row, 0) of op(A) stands.
fn row_start(row: u32) -> u32 {
    return params.a_start + min(row, params.m - 1u) * params.a_row;
}

// Where elements (0, col..col + 4) of op(B) stand.
fn col_starts(col: u32) -> vec4<u32> {
    let cols = vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u);
    return params.b_start + min(cols, vec4<u32>(params.n - 1u)) * params.b_col;
}

fn load(at: vec4<u32>) -> vec4<f32> {
    return vec4<f32>(b[at.x], b[at.y], b[at.z], b[at.w]);
}

fn add(sum: Cols, x: f32, y: Cols) -> Cols {
    return Cols(sum.c0 + x * y.c0, sum.c1 + x * y.c1, sum.c2 + x * y.c2, sum.c3 + x * y.c3);
}

fn store_cols(row: u32, col: u32, sum: Cols) {
    store(row, col, sum.c0);
    store(row, col + 4u, sum.c1);
    store(row, col + 8u, sum.c2);
    store(row, col + 12u, sum.c3);
}

@compute @workgroup_size(8)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) t: u32,
) {
    let origin = tile_origin(group_index(wid, nwg), TILE_ROWS, TILE_COLS);
    if (origin.x >= params.m || origin.y >= params.n) {
        return;
    }
    let row = origin.x;
    let col = origin.y + t * 16u;
    let y0 = col_starts(col);
    let y1 = col_starts(col + 4u);
    let y2 = col_starts(col + 8u);
    let y3 = col_starts(col + 12u);
    let x0 = row_start(row + 0u);
    let x1 = row_start(row + 1u);
    let x2 = row_start(row + 2u);
    let x3 = row_start(row + 3u);
    let x4 = row_start(row + 4u);
    let x5 = row_start(row + 5u);
    let x6 = row_start(row + 6u);
    let x7 = row_start(row + 7u);
    let x8 = row_start(row + 8u);
    let x9 = row_start(row + 9u);
    let x10 = row_start(row + 10u);
    let x11 = row_start(row + 11u);
    let x12 = row_start(row + 12u);
    let x13 = row_start(row + 13u);
    let x14 = row_start(row + 14u);
    let x15 = row_start(row + 15u);

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
    for (var l = 0u; l < params.k; l++) {
        let along_a = l * params.a_col;
        let along_b = l * params.b_row;
        let y = Cols(load(y0 + along_b), load(y1 + along_b), load(y2 + along_b), load(y3 + along_b));
        r0 = add(r0, a[x0 + along_a], y);
        r1 = add(r1, a[x1 + along_a], y);
        r2 = add(r2, a[x2 + along_a], y);
        r3 = add(r3, a[x3 + along_a], y);
        r4 = add(r4, a[x4 + along_a], y);
        r5 = add(r5, a[x5 + along_a], y);
        r6 = add(r6, a[x6 + along_a], y);
        r7 = add(r7, a[x7 + along_a], y);
        r8 = add(r8, a[x8 + along_a], y);
        r9 = add(r9, a[x9 + along_a], y);
        r10 = add(r10, a[x10 + along_a], y);
        r11 = add(r11, a[x11 + along_a], y);
        r12 = add(r12, a[x12 + along_a], y);
        r13 = add(r13, a[x13 + along_a], y);
        r14 = add(r14, a[x14 + along_a], y);
        r15 = add(r15, a[x15 + along_a], y);
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
}
