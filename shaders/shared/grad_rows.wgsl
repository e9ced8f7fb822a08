// A gradient that is made where it is used: row j is Σ over the entries e of atom j of values[e] · source[row(e)].
// Of the batch only some rows are bound; entries of the others are left out.
// Of `params`: cols, atom0 (the atom of row 0), concepts, width, entries (places in all), batch_row0, batch_rows,
// values_start, source_start.
@group(0) @binding(GRAD) var<storage, read> index: array<u32>;        // [concepts + 1 + entries]
@group(0) @binding(GRAD + 1) var<storage, read> values: array<f32>;   // [batch_rows, width]
@group(0) @binding(GRAD + 2) var<storage, read> source: array<f32>;   // [batch_rows, cols]

fn has_entries(row: u32) -> bool {
    let atom = params.atom0 + row;
    return index[atom] < index[atom + 1u];
}

// Columns col, col + LANES, col + 2 LANES and col + 3 LANES of a row; unspecified past the end.
fn gradient(row: u32, col: u32) -> vec4<f32> {
    let atom = params.atom0 + row;
    let end = min(index[atom + 1u], params.entries);
    let cols = vec4<u32>(col) + vec4<u32>(0u, 1u, 2u, 3u) * LANES;
    let inside = params.source_start + min(cols, vec4<u32>(params.cols - 1u));
    let first = params.batch_row0 * params.width;
    var sum = vec4<f32>(0.0);
    var i = index[atom];
    // Four entries at a time, so that their reads need not wait for each other: an atom may fire in every row of a batch.
    // Software, which has few lanes, reads one element after the other in any case.
    if (LANES >= 64u) {
        for (; i + 3u < end; i += 4u) {
            let a = entry(i, first);
            let b = entry(i + 1u, first);
            let c = entry(i + 2u, first);
            let d = entry(i + 3u, first);
            sum += term(a, inside);
            sum += term(b, inside);
            sum += term(c, inside);
            sum += term(d, inside);
        }
    }
    for (; i < end; i++) {
        let place = index[params.concepts + 1u + i] - first; // wraps below the first place
        let batch_row = place / params.width;
        if (batch_row < params.batch_rows) {
            let at = batch_row * params.cols + inside;
            let value = values[params.values_start + place];
            sum += value * vec4<f32>(source[at.x], source[at.y], source[at.z], source[at.w]);
        }
    }
    return sum;
}

struct Entry {
    batch_row: u32, // from the first that is bound
    value: f32,     // 0 in the rows of others
}

// Without a branch, which would hold up the reads behind it.
fn entry(i: u32, first: u32) -> Entry {
    let place = index[params.concepts + 1u + i] - first;
    let batch_row = place / params.width;
    let bound = batch_row < params.batch_rows;
    let value = values[params.values_start + select(0u, place, bound)];
    return Entry(select(0u, batch_row, bound), select(0.0, value, bound));
}

fn term(e: Entry, columns: vec4<u32>) -> vec4<f32> {
    let at = e.batch_row * params.cols + columns;
    return e.value * vec4<f32>(source[at.x], source[at.y], source[at.z], source[at.w]);
}
