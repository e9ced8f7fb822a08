// The entries of the codes by atom: what its four kernels are told. Of the bits only the rows of some atoms are
// bound, and of the codes some rows of the batch.
struct Params {
    // The atoms that are bound: atom0 .. atom0 + atoms, of `concepts`.
    atom0: u32,
    atoms: u32,
    concepts: u32,
    // Words of one atom's bits, and how many of them the batch uses.
    stride: u32,
    words: u32,
    // The rows of the batch that are bound: row0 .. row0 + rows.
    row0: u32,
    rows: u32,
    width: u32,
    indices_start: u32,
    counts_start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

const GROUP: u32 = 256u;

