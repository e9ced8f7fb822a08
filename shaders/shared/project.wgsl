// What holds a parameter in its set. Of `params`: cols, radius.
override PROJECTION: u32 = 0u;
const NONE: u32 = 0u;
const SIMPLEX: u32 = 1u; // relu, then divide by (the sum + 1e-8)
const BALL: u32 = 2u;    // scale by min(1, radius / norm)

// What a value adds to the sum that the projection of its row needs.
fn projection_term(value: f32) -> f32 {
    if (PROJECTION == SIMPLEX) {
        return max(value, 0.0);
    }
    return value * value;
}

// The projected value, given the sum over its row.
fn projected(value: f32, sum: f32) -> f32 {
    if (PROJECTION == SIMPLEX) {
        return max(value, 0.0) / (sum + 1e-8);
    }
    let norm = sqrt(sum);
    if (norm > params.radius) {
        return value * (params.radius / norm);
    }
    return value;
}

