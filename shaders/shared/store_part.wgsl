// out[start + col] (+)= a part of a row of `cols` columns, from `col0` on, as far as it lies within it. Of `params`:
// accumulate.
fn store_part(start: u32, col0: u32, cols: u32, made: Part) {
    var part = made;
    for (var j = 0u; j < 4u * QUADS; j++) {
        let col = col0 + j * LANES;
        if (col < cols) {
            let value = part[j / 4u][j % 4u];
            if (params.accumulate != 0u) {
                out[start + col] += value;
            } else {
                out[start + col] = value;
            }
        }
    }
}
