// The part of a row that a thread makes at a time: columns col, col + LANES, col + 2 LANES, … in fours, QUADS of them.
// Software, which has few lanes, makes longer parts: it reads lane by lane, and what the columns of a part share (where a
// row starts, what it is multiplied by) costs it as much as a column.
override QUADS: u32 = 1u; // at most MOST_QUADS
const MOST_QUADS: u32 = 4u;

alias Part = array<vec4<f32>, MOST_QUADS>;
alias Places = array<vec4<u32>, MOST_QUADS>;

// Where the part from `col` on stands in a row of `cols`; what is past the end repeats the last column.
fn places(col: u32, cols: u32) -> Places {
    var at: Places;
    for (var q = 0u; q < QUADS; q++) {
        let quad = vec4<u32>(4u * q) + vec4<u32>(0u, 1u, 2u, 3u);
        at[q] = min(vec4<u32>(col) + quad * LANES, vec4<u32>(cols - 1u));
    }
    return at;
}
