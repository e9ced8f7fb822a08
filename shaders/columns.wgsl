// Sums over the columns of batches: moments, and products with another batch. B rows (of one chunk here), n columns.

// Whether the sums are those of x − centre and of its square, or those of a and of a ∘ b.
override CENTRED: bool = false;

// ---- over slabs of rows: a workgroup takes 64 columns and `slab` rows, four rows at a time ----
struct Slabs {
    rows: u32,
    cols: u32,
    a_start: u32, // first element of each operand in its chunk
    b_start: u32,
    slab: u32,
    inv_rows: f32, // centred: 1 / rows of the whole batch
}
@group(0) @binding(0) var<uniform> slabs_at: Slabs;
@group(0) @binding(1) var<storage, read> slabs_a: array<f32>; // x or a [B, n]
@group(0) @binding(2) var<storage, read> slabs_b: array<f32>; // Σ x [n], or b [B, n]
@group(0) @binding(3) var<storage, read_write> slabs_sums: array<f32>; // [⌈B/slab⌉, n]
@group(0) @binding(4) var<storage, read_write> slabs_dots: array<f32>; // [⌈B/slab⌉, n]

var<workgroup> slabs_lanes: array<vec2<f32>, 256>;

@compute @workgroup_size(64, 4)
fn sums_and_dots(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_id) local: vec3<u32>,
) {
    let at = slabs_at;
    let tiles = (at.cols + 63u) / 64u;
    let group = group_index(wid, nwg);
    let col = (group % tiles) * 64u + local.x;
    let slab = group / tiles;
    let first = slab * at.slab;
    let last = min(first + at.slab, at.rows);
    let inside = col < at.cols && first < at.rows;
    var sums = vec2<f32>(0.0);
    if inside {
        var centre = 0.0;
        if CENTRED {
            centre = slabs_b[col] * at.inv_rows;
        }
        for (var row = first + local.y; row < last; row += 4u) {
            let a = slabs_a[at.a_start + row * at.cols + col] - centre;
            if CENTRED {
                sums += vec2<f32>(a, a * a);
            } else {
                sums += vec2<f32>(a, a * slabs_b[at.b_start + row * at.cols + col]);
            }
        }
    }
    slabs_lanes[local.y * 64u + local.x] = sums;
    workgroupBarrier();
    if inside && local.y == 0u {
        let total = (slabs_lanes[local.x] + slabs_lanes[local.x + 64u])
            + (slabs_lanes[local.x + 128u] + slabs_lanes[local.x + 192u]);
        slabs_sums[slab * at.cols + col] = total.x;
        slabs_dots[slab * at.cols + col] = total.y;
    }
}

// ---- the moments: a thread a column ----
struct Moments {
    cols: u32,
    inv_rows: f32,
}
@group(0) @binding(0) var<uniform> moments_at: Moments;
@group(0) @binding(1) var<storage, read> moments_deviations: array<f32>; // Σ (x − centre) [n]
@group(0) @binding(2) var<storage, read_write> moments_mean: array<f32>; // [n], Σ x before
@group(0) @binding(3) var<storage, read_write> moments_variance: array<f32>; // [n], Σ (x − centre)² before

@compute @workgroup_size(256)
fn moments(
    @builtin(workgroup_id) wid: vec3<u32>,
    @builtin(num_workgroups) nwg: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = moments_at;
    let col = group_index(wid, nwg) * 256u + lane;
    if col < at.cols {
        // What the sum was rounded by shows in the mean of the deviations, and is taken out again.
        let off = moments_deviations[col] * at.inv_rows;
        let variance = moments_variance[col] * at.inv_rows - off * off;
        moments_mean[col] = moments_mean[col] * at.inv_rows + off;
        moments_variance[col] = select(max(variance, 0.0), variance, is_nan(variance));
    }
}
