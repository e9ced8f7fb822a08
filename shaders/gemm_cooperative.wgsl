// The product of halves, A Bᵀ, on a GPU's matrix units. A workgroup is four subgroups and makes 64 × 64 of C, each of them
// a quarter, from slabs of A and B in workgroup memory. The host sees to it that k, where the operands start and the lengths
// of their rows are multiples of 4, and that THREADS is four subgroups.
@group(0) @binding(1) var<storage, read> a: array<vec4<f16>>;  // A [m, k]
@group(0) @binding(2) var<storage, read> b: array<vec4<f16>>;  // B [n, k]

override THREADS: u32 = 128u;

const TILE: u32 = 64u;
const QUARTER: u32 = TILE / 2u;
// Matrices along a side of what a subgroup makes.
const ACROSS: u32 = QUARTER / SIDE;
// How deep a slab is.
const DEPTH: u32 = 16u;
// 16 bytes more than needed, so that rows begin in different banks and matrices where they may.
const STRIDE: u32 = DEPTH + 8u;
// Columns of C that leave at once: a matrix of each quarter.
const LEAVING: u32 = 2u * SIDE;

var<workgroup> slab_a: array<f16, 1536>; // [TILE, STRIDE]
var<workgroup> slab_b: array<f16, 1536>; // [TILE, STRIDE]
var<workgroup> leaving: array<f32, 2048>; // [TILE, LEAVING]: all of it where SIDE is 16

// Steps l..l + 4 of a row of A, or of the last one; zero past the end of k.
fn read_a(row: u32, l: u32) -> vec4<f16> {
    if (l >= params.k) {
        return vec4<f16>();
    }
    return a[(params.a_start + min(row, params.m - 1u) * params.a_row + l) / 4u];
}

// The same of B.
fn read_b(row: u32, l: u32) -> vec4<f16> {
    if (l >= params.k) {
        return vec4<f16>();
    }
    return b[(params.b_start + min(row, params.n - 1u) * params.b_col + l) / 4u];
}

// The slabs at l0, by all threads.
fn read_slabs(origin: vec2<u32>, l0: u32, thread: u32) {
    for (var quad = thread; quad < TILE * DEPTH / 4u; quad += THREADS) {
        let row = quad / (DEPTH / 4u);
        let l = quad % (DEPTH / 4u) * 4u;
        let x = read_a(origin.x + row, l0 + l);
        let y = read_b(origin.y + row, l0 + l);
        let at = row * STRIDE + l;
        for (var i = 0u; i < 4u; i++) {
            slab_a[at + i] = x[i];
            slab_b[at + i] = y[i];
        }
    }
}

// What is leaving, to C: matrices of column `column` of either half.
fn store_leaving(origin: vec2<u32>, column: u32, thread: u32) {
    for (var quad = thread; quad < TILE * LEAVING / 4u; quad += THREADS) {
        let row = quad / (LEAVING / 4u);
        let col = quad % (LEAVING / 4u) * 4u;
        let at = row * LEAVING + col;
        let sum = vec4<f32>(leaving[at], leaving[at + 1u], leaving[at + 2u], leaving[at + 3u]);
        store(origin.x + row, origin.y + col / SIDE * QUARTER + column * SIDE + col % SIDE, sum);
    }
}

@compute @workgroup_size(THREADS)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) thread: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    // A workgroup past the end goes through it all, and stores nothing: naga takes a return for one that part of the threads
    // might make.
    let origin = tile_origin(group_index(wid, nwg), TILE, TILE);
    let row = subgroup / 2u * QUARTER;
    let half = subgroup % 2u;
    var sums: array<array<MatrixC, ACROSS>, ACROSS>;
    for (var l0 = 0u; l0 < params.k; l0 += DEPTH) {
        workgroupBarrier();
        read_slabs(origin, l0, thread);
        workgroupBarrier();
        for (var l = 0u; l < DEPTH; l += SIDE) {
            var x: array<MatrixA, ACROSS>;
            for (var i = 0u; i < ACROSS; i++) {
                x[i] = coopLoadT<MatrixA>(&slab_a[(row + i * SIDE) * STRIDE + l], STRIDE);
            }
            for (var j = 0u; j < ACROSS; j++) {
                let y = coopLoad<MatrixB>(&slab_b[(half * QUARTER + j * SIDE) * STRIDE + l], STRIDE);
                for (var i = 0u; i < ACROSS; i++) {
                    sums[i][j] = coopMultiplyAdd(x[i], y, sums[i][j]);
                }
            }
        }
    }
    for (var j = 0u; j < ACROSS; j++) {
        workgroupBarrier();
        for (var i = 0u; i < ACROSS; i++) {
            coopStoreT(sums[i][j], &leaving[(row + i * SIDE) * LEAVING + half * SIDE], LEAVING);
        }
        workgroupBarrier();
        store_leaving(origin, j, thread);
    }
}
