// Reductions over the LANES threads of a workgroup (a power of two, declared by the family), in the order of a tree.
// Every thread must call them; every thread gets the result.
var<workgroup> lane_sums: array<f32, LANES>;

fn sum_lanes(lane: u32, value: f32) -> f32 {
    // A result of an earlier call may still be read.
    workgroupBarrier();
    lane_sums[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if lane < half {
            lane_sums[lane] += lane_sums[lane + half];
        }
        workgroupBarrier();
    }
    return lane_sums[0];
}
