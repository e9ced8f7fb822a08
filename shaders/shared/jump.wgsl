// What the dense and the sparse jump have in common. Both get θ from the kernel `theta`, so that the forward and the
// backward pass decide a ≥ θ on the same bits.

// The code of a pre-code: a = relu(pre) where a ≥ θ, else 0. NaN stays NaN, to be seen in the loss.
fn jump_code(pre: f32, theta: f32) -> f32 {
    if is_nan(pre) {
        return pre;
    }
    if is_nan(theta) {
        return theta;
    }
    let a = max(pre, 0.0);
    return select(0.0, a, a >= theta);
}

// Whether ∂loss/∂pre passes: through the step and through relu.
fn jump_passes(pre: f32, theta: f32) -> bool {
    return pre > 0.0 && pre >= theta;
}
