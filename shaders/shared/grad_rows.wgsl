// A gradient that is made where it is used: row j is Σ over the entries e of atom j of values[e] · source[row(e)].
// Of the batch only some rows are bound; entries of the others add nothing (0 times the first row that is).
// Of `params`: cols, atom0 (the atom of row 0), concepts, width, entries (places in all), batch_row0, batch_rows,
// values_start, source_start.
@group(0) @binding(GRAD) var<storage, read> index: array<u32>;        // [concepts + 1 + entries]
@group(0) @binding(GRAD + 1) var<storage, read> values: array<f32>;   // [batch_rows, width]
@group(0) @binding(GRAD + 2) var<storage, read> source: array<f32>;   // [batch_rows, cols]

fn has_entries(row: u32) -> bool {
    let atom = params.atom0 + row;
    return index[atom] < index[atom + 1u];
}

// The part of a row from `col` on; unspecified past the end.
fn gradient(row: u32, col: u32) -> Part {
    let atom = params.atom0 + row;
    let end = min(index[atom + 1u], params.entries);
    let first = params.batch_row0 * params.width;
    var at = places(col, params.cols);
    var sum: Part;
    var i = index[atom];
    // Four entries at a time, so that their reads need not wait for each other: an atom may fire in every row of a batch.
    // Software, which has few lanes, reads one element after the other in any case.
    if (LANES >= 64u) {
        for (; i + 3u < end; i += 4u) {
            let a = entry(i, first);
            let b = entry(i + 1u, first);
            let c = entry(i + 2u, first);
            let d = entry(i + 3u, first);
            add(&sum, a, &at);
            add(&sum, b, &at);
            add(&sum, c, &at);
            add(&sum, d, &at);
        }
    }
    for (; i < end; i++) {
        add(&sum, entry(i, first), &at);
    }
    return sum;
}

struct Entry {
    batch_row: u32, // from the first that is bound
    value: f32,     // 0 in the rows of others
}

// Without a branch, which would hold up the reads behind it.
fn entry(i: u32, first: u32) -> Entry {
    let place = index[params.concepts + 1u + i] - first; // wraps below the first place
    let batch_row = place / params.width;
    let bound = batch_row < params.batch_rows;
    let value = values[params.values_start + select(0u, place, bound)];
    return Entry(select(0u, batch_row, bound), select(0.0, value, bound));
}

// sum += what an entry adds to the columns `at`.
fn add(sum: ptr<function, Part>, e: Entry, at: ptr<function, Places>) {
    let start = params.source_start + e.batch_row * params.cols;
    for (var q = 0u; q < QUADS; q++) {
        let i = start + (*at)[q];
        (*sum)[q] += e.value * vec4<f32>(source[i.x], source[i.y], source[i.z], source[i.w]);
    }
}
