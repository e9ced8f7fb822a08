// What `spmm_t.wgsl` is told: of its own and of the gradient.
struct Params {
    rows: u32,
    cols: u32,
    out_start: u32,
    accumulate: u32,
    atom0: u32,
    concepts: u32,
    width: u32,
    entries: u32,
    batch_row0: u32,
    batch_rows: u32,
    values_start: u32,
    source_start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;

override LANES: u32 = 128u; // threads a workgroup
const GRAD: u32 = 2u; // the first binding of the gradient

