// A matrix in float16, two numbers of a row in each u32, rows padded with zeros. By bits, so that every device rounds alike.
struct Params {
    cols: u32,
    // Numbers u32 in a row.
    pairs: u32,
    // Of all rows.
    count: u32,
    a_start: u32,
    out_start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

// The nearest float16, the even one on a tie; finite for every number that is.
fn half_bits(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let size = bits & 0x7fffffffu;
    let sign = (bits >> 16u) & 0x8000u;
    if is_nan(x) {
        return sign | 0x7e00u;
    }
    if size == 0x7f800000u {
        return sign | 0x7c00u;
    }
    if size >= 0x477fe000u {
        return sign | 0x7bffu;
    }
    if size < 0x38800000u {
        // Below 2⁻¹⁴ they are multiples of 2⁻²⁴.
        return sign | u32(round(bitcast<f32>(size) * 16777216.0));
    }
    let rounded = size + 0x0fffu + ((size >> 13u) & 1u);
    return sign | ((rounded >> 13u) - 0x1c000u);
}

fn half_at(row: u32, col: u32) -> u32 {
    if col >= params.cols {
        return 0u;
    }
    return half_bits(a[params.a_start + row * params.cols + col]);
}

@compute @workgroup_size(256)
fn main(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = group_index(wid, nwg) * 256u + lane;
    if i >= params.count {
        return;
    }
    let row = i / params.pairs;
    let col = 2u * (i % params.pairs);
    out[params.out_start + i] = half_at(row, col) | (half_at(row, col + 1u) << 16u);
}
