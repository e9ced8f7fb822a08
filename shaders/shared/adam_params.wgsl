// What `adam.wgsl` is told: of its own, of the projection and of the gradient.
struct Params {
    rows: u32,
    cols: u32,
    len: u32,
    param_start: u32,
    first_start: u32,
    second_start: u32,
    one_minus_beta1: f32,
    beta2: f32,
    one_minus_beta2: f32,
    eps: f32,
    step_size: f32,
    inv_sqrt_bias2: f32,
    decay: f32,
    bound: f32,
    grad_start: u32,
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

override LANES: u32 = 128u; // threads of a workgroup, which share a row
const GRAD: u32 = 5u; // the first binding of the gradient

