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
