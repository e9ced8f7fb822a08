// A product in tiles of workgroup memory: 16 × 16 threads make a TILE × TILE tile of C from slabs of A and B; a thread makes
// 4 × 4 of it (TILE 64) or four such blocks, 64 rows and columns apart (TILE 128).
override TILE: u32 = 64u;
// How deep a slab is.
override DEPTH: u32 = 1024u / TILE;
override QUADS: u32 = TILE / 4u;
// One more than needed, so that what neighbours in k write falls into different banks.
override STRIDE: u32 = QUADS + 1u;

var<workgroup> slab_a: array<vec4<f32>, 272>; // [DEPTH, STRIDE] of 4 rows each: 264 or 272
var<workgroup> slab_b: array<vec4<f32>, 272>; // [DEPTH, STRIDE] of 4 columns each

struct Block {
    r0: vec4<f32>,
    r1: vec4<f32>,
    r2: vec4<f32>,
    r3: vec4<f32>,
}

fn add_outer(block: Block, x: vec4<f32>, y: vec4<f32>) -> Block {
    return Block(
        fma(vec4<f32>(x.x), y, block.r0),
        fma(vec4<f32>(x.y), y, block.r1),
        fma(vec4<f32>(x.z), y, block.r2),
        fma(vec4<f32>(x.w), y, block.r3),
    );
}

fn store_block(row: u32, col: u32, block: Block) {
    store(row, col, block.r0);
    store(row + 1u, col, block.r1);
    store(row + 2u, col, block.r2);
    store(row + 3u, col, block.r3);
}

// What a thread makes of C, in rows and columns of blocks: of a tile of 64 only the first.
struct Blocks {
    b00: Block,
    b01: Block,
    b10: Block,
    b11: Block,
}

// Adds the product of the slabs, of which this thread takes quad `row` of A and quad `col` of B.
fn multiply_slabs(sums: ptr<function, Blocks>, row: u32, col: u32) {
    for (var l = 0u; l < DEPTH; l++) {
        let x0 = slab_a[l * STRIDE + row];
        let y0 = slab_b[l * STRIDE + col];
        (*sums).b00 = add_outer((*sums).b00, x0, y0);
        if (TILE == 128u) {
            let x1 = slab_a[l * STRIDE + row + 16u];
            let y1 = slab_b[l * STRIDE + col + 16u];
            (*sums).b01 = add_outer((*sums).b01, x0, y1);
            (*sums).b10 = add_outer((*sums).b10, x1, y0);
            (*sums).b11 = add_outer((*sums).b11, x1, y1);
        }
    }
}

fn store_blocks(row: u32, col: u32, sums: Blocks) {
    store_block(row, col, sums.b00);
    if (TILE == 128u) {
        store_block(row, col + 64u, sums.b01);
        store_block(row + 64u, col, sums.b10);
        store_block(row + 64u, col + 64u, sums.b11);
    }
}
