// What holds a parameter in its set, row by row. Of `params`: bound.
override PROJECTION: u32 = 0u;
const NONE: u32 = 0u;
const SIMPLEX: u32 = 1u;  // relu, then divide by (the sum + 1e-8)
const BALL: u32 = 2u;     // scale by min(1, bound / norm)
const UNIT_L2: u32 = 3u;  // divide by (the norm + 1e-8)
const UNIT_L1: u32 = 4u;  // divide by (the sum of sizes + 1e-8)
const AT_LEAST: u32 = 5u; // raise every element to `bound`

// What a value adds to the sum that the projection of its row needs.
fn projection_term(value: f32) -> f32 {
    if (PROJECTION == SIMPLEX) {
        return max(value, 0.0);
    }
    if (PROJECTION == UNIT_L1) {
        return abs(value);
    }
    return value * value;
}

// The projected value, given the sum over its row.
fn projected(value: f32, sum: f32) -> f32 {
    if (PROJECTION == SIMPLEX) {
        return max(value, 0.0) / (sum + 1e-8);
    }
    if (PROJECTION == UNIT_L1) {
        return value / (sum + 1e-8);
    }
    if (PROJECTION == UNIT_L2) {
        return value / (sqrt(sum) + 1e-8);
    }
    if (PROJECTION == AT_LEAST) {
        return select(value, params.bound, value < params.bound);
    }
    let norm = sqrt(sum);
    if (norm > params.bound) {
        return value * (params.bound / norm);
    }
    return value;
}

