// C [m, n] (+)= op(A) [m, k] · op(B) [k, n] (+ bias): the operands, with strides in the place of transposes. A, B
// and C are declared by each kernel, as it reads and writes them.
struct Params {
    m: u32,
    n: u32,
    k: u32,
    // op(A)[i, l] = a[a_start + i * a_row + l * a_col]
    a_start: u32,
    a_row: u32,
    a_col: u32,
    // op(B)[l, j] = b[b_start + l * b_row + j * b_col]
    b_start: u32,
    b_row: u32,
    b_col: u32,
    // C[i, j] = c[c_start + i * c_row + j]
    c_start: u32,
    c_row: u32,
    bias_start: u32,
    accumulate: u32,
    has_bias: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> bias: array<f32>;     // [n]; not read without a bias

// Which tile of C a workgroup makes: (first row, first column). Neighbours share the operand with more rows, so
// that the other one is read once and stays in the cache.
fn tile_origin(group: u32, tile_m: u32, tile_n: u32) -> vec2<u32> {
    let tiles_m = (params.m + tile_m - 1u) / tile_m;
    let tiles_n = (params.n + tile_n - 1u) / tile_n;
    if (params.m <= params.n) {
        return vec2<u32>(group % tiles_m * tile_m, group / tiles_m * tile_n);
    }
    return vec2<u32>(group / tiles_n * tile_m, group % tiles_n * tile_n);
}

