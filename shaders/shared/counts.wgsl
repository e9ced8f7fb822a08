// As lanes.wgsl, for integers.
var<workgroup> lane_counts: array<u32, LANES>;

fn sum_counts(lane: u32, value: u32) -> u32 {
    workgroupBarrier();
    lane_counts[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if lane < half {
            lane_counts[lane] += lane_counts[lane + half];
        }
        workgroupBarrier();
    }
    return lane_counts[0];
}

fn max_counts(lane: u32, value: u32) -> u32 {
    workgroupBarrier();
    lane_counts[lane] = value;
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half >>= 1u) {
        if lane < half {
            lane_counts[lane] = max(lane_counts[lane], lane_counts[lane + half]);
        }
        workgroupBarrier();
    }
    return lane_counts[0];
}
