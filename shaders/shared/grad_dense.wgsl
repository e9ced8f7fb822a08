// A gradient that is stored. Of `params`: cols, len (elements in all), grad_start.
@group(0) @binding(GRAD) var<storage, read> grad: array<f32>; // [rows, cols]

// The part of a row from `col` on; unspecified past the end.
fn gradient(row: u32, col: u32) -> Part {
    let start = row * params.cols;
    var at = places(col, params.len - start); // the last row may be shorter
    var part: Part;
    for (var q = 0u; q < QUADS; q++) {
        let i = params.grad_start + start + at[q];
        part[q] = vec4<f32>(grad[i.x], grad[i.y], grad[i.z], grad[i.w]);
    }
    return part;
}

// What is stored counts as if it had some.
fn has_entries(row: u32) -> bool {
    return true;
}
